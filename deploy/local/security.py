"""How a stack's Kafka and MongoDB are locked: not at all on loopback, or by TLS, passwords and least rights."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from deploy.local.certificates import SERVER_NAME, Certificates
from deploy.local.kafka_acls import grant
from deploy.local.ports import HOST, Ports
from deploy.local.tokens import write_secret
from shared.kafka_settings import KafkaSettings

if TYPE_CHECKING:
    from deploy.kafka_rights import Principal

MECHANISM = "SCRAM-SHA-512"
ADMIN = "admin"
LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
# Java's first compiler alone, which saves memory in tests, encrypts at a third of the speed.
QUICK_START = "-XX:TieredStopAtLevel=1"


class Open:
    """No TLS and no rights: whoever is on this machine may do anything in Kafka. MongoDB asks for passwords."""

    is_secure = False
    java_options: tuple[str, ...] = (QUICK_START,)

    def prepare(self) -> None:
        """Makes what is kept in files."""

    def broker_settings(self, broker_id: int, ports: Ports) -> Mapping[str, object]:
        address = f"{HOST}:{ports[f'kafka-{broker_id}']}"
        return {
            "listeners": f"PLAINTEXT://{address},CONTROLLER://{HOST}:{ports[f'kafka-{broker_id}-controller']}",
            "advertised.listeners": f"PLAINTEXT://{address}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        }

    def storage_users(self) -> list[str]:
        """Arguments of Kafka's StorageTool that make the users."""
        return []

    def kafka_settings(self, bootstrap_servers: str) -> KafkaSettings:
        """For the one who starts and looks after the brokers."""
        return KafkaSettings(kafka_bootstrap_servers=bootstrap_servers.split(","))

    def grant(self, bootstrap_servers: str) -> None:
        """Gives each principal its rights."""

    def environment(self, service: str, role: str) -> Mapping[str, str]:
        """A process's settings."""
        return {}

    def described(self) -> Mapping[str, Any]:
        """What stack.json says of it, beside Kafka's address."""
        return {}

    def mongodb_arguments(self) -> list[str]:
        return []

    def mongodb_query(self) -> str:
        """What a MongoDB URI says of it, behind its other options."""
        return ""


def _principals() -> list["Principal"]:
    """Reckoned from the services' own lists, which only a locked stack has a reason to load."""
    from deploy.kafka_rights import local_principals

    return local_principals()


class Locked(Open):
    """SASL_SSL with a user for each kind of process and deny-by-default rights; MongoDB with TLS and SCRAM-SHA-256."""

    is_secure = True
    java_options = ()

    def __init__(self, directory: Path) -> None:
        self.certificates = Certificates(directory / "tls")
        self._passwords = directory / "tls" / "passwords"
        self._known: dict[str, str] = {}

    def prepare(self) -> None:
        self.certificates.ensure()
        self._passwords.mkdir(mode=0o700, exist_ok=True)
        for name in (ADMIN, *(principal.name for principal in _principals())):
            file = self._passwords / name
            if not file.exists():
                write_secret(file, secrets.token_hex(16))
            self._known[name] = file.read_text()

    def broker_settings(self, broker_id: int, ports: Ports) -> Mapping[str, object]:
        clients, internal, controller = (
            f"{HOST}:{ports[f'kafka-{broker_id}{purpose}']}" for purpose in ("", "-internal", "-controller")
        )
        return {
            "listeners": f"CLIENTS://{clients},INTERNAL://{internal},CONTROLLER://{controller}",
            "advertised.listeners": f"CLIENTS://{clients},INTERNAL://{internal}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "INTERNAL",
            "listener.security.protocol.map": "CLIENTS:SASL_SSL,INTERNAL:SSL,CONTROLLER:SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.certificates.server,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.certificates.authority,
            "listener.name.clients.ssl.client.auth": "none",
            # Brokers know one another by certificate: no password of theirs is anywhere.
            "listener.name.internal.ssl.client.auth": "required",
            "listener.name.controller.ssl.client.auth": "required",
            "listener.name.clients.sasl.enabled.mechanisms": MECHANISM,
            f"listener.name.clients.{MECHANISM.lower()}.sasl.jaas.config": LOGIN,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:CN={SERVER_NAME};User:{ADMIN}",
        }

    def storage_users(self) -> list[str]:
        # For this second others on the machine see them among the arguments: Kafka's tool takes them no other way.
        return [f"--add-scram={MECHANISM}=[name={name},password={password}]" for name, password in self._known.items()]

    def kafka_settings(self, bootstrap_servers: str) -> KafkaSettings:
        return KafkaSettings(
            kafka_bootstrap_servers=bootstrap_servers.split(","),
            kafka_security_protocol="SASL_SSL",
            kafka_sasl_mechanism=MECHANISM,
            kafka_sasl_username=ADMIN,
            kafka_sasl_password=self._known[ADMIN],
            kafka_ssl_ca_file=str(self.certificates.authority),
        )

    def grant(self, bootstrap_servers: str) -> None:
        grant(self.kafka_settings(bootstrap_servers), _principals())

    def environment(self, service: str, role: str) -> Mapping[str, str]:
        principal = f"{service}-{role}"
        return {
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": MECHANISM,
            "KAFKA_SASL_USERNAME": principal,
            "KAFKA_SASL_PASSWORD_FILE": str(self._passwords / principal),
            "KAFKA_SSL_CA_FILE": str(self.certificates.authority),
        }

    def described(self) -> Mapping[str, Any]:
        return {
            "security": {
                "protocol": "SASL_SSL",
                "mechanism": MECHANISM,
                "ca_file": str(self.certificates.authority),
                "passwords": self._known,
            }
        }

    def mongodb_arguments(self) -> list[str]:
        return [
            *("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(self.certificates.server)),
            *("--tlsCAFile", str(self.certificates.authority), "--tlsAllowConnectionsWithoutCertificates"),
            *("--tlsDisabledProtocols", "TLS1_0,TLS1_1"),
        ]

    def mongodb_query(self) -> str:
        return f"&authMechanism=SCRAM-SHA-256&tls=true&tlsCAFile={quote(str(self.certificates.authority), safe='')}"


def client_settings(described: Mapping[str, Any], principal: str) -> KafkaSettings:
    """A client of the Kafka that stack.json describes, as that principal where it asks for one."""
    servers = described["bootstrap_servers"].split(",")
    security = described.get("security")
    if security is None:
        return KafkaSettings(kafka_bootstrap_servers=servers)
    return KafkaSettings(
        kafka_bootstrap_servers=servers,
        kafka_security_protocol=security["protocol"],
        kafka_sasl_mechanism=security["mechanism"],
        kafka_sasl_username=principal,
        kafka_sasl_password=security["passwords"][principal],
        kafka_ssl_ca_file=security["ca_file"],
    )
