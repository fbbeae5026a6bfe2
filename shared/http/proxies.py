"""The caller's address behind trusted proxies, for rate limits. It is neither logged nor stored."""

from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from shared.trusted_proxies import TrustedProxies


class ClientAddress:
    """WSGI middleware: `REMOTE_ADDR` becomes the caller's address, as trusted proxies tell it."""

    def __init__(self, app: Callable[..., Iterable[bytes]], proxies: TrustedProxies) -> None:
        self.app = app
        self.proxies = proxies

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        peer, header = environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", "")
        environ["REMOTE_ADDR"] = self.proxies.client(peer, header)
        return self.app(environ, start_response)


def network_of(address: str) -> str:
    """The network that counts as one caller: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found) >> 64 << 64, 64)).network_address) + "/64"
