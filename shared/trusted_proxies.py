"""The trusted proxies in front, which decide the caller's address in `X-Forwarded-For`."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

# No installation has more proxies in a row; a longer header is an attempt to keep the process busy.
MAX_HOPS = 20
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, kw_only=True)
class TrustedProxies:
    """Proxies by network, or by their number (`hops`). Without either, the header is ignored."""

    networks: tuple[Network, ...] = ()
    hops: int = 0

    @classmethod
    def parse(cls, text: str) -> "TrustedProxies":
        """`1`, or `10.0.0.0/8,::1`. Raises ValueError for anything else."""
        text = text.strip()
        if text.isdecimal() and len(text) < 3:
            return cls(hops=int(text))
        return cls(networks=tuple(ip_network(part.strip()) for part in text.split(",") if part.strip()))

    def client(self, peer: str, forwarded_for: str) -> str:
        """The caller's address: the last in the header that is no trusted proxy's; `peer` when no proxy is trusted.

        Callers can write the left part of the header themselves, so it is read from the right, one address for each
        proxy that is trusted, and no further than the first part that is no address.
        """
        found = peer
        parts = [part.strip() for part in forwarded_for.rsplit(",", MAX_HOPS)[-MAX_HOPS:]] if forwarded_for else []
        for hop, part in enumerate(reversed(parts)):
            if not (hop < self.hops or self._trusts(found)):
                break
            address = _address(part)
            if address is None:
                break
            found = address
        return found

    def _trusts(self, text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self.networks)


def _address(text: str) -> str | None:
    """The address in `192.0.2.1`, `192.0.2.1:1234`, `2001:db8::1` or `[2001:db8::1]:1234`."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return None
