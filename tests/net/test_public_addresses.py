"""What is of the open internet, in every form in which an address can be written or carried by another."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest

from imagerag.net.public_addresses import is_public

INSIDE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.5.4",
    "172.31.255.255", "192.0.0.9", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.32.0.1", "9.255.255.255"]


def at(prefix: str, shift: int = 0) -> Callable[[str], str]:
    """Return what puts an IPv4 address so many bits from the end into an address of IPv6."""
    return lambda inner: str(IPv6Address(int(IPv6Address(prefix)) | int(IPv4Address(inner)) << shift))


def teredo_client(inner: str) -> str:
    """Of the form of RFC 4380, 4: the client's address is there with all its bits turned."""
    server = int(IPv4Address("1.1.1.1"))
    return str(IPv6Address(0x20010000 << 96 | server << 64 | int(IPv4Address(inner)) ^ 0xFFFFFFFF))


FORMS = {
    "plain": str,
    "mapped": at("::ffff:0:0"),
    "NAT64": at("64:ff9b::"),
    "6to4": at("2002::", 80),
    "6to4 with an interface": at("2002::1234:5678", 80),
    "Teredo's client": teredo_client,
    "Teredo's server": at("2001::fefe:fefe", 64),
    "ISATAP": at("2606:4700::5efe:0:0"),
    "ISATAP of a global address": at("2606:4700::200:5efe:0:0"),
}
"""Forms that reach the internet if what is in them does."""
GIVEN_UP = {
    "compatible": at("::"),
    "translated": at("::ffff:0:0:0"),
    "a network's own NAT64": at("64:ff9b:1::"),
    "ISATAP in a network of its own": at("fd00::5efe:0:0"),
    "ISATAP on one link": at("fe80::5efe:0:0"),
}


@pytest.mark.parametrize("inner", INSIDE)
@pytest.mark.parametrize("form", [*FORMS, *GIVEN_UP])
def test_what_is_inside_is_not_public_in_any_form(form: str, inner: str) -> None:
    assert not is_public((FORMS | GIVEN_UP)[form](inner))


@pytest.mark.parametrize("inner", OUTSIDE)
@pytest.mark.parametrize("form", FORMS)
def test_what_is_outside_is_public_in_every_form_that_is_in_use(form: str, inner: str) -> None:
    assert is_public(FORMS[form](inner))


@pytest.mark.parametrize("form", GIVEN_UP)
def test_other_forms_are_never_public(form: str) -> None:
    assert not is_public(GIVEN_UP[form]("1.1.1.1"))


@pytest.mark.parametrize(
    "address",
    [
        "::", "::1", "100::1", "100:0:0:1::1", "64:ff9b:1:ffff::1", "200::1", "2001:1::1", "2001:1::2", "2001:2::1",
        "2001:3::1", "2001:4:112::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "4000::1", "5f00::1",
        "fc00::1", "fd12:3456::1", "fe00::1", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "feff::1", "ff02::1",
        "ff0e::1",
    ],
)  # fmt: skip
def test_networks_of_their_own_links_and_documentation_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["2606:4700::1111", "2a00:1450:4001:830::200e", "2400:cb00::1%eth0", "3ffe::1"])
def test_global_unicast_is_public(address: str) -> None:
    assert is_public(address)
