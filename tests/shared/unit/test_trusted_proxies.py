"""Whose word on a caller's address is taken, and which addresses are one caller."""

import pytest

from shared.http.proxies import network_of
from shared.trusted_proxies import TrustedProxies


@pytest.mark.parametrize(
    ("trusted", "peer", "header", "client"),
    [
        ("", "10.0.0.1", "192.0.2.7", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9, 192.0.2.7", "192.0.2.7"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("10.0.0.0/8", "198.51.100.1", "192.0.2.7", "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "192.0.2.7, nonsense", "10.0.0.1"),
        ("127.0.0.1,::1", "::1", "192.0.2.7:4711", "192.0.2.7"),
        ("127.0.0.1,::1", "::1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("1", "10.0.0.1", "203.0.113.9, 192.0.2.7", "192.0.2.7"),
        ("2", "10.0.0.1", "203.0.113.9, 192.0.2.7", "203.0.113.9"),
        ("2", "10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.0/8", "10.0.0.1", "10.0.0.2, " * 10_000 + "10.0.0.3", "10.0.0.2"),
    ],
)
def test_the_caller_is_the_last_address_that_no_trusted_proxy_has(
    trusted: str, peer: str, header: str, client: str
) -> None:
    assert TrustedProxies.parse(trusted).client(peer, header) == client


@pytest.mark.parametrize("wrong", ["proxy.example", "10.0.0.0/33", "10.0.0.1/8", "-1", "1000"])
def test_what_is_no_network_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError):
        TrustedProxies.parse(wrong)


@pytest.mark.parametrize(
    ("first", "other"),
    [("2001:db8::1", "2001:db8::ffff:1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8:0:0:1::", "2001:db8::2")],
)
def test_addresses_of_one_customer_are_one_caller(first: str, other: str) -> None:
    assert network_of(first) == network_of(other)


def test_other_addresses_are_others() -> None:
    assert len({network_of(a) for a in ("192.0.2.1", "192.0.2.2", "2001:db8:0:1::1", "2001:db8:0:2::1")}) == 4
