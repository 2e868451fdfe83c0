"""The HTTP client for webhooks against a real TLS server: requests, and refused addresses."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import OutboundError
from darkroom.safe_http import SafeHttpClient
from tests.layer.hosts import PRIVATE
from tests.receiver import HOST, Answering, Authority, Receiver, authority, status

BODY = '{"é": 1}'.encode()


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("trusted"))


@pytest.fixture
def receiver(trusted: Authority) -> Iterator[Receiver]:
    with Receiver().listening(trusted.chain) as receiver:
        yield receiver


def at(*addresses: str) -> Callable[[str], list[Any]]:
    return lambda host: [ip_address(address) for address in addresses]


@pytest.fixture
def sender(trusted: Authority) -> SafeHttpClient:
    """The production client, except that it calls loopback and trusts the tests' authority."""
    return SafeHttpClient(
        resolve=at("127.0.0.1"),
        allowed=lambda address: True,
        context=partial(ssl.create_default_context, cafile=str(trusted.ca)),
    )


def refusal(sender: SafeHttpClient, url: str) -> str:
    with pytest.raises(OutboundError) as refused:
        sender.post(url, {}, BODY)
    assert refused.value.message.endswith(".")
    return refused.value.code


def test_a_request_arrives(sender: SafeHttpClient, receiver: Receiver) -> None:
    assert sender.post(receiver.url, {"webhook-id": "j1.1"}, BODY) == 204
    [request] = receiver.requests
    assert request.path == "/done?from=darkroom"
    assert request.body == BODY
    assert request.headers["host"] == f"{HOST}:{receiver.port}"
    assert request.headers["webhook-id"] == "j1.1"
    assert request.headers["content-length"] == str(len(BODY))


@pytest.mark.parametrize("code", [200, 201, 299, 400, 404, 410, 429, 500, 503])
def test_every_status_is_returned(sender: SafeHttpClient, receiver: Receiver, code: int) -> None:
    receiver.answer = status(code)
    assert sender.post(receiver.url, {}, BODY) == code


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(
    sender: SafeHttpClient, receiver: Receiver, trusted: Authority, code: int
) -> None:
    with Receiver().listening(trusted.chain) as inside:
        receiver.answer = status(code, Location=inside.url)
        assert sender.post(receiver.url, {}, BODY) == code
        assert inside.connections == 0
    assert len(receiver.requests) == 1


def test_a_host_is_resolved_only_once(sender: SafeHttpClient, receiver: Receiver) -> None:
    """DNS rebinding: a name that is allowed when it is checked and private when it is used."""
    answers = [[ip_address("127.0.0.1")], [ip_address("169.254.169.254")]]
    rebinding = replace(sender, resolve=lambda _: answers.pop(0))
    assert rebinding.post(receiver.url, {}, BODY) == 204
    assert len(answers) == 1


def test_the_next_address_is_tried_if_one_does_not_answer(
    sender: SafeHttpClient, receiver: Receiver
) -> None:
    assert replace(sender, resolve=at("127.0.0.2", "127.0.0.1")).post(receiver.url, {}, BODY) == 204


