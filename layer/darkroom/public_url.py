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
"""The characters of a URL (RFC 3986). Python's parser would silently drop line breaks and tabs."""
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""Resolvers treat a host whose last label looks like this as an IPv4 address."""


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """host: in lower case, an IPv6 address without its brackets. path: with the query."""

    host: str
    port: int
    path: str


def parse_public_url(url: str) -> PublicUrl:
    """Raises ValueError whose message says how to correct the URL."""
    if len(url) > MAX_LENGTH:
        raise ValueError(f"it has {len(url):,} characters; the limit is {MAX_LENGTH:,}")
    if not _CHARACTERS.fullmatch(url):
        raise ValueError("it has characters that a URL must not have; percent-encode them")
    try:
        parts = urlsplit(url)
        port = 443 if parts.port is None else parts.port
    except ValueError:
        raise ValueError("it is not a URL; write it as https://host/path") from None
    if parts.scheme != "https":
        raise ValueError("it must start with https://")
    if "@" in parts.netloc:
        raise ValueError("it must not contain a user name or password; remove them")
    if "#" in url:
        raise ValueError("it must not contain a fragment; remove # and everything after it")
    if port == 0:
        raise ValueError("it names port 0, which cannot be called; give the receiver's port")
    path = parts.path or "/"
    return PublicUrl(_host(parts), port, f"{path}?{parts.query}" if parts.query else path)


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    address = _address(host, bracketed="[" in parts.netloc)
    if address is None and not _NAME.fullmatch(host):
        raise ValueError("it needs a host name in ASCII; write an international name as xn--…")
    if address is not None and not is_public(address):
        raise ValueError("its address is not public; give one that is reachable from the Internet")
    return host


def _address(host: str, *, bracketed: bool) -> IPAddress | None:
    """The host as an IP address; None if it is a name. Raises ValueError for a malformed one."""
    try:
        if bracketed:
            return IPv6Address(host)
        numeric = _NUMBER.fullmatch(host.rpartition(".")[2])
        return IPv4Address(host) if numeric else None
    except ValueError:
        raise ValueError(
            "its host looks like an IP address but is not a valid one; correct it"
        ) from None
