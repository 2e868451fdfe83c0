"""One POST to an address of somebody's choosing, which cannot be made to lead inside.

The host is resolved once, each address it has must be public, and the connection goes to an
address that was looked at, not to the name again: a name that changes its mind meanwhile (DNS
rebinding) changes nothing. The certificate is still the host name's. No redirect is followed, no
proxy is asked, no body is read.
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
from darkroom.callback import Callback, parse_callback
from darkroom.errors import Undelivered

Resolve: TypeAlias = Callable[[str], Sequence[IPAddress]]
MOST_ADDRESSES = 3
"""Of one host, to be tried in turn."""


def resolve(host: str) -> list[IPAddress]:
    """Every address of a host, in the system's order of preference. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ip_address(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class Sender:
    """read_seconds: for each read. whole_seconds: for all that follows on the connection."""

    resolve: Resolve = resolve
    allowed: Callable[[IPAddress], bool] = is_public
    context: Callable[[], ssl.SSLContext] = ssl.create_default_context
    connect_seconds: float = 5
    read_seconds: float = 10
    whole_seconds: float = 20

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer, whatever it is.

        Raises Undelivered: `address_refused`, `unknown_host`, `unreachable`, `bad_certificate`,
        `timed_out`, `no_answer`.
        """
        callback, addresses = self._checked(url)
        with self._connected(addresses, callback.port) as connection:
            try:
                return self._exchanged(connection, callback, headers, body)
            except ssl.SSLCertVerificationError as error:
                raise Undelivered("bad_certificate", f"{error.verify_message}.") from error
            except TimeoutError as error:
                raise Undelivered("timed_out", "The receiver took too long to answer.") from error
            except (OSError, http.client.HTTPException) as error:
                raise Undelivered("no_answer", f"The receiver broke off: {error!r}.") from error

    def _checked(self, url: str) -> tuple[Callback, Sequence[IPAddress]]:
        """One address that leads inside spoils all: such a host is not to be trusted."""
        try:
            callback = parse_callback(url)
        except ValueError as error:
            raise Undelivered("address_refused", f"The callback_url is wrong: {error}.") from error
        try:
            addresses = self.resolve(callback.host)
        except (OSError, UnicodeError) as error:
            raise Undelivered("unknown_host", "The host's name cannot be resolved.") from error
        if not all(self.allowed(address) for address in addresses):
            raise Undelivered("address_refused", "The host has an address that is not public.")
        return callback, addresses

    def _connected(self, addresses: Sequence[IPAddress], port: int) -> socket.socket:
        failed: OSError | None = None
        for address in addresses[:MOST_ADDRESSES]:
            try:
                return socket.create_connection((str(address), port), self.connect_seconds)
            except OSError as error:
                failed = error
        raise Undelivered("unreachable", "The host does not take connections.") from failed

    def _exchanged(
        self,
        connection: socket.socket,
        callback: Callback,
        headers: Mapping[str, str],
        body: bytes,
    ) -> int:
        context = self.context()
        connection.settimeout(self.read_seconds)
        secure = context.wrap_socket(
            connection, server_hostname=callback.host, do_handshake_on_connect=False
        )
        with secure, _cut_off(secure, self.whole_seconds):
            secure.do_handshake()
            client = http.client.HTTPSConnection(callback.host, callback.port, context=context)
            client.sock = secure  # so that it opens none of its own
            client.request("POST", callback.target, body, {**headers, "Connection": "close"})
            with closing(client.getresponse()) as response:
                return response.status


@contextmanager
def _cut_off(connection: socket.socket, seconds: float) -> Iterator[None]:
    """Whoever sends a byte now and then never runs into a time-out; this ends it all the same."""

    def cut() -> None:
        with suppress(OSError):
            # The socket's own: TLS would have its say first.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
