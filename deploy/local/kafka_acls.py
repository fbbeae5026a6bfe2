"""Rights as Kafka's access control lists."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kafka.admin import ACL, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourceType

from deploy.local.errors import StackError
from shared.kafka_settings import KafkaSettings
from shared.messaging.kafka_clients import make_admin

if TYPE_CHECKING:
    from deploy.kafka_rights import Principal, Right

KINDS = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "transactionalId": ResourceType.TRANSACTIONAL_ID}
OPERATIONS = {
    "Read": ACLOperation.READ,
    "Write": ACLOperation.WRITE,
    "Create": ACLOperation.CREATE,
    "Describe": ACLOperation.DESCRIBE,
    "DescribeConfigs": ACLOperation.DESCRIBE_CONFIGS,
    "AlterConfigs": ACLOperation.ALTER_CONFIGS,
}


def grant(settings: KafkaSettings, principals: Iterable["Principal"]) -> None:
    """Makes the lists, as the administrator that `settings` name. Raises StackError, KafkaError."""
    wanted = [acl for principal in principals for right in principal.rights for acl in acls(principal.name, right)]
    admin = make_admin(settings, "uso-rights")
    try:
        failed = admin.create_acls(wanted)["failed"]
    finally:
        admin.close()
    if failed:
        raise StackError(f"Kafka did not take {len(failed)} of {len(wanted)} rights: {failed[0]}")


def acls(principal: str, right: "Right") -> list[ACL]:
    """One for each operation."""
    kind = ACLResourcePatternType.PREFIXED if right.is_prefix else ACLResourcePatternType.LITERAL
    pattern = ResourcePattern(KINDS[right.kind], right.name, kind)
    return [
        ACL(f"User:{principal}", "*", OPERATIONS[operation], ACLPermissionType.ALLOW, pattern)
        for operation in right.operations
    ]
