"""Which IP addresses lie in the public Internet, and which lead inside."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final, TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address

_UNICAST: Final = IPv6Network("2000::/3")
"""All that IANA gives out as global unicast; elsewhere `is_global` is true of much that is not."""
_NAT64: Final = IPv6Network("64:ff9b::/96")


def is_public(address: IPAddress) -> bool:
    """A host anyone can reach.

    An IPv6 address that carries an IPv4 one is as public as that; but Teredo's, which lead behind
    somebody's NAT, are not global to begin with.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not (address.is_multicast or address.is_reserved)
    carried = _carried(address)
    if carried is not None:
        return is_public(carried)
    return address in _UNICAST and address.is_global and address.scope_id is None


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this one come to: mapped, 6to4, NAT64 (RFC 6052)."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
