"""An HTTPS client for user-supplied URLs that refuses private addresses (SSRF).

The host is resolved once, each of its addresses must be public, and the connection goes to one of
the addresses that were checked, so DNS rebinding changes nothing. The certificate is verified
against the host name. Redirects, proxies and response bodies are ignored.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeAlias

from darkroom.addresses import IPAddress, is_public
from darkroom.errors import OutboundError
from darkroom.public_url import PublicUrl, parse_public_url

Resolve: TypeAlias = Callable[[str], Sequence[IPAddress]]
MOST_ADDRESSES = 3
"""Addresses of one host that are tried in turn."""


def resolve(host: str) -> list[IPAddress]:
    """Every address of a host, in the system's order of preference. Raises OSError."""
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ip_address(entry[4][0]) for entry in entries]


@dataclass(frozen=True, slots=True)
class SafeHttpClient:
    """read_seconds: for each read. whole_seconds: for everything after the connection is open."""

    resolve: Resolve = resolve
    allowed: Callable[[IPAddress], bool] = is_public
    context: Callable[[], ssl.SSLContext] = ssl.create_default_context
    connect_seconds: float = 5
    read_seconds: float = 10
    whole_seconds: float = 20

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send a POST and return the status of the answer, whatever it is.

        Raises OutboundError: `address_refused`, `unknown_host`, `unreachable`, `bad_certificate`,
        `timed_out`, `no_answer`.
        """
        target, addresses = self._checked(url)
        with self._connected(addresses, target.port) as connection:
            try:
                return self._exchanged(connection, target, headers, body)
            except ssl.SSLCertVerificationError as error:
                raise OutboundError("bad_certificate", f"{error.verify_message}.") from error
            except TimeoutError as error:
                raise OutboundError("timed_out", "The receiver took too long to answer.") from error
            except (OSError, http.client.HTTPException) as error:
                raise OutboundError(
                    "no_answer", f"The receiver closed the connection: {error!r}."
                ) from error

    def _checked(self, url: str) -> tuple[PublicUrl, Sequence[IPAddress]]:
        """Reject the host if any of its addresses is private."""
        try:
            target = parse_public_url(url)
        except ValueError as error:
            raise OutboundError("address_refused", f"The URL is not allowed: {error}.") from error
        try:
            addresses = self.resolve(target.host)
        except (OSError, UnicodeError) as error:
            raise OutboundError("unknown_host", "The host's name cannot be resolved.") from error
        if not all(self.allowed(address) for address in addresses):
            raise OutboundError("address_refused", "The host has an address that is not public.")
        return target, addresses

    def _connected(self, addresses: Sequence[IPAddress], port: int) -> socket.socket:
        failed: OSError | None = None
        for address in addresses[:MOST_ADDRESSES]:
            try:
                return socket.create_connection((str(address), port), self.connect_seconds)
            except OSError as error:
                failed = error
        raise OutboundError("unreachable", "The host does not accept connections.") from failed

    def _exchanged(
        self,
        connection: socket.socket,
        target: PublicUrl,
        headers: Mapping[str, str],
        body: bytes,
    ) -> int:
        context = self.context()
        connection.settimeout(self.read_seconds)
        secure = context.wrap_socket(
            connection, server_hostname=target.host, do_handshake_on_connect=False
        )
        with secure, _cut_off(secure, self.whole_seconds):
            secure.do_handshake()
            client = http.client.HTTPSConnection(target.host, target.port, context=context)
            client.sock = secure  # so that it does not open a connection of its own
            client.request("POST", target.path, body, {**headers, "Connection": "close"})
            with closing(client.getresponse()) as response:
                return response.status


@contextmanager
def _cut_off(connection: socket.socket, seconds: float) -> Iterator[None]:
    """End the connection after `seconds`, even if single bytes keep each read from timing out."""

    def cut() -> None:
        with suppress(OSError):
            # The socket's own shutdown: TLS would negotiate its own first.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
