"""Which network addresses a webhook may have: a caller must not reach through us what only we can reach."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The IANA registries of special-purpose addresses (RFC 6890): this host, private, shared by carriers (CGNAT),
# loopback, link-local (clouds' metadata), protocol assignments, documentation, AS112, 6to4 relays, benchmarks,
# multicast, reserved.
# fmt: off
_SPECIAL_IPV4 = [ip_network(text) for text in (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
    "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)]
# fmt: on
# Global unicast is 2000::/3 alone, which leaves out loopback, unique local, link-local, multicast, IPv4-mapped and
# NAT64 (64:ff9b::/96, which leads to any IPv4 address). Inside of it: Teredo and ORCHID, documentation, 6to4.
_GLOBAL_IPV6 = ip_network("2000::/3")
_SPECIAL_IPV6 = [
    ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
]
MAX_URL = 2000


class Refused(Exception):
    """A webhook must not be called at this address; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A URL taken apart, and the one network address that a call goes to."""

    scheme: str
    host: str
    port: int
    path: str
    address: str


def parse_networks(texts: Sequence[str]) -> list[Network]:
    """Raises ValueError for what is no network."""
    return [ip_network(text.strip()) for text in texts if text.strip()]


def is_public(address: Address) -> bool:
    """Whether everybody on the internet means the same host by it."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_IPV4)
    return address in _GLOBAL_IPV6 and not any(address in network for network in _SPECIAL_IPV6)


def resolve(url: str, *, allowed: Sequence[Network] = ()) -> Target:
    """The URL with its address, looked up once: a later answer of the name server changes nothing.

    `allowed` are networks that the operator lets webhooks reach although they are not public; plain http is taken
    there alone. Raises Refused for another scheme, a name without address, and a name with any address that is
    neither public nor allowed.
    """
    scheme, host, port, path = _parts(url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused("There is no such host.") from error
    addresses = [ip_address(str(row[4][0])) for row in found]
    if not addresses:
        raise Refused("There is no such host.")
    inside = [_is_in(address, allowed) for address in addresses]
    if not all(ok or is_public(address) for ok, address in zip(inside, addresses, strict=True)):
        raise Refused("The host has an address that is not public.")
    if scheme != "https" and not all(inside):
        raise Refused("Give an https URL.")
    return Target(scheme=scheme, host=host, port=port, path=path, address=str(addresses[0]))


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _parts(url: str) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused("This is no web address.") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or len(url) > MAX_URL or not url.isascii():
        raise Refused("Give an https URL, in ASCII.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Refused("A webhook's URL has neither user, password nor fragment.")
    if not url.isprintable() or " " in url:
        raise Refused("This is no web address.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path
