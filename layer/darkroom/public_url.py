"""User-supplied URLs that the service calls: which are accepted, and their parts.

The API checks a URL with the same function that the client parses it with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from darkroom.addresses import IPAddress, is_public

MAX_LENGTH: Final = 2048
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")
"""Those of a URL (RFC 3986): Python would drop line breaks and tabs without a word."""
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A host that ends in a label like this is an IPv4 address to all that resolve it."""


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """host: in lower case, an IPv6 address without its brackets. path: with the query."""

    host: str
    port: int
    path: str


def parse_public_url(url: str) -> PublicUrl:
    """Raises ValueError, which says what is wrong with the URL."""
    if len(url) > MAX_LENGTH:
        raise ValueError(f"it has {len(url):,} characters; the limit is {MAX_LENGTH:,}")
    if not _CHARACTERS.fullmatch(url):
        raise ValueError("it has characters that no URL has; percent-encode them")
    try:
        parts = urlsplit(url)
        port = 443 if parts.port is None else parts.port
    except ValueError:
        raise ValueError("it is not a URL; write it as https://host/path") from None
    if parts.scheme != "https":
        raise ValueError("it has to start with https://")
    if "@" in parts.netloc:
        raise ValueError("it may hold no user name and no password")
    if "#" in url:
        raise ValueError("it may have no fragment; leave out # and what follows")
    if port == 0:
        raise ValueError("it names port 0, where nobody listens")
    path = parts.path or "/"
    return PublicUrl(_host(parts), port, f"{path}?{parts.query}" if parts.query else path)


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    address = _address(host, bracketed="[" in parts.netloc)
    if address is None and not _NAME.fullmatch(host):
        raise ValueError("it needs the name of a host, in ASCII (an international one as xn--…)")
    if address is not None and not is_public(address):
        raise ValueError("its address is not public; give one that can be reached from outside")
    return host


def _address(host: str, *, bracketed: bool) -> IPAddress | None:
    """None for a name. Raises ValueError for what is meant as an address and is none."""
    try:
        if bracketed:
            return IPv6Address(host)
        numeric = _NUMBER.fullmatch(host.rpartition(".")[2])
        return IPv4Address(host) if numeric else None
    except ValueError:
        raise ValueError("its host is written like an IP address and is none") from None