def test_proxies_are_ignored(
    sender: SafeHttpClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert sender.post(receiver.url, {}, BODY) == 204


class TestPrivateAddresses:
    @pytest.fixture
    def real(self, sender: SafeHttpClient) -> SafeHttpClient:
        return replace(sender, allowed=SafeHttpClient().allowed)

    @pytest.fixture(autouse=True)
    def connections(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        tried: list[Any] = []
        real = socket.create_connection

        def watched(address: Any, *more: Any) -> socket.socket:
            tried.append(address)
            return real(address, *more)

        monkeypatch.setattr(socket, "create_connection", watched)
        return tried

    @pytest.mark.parametrize("address", PRIVATE)
    @pytest.mark.parametrize("others", [(), ("93.184.216.34",)])
    def test_a_host_with_a_private_address_is_not_connected_to(
        self,
        real: SafeHttpClient,
        receiver: Receiver,
        connections: list[Any],
        address: str,
        others: tuple[str, ...],
    ) -> None:
        for addresses in ((address, *others), (*others, address)):
            assert refusal(replace(real, resolve=at(*addresses)), receiver.url) == "address_refused"
        assert connections == []
        assert receiver.connections == 0

    @pytest.mark.parametrize(
        "host",
        ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "me@127.0.0.1"],
    )
    def test_the_production_client_does_not_connect_to_this_machine(
        self, receiver: Receiver, connections: list[Any], host: str
    ) -> None:
        assert refusal(SafeHttpClient(), f"https://{host}:{receiver.port}/") == "address_refused"
        assert connections == []
        assert receiver.connections == 0

    def test_http_is_refused(
        self, sender: SafeHttpClient, receiver: Receiver, connections: list[Any]
    ) -> None:
        assert refusal(sender, receiver.url.replace("https", "http")) == "address_refused"
        assert connections == []


class TestBadReceivers:
    def test_a_certificate_of_an_unknown_authority(
        self, sender: SafeHttpClient, receiver: Receiver
    ) -> None:
        strict = replace(sender, context=ssl.create_default_context)
        assert refusal(strict, receiver.url) == "bad_certificate"
        assert receiver.requests == []

    def test_a_certificate_of_another_host(
        self, sender: SafeHttpClient, receiver: Receiver
    ) -> None:
        url = receiver.url.replace(HOST, "other.example")
        assert refusal(sender, url) == "bad_certificate"
        assert receiver.requests == []

    def test_a_receiver_without_tls(self, sender: SafeHttpClient) -> None:
        with Receiver().listening(None) as plain:
            assert refusal(sender, plain.url) == "no_answer"
            assert plain.requests == []

    def test_a_closed_port(self, sender: SafeHttpClient) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            assert refusal(sender, f"https://{HOST}:{port}/") == "unreachable"

    @pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("too long")])
    def test_an_unknown_host_name(
        self, sender: SafeHttpClient, receiver: Receiver, error: Any
    ) -> None:
        def unknown(host: str) -> Any:
            raise error

        assert refusal(replace(sender, resolve=unknown), receiver.url) == "unknown_host"

    def test_a_host_without_addresses(self, sender: SafeHttpClient, receiver: Receiver) -> None:
        assert refusal(replace(sender, resolve=at()), receiver.url) == "unreachable"

    def test_a_receiver_that_never_answers(
        self, sender: SafeHttpClient, receiver: Receiver
    ) -> None:
        over = threading.Event()
        receiver.answer = lambda handler: over.wait(60) and None
        assert refusal(replace(sender, read_seconds=0.2), receiver.url) == "timed_out"
        over.set()

    def test_a_receiver_that_accepts_and_stays_silent(self, sender: SafeHttpClient) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"https://{HOST}:{silent.getsockname()[1]}/"
            assert refusal(replace(sender, read_seconds=0.2), url) == "timed_out"

    @pytest.mark.parametrize(("said", "code"), [(b"", None), (b"HTTP/1.1 503 Busy\r\nX: ", 503)])
    def test_a_receiver_that_sends_single_bytes(
        self, sender: SafeHttpClient, receiver: Receiver, said: bytes, code: int | None
    ) -> None:
        """No read ever times out, so the response could last for hours."""
        over = threading.Event()

        def drip(handler: Answering) -> None:
            handler.wfile.write(said)
            while not over.wait(0.05):
                handler.wfile.write(b"x")

        receiver.answer = drip
        short = replace(sender, whole_seconds=0.6)
        if code is None:
            assert refusal(short, receiver.url) == "no_answer"
        else:
            assert short.post(receiver.url, {}, BODY) == code
        over.set()

    def test_a_receiver_whose_body_never_ends(
        self, sender: SafeHttpClient, receiver: Receiver
    ) -> None:
        def pour(handler: Answering) -> None:
            status(200)(handler)
            while True:
                handler.wfile.write(b"x" * 65536)

        receiver.answer = pour
        assert sender.post(receiver.url, {}, BODY) == 200

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"nonsense\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200 + b"\r\n",
        ],
    )
    def test_a_receiver_that_sends_nonsense(
        self, sender: SafeHttpClient, receiver: Receiver, answer: bytes
    ) -> None:
        def say(handler: Answering) -> None:
            handler.wfile.write(answer)

        receiver.answer = say
        assert refusal(sender, receiver.url) == "no_answer"


def test_the_production_client_verifies_certificates(tmp_path: Path, trusted: Authority) -> None:
    """The default context trusts only the system's authorities, not the tests'."""
    context = SafeHttpClient().context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
