"""Which IP addresses belong to the open internet: what an address of IPv6 stands for is decoded first, then decided."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that has been given out for use on the internet (IANA's IPv6 address space); what is outside never is there."""
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_TEREDO = IPv6Network("2001::/32")
_6TO4 = IPv6Network("2002::/16")
_ISATAP = 0x5EFE
"""Bits 16 to 31 of an interface's 64, before an IPv4 address; the 16 before are 0 or 0x0200 (RFC 5214, 6.1)."""
_NOT_OF_THE_INTERNET = (
    IPv6Network("2001::/23"),  # protocols' own, PCP's and TURN's anycast among them, which the nearest router answers
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("3fff::/20"),  # documentation, RFC 9637
    IPv4Network("192.0.0.0/24"),  # protocols' own, as above
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, the nearest one
    IPv4Network("168.63.129.16/32"),  # Azure's host, for its own guests (learn.microsoft.com)
)
"""Besides what Python's own tables know, which differ from version to version."""


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the open internet, and so does every IPv4 address that it stands for.

    Of IPv6 that is global unicast, and IPv4 in one of the forms that are used on the internet: mapped (RFC 4291), NAT64
    by its well-known prefix (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380), ISATAP (RFC 5214). Forms that were given up
    or are a network's own are not public, whatever is in them: compatible, translated, ``64:ff9b:1::/48`` (RFC 8215),
    site-local.

    Args:
        address: IPv4 or IPv6, with or without a zone.

    Raises:
        ValueError: it is neither.
    """
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast and not _reserved(ip)
    inner = list(_inner(ip))
    if not all(is_public(str(one)) for one in inner):
        return False
    if ip in _MAPPED or ip in _NAT64 or ip in _TEREDO or ip in _6TO4:
        return True
    return ip in _GLOBAL_UNICAST and ip.is_global and not _reserved(ip)


def _reserved(ip: IPv4Address | IPv6Address) -> bool:
    return any(ip in network for network in _NOT_OF_THE_INTERNET if network.version == ip.version)


def _inner(ip: IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that a gateway or the kernel would connect to for this one."""
    bits = int(ip)
    last = IPv4Address(bits & 0xFFFFFFFF)
    if ip in _MAPPED or ip in _NAT64:
        yield last
    if ip in _6TO4:
        yield IPv4Address(bits >> 80 & 0xFFFFFFFF)
    if ip in _TEREDO:
        yield IPv4Address(bits >> 64 & 0xFFFFFFFF)  # the server
        yield IPv4Address(~bits & 0xFFFFFFFF)
    if bits >> 32 & 0xFDFFFFFF == _ISATAP:
        yield last
