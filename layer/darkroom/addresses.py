"""Which IP addresses are public, and which lead into a private network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final, TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address

_UNICAST: Final = IPv6Network("2000::/3")
"""All that IANA allocates as global unicast. Elsewhere `is_global` is true of much that is not."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)
"""The upper half of an ISATAP interface identifier (RFC 5214, section 6.1). The 0x0200 bit says
whether the IPv4 address behind it claims to be globally unique; nothing enforces it."""


def is_public(address: IPAddress) -> bool:
    """Whether anyone on the Internet can reach the address.

    An IPv6 address that embeds an IPv4 one is public only if that one is. Teredo addresses, which
    lead behind a NAT, are not global to begin with.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not (address.is_multicast or address.is_reserved)
    embedded = _embedded(address)
    if embedded is not None:
        return is_public(embedded)
    tunnelled = _isatap(address)
    if tunnelled is not None and not is_public(tunnelled):
        return False
    return address in _UNICAST and address.is_global and address.scope_id is None


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets end up at: mapped, 6to4, or NAT64 (RFC 6052)."""
    if address in _NAT64:
        return _low_bits(address)
    return address.ipv4_mapped or address.sixtofour


def _isatap(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside the site that an ISATAP router tunnels packets to."""
    return _low_bits(address) if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP else None


def _low_bits(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFF_FFFF)
