"""`verify` accepts genuine webhooks only; the examples in docs/events.md run as documented."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom_client import Unverified
from darkroom_client.webhook import verify

DOCS = (Path(__file__).parents[2] / "docs/events.md").read_text(encoding="utf-8")
SECRET = "AlphanumericAndAMultipleOfFourCharacters"
BODY = b'{"id": "j1.1", "status": "completed", "archive": null}'
NOW = 1_700_000_000


def signature(
    body: bytes = BODY, at: str = str(NOW), secret: str = SECRET, name: str = "j1.1"
) -> str:
    signed = f"{name}.{at}.".encode() + body
    digest = hmac.digest(base64.b64decode(secret), signed, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def headers(**changes: str) -> dict[str, str]:
    values = {"id": "j1.1", "timestamp": str(NOW), "signature": signature()} | changes
    return {f"webhook-{name}": value for name, value in values.items()}


def test_the_test_vector_of_the_standard() -> None:
    given = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    assert verify(given, body, secret, now=1614265330) == {"test": 2432232314}


@pytest.mark.parametrize("secret", [SECRET, "whsec_" + SECRET])
def test_a_genuine_webhook_passes(secret: str) -> None:
    assert verify(headers(), BODY, secret, now=NOW)["id"] == "j1.1"


def test_header_names_are_case_insensitive() -> None:
    given = {name.title(): value for name, value in headers().items()}
    assert verify(given, BODY, SECRET, now=NOW)["id"] == "j1.1"


def test_one_valid_signature_among_several_is_enough() -> None:
    other = signature(secret="Another1" * 5)
    given = headers(signature=f"v1a,{other[3:]} {other} {signature()} v2,x nonsense")
    assert verify(given, BODY, SECRET, now=NOW)["id"] == "j1.1"


@pytest.mark.parametrize("age", [-300, -1, 0, 299, 300])
def test_clocks_may_differ_by_the_tolerance(age: int) -> None:
    assert verify(headers(), BODY, SECRET, now=NOW + age)["id"] == "j1.1"


@pytest.mark.parametrize(
    ("given", "body", "secret"),
    [
        ({}, BODY, SECRET),
        *(
            ({name: value for name, value in headers().items() if name != missing}, BODY, SECRET)
            for missing in headers()
        ),
        (headers(), BODY + b" ", SECRET),
        (headers(), BODY, "Another1" * 5),
        (headers(id="j1.2"), BODY, SECRET),
        (headers(timestamp=str(NOW - 1)), BODY, SECRET),
        (headers(signature=""), BODY, SECRET),
        (headers(signature="v1,"), BODY, SECRET),
        (headers(signature=signature()[3:]), BODY, SECRET),
        (headers(signature=signature().replace("v1,", "v2,")), BODY, SECRET),
        (headers(signature=signature()[:-1]), BODY, SECRET),
        (headers(signature="v1,ключ"), BODY, SECRET),
        (headers(signature="v1,\udcff"), BODY, SECRET),
        (headers(id="\udcff"), BODY, SECRET),
        (headers(timestamp="", signature=signature(at="")), BODY, SECRET),
        (headers(timestamp="now", signature=signature(at="now")), BODY, SECRET),
        (headers(timestamp="-1", signature=signature(at="-1")), BODY, SECRET),
        (headers(timestamp="٣", signature=signature(at="٣")), BODY, SECRET),
        (headers(timestamp="9" * 400, signature=signature(at="9" * 400)), BODY, SECRET),
        (headers(signature=signature(b"no json")), b"no json", SECRET),
        (headers(signature=signature(b"[]")), b"[]", SECRET),
        (headers(), BODY, ""),
        (headers(), BODY, "whsec_"),
        (headers(), BODY, "not base64!"),
    ],
)
def test_anything_else_is_rejected(given: dict[str, str], body: bytes, secret: str) -> None:
    with pytest.raises(Unverified) as caught:
        verify(given, body, secret, now=NOW)
    assert str(caught.value).endswith(".")


def test_an_empty_secret_is_rejected_even_if_the_signature_matches_it() -> None:
    with pytest.raises(Unverified):
        verify(headers(signature=signature(secret="")), BODY, "whsec_", now=NOW)


@pytest.mark.parametrize("age", [-301, 301, 10**9])
def test_a_webhook_outside_the_tolerance_is_rejected(age: int) -> None:
    with pytest.raises(Unverified, match="allowed"):
        verify(headers(), BODY, SECRET, now=NOW + age)
    assert verify(headers(), BODY, SECRET, now=NOW + age, tolerance=10**9)["id"] == "j1.1"


def test_now_defaults_to_the_current_time() -> None:
    with pytest.raises(Unverified, match="seconds ago"):
        verify(headers(), BODY, SECRET)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_no_other_body_has_the_same_signature(body: bytes, other: bytes) -> None:
    given = headers(signature=signature(body))
    if other != body:
        with pytest.raises(Unverified, match="signature"):
            verify(given, other, SECRET, now=NOW)


def example(language: str) -> str:
    [code] = re.findall(rf"```{language}\n(.+?)```", DOCS, re.S)
    return str(code)


@pytest.fixture
def documented(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the receiver from docs/events.md, running."""
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example("python"), "docs/events.md", "exec"), names)
    names["Receiver"].log_message = lambda *_: None
    with HTTPServer(("127.0.0.1", 0), names["Receiver"]) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_the_receiver_in_the_docs_works(
    documented: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: NOW)
    with httpx.Client(trust_env=False) as client:
        sent = [client.post(documented, headers=headers(), content=BODY) for _ in range(2)]
        forged = client.post(documented, headers=headers(), content=b"{}")
    assert [answer.status_code for answer in (*sent, forged)] == [204, 204, 400]
    assert capsys.readouterr().out == "completed None\n", "the second delivery is a duplicate"


NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="needs Node to run the example in docs/events.md")
def test_the_node_example_in_the_docs_works() -> None:
    cases = [
        [headers(), BODY.decode(), "whsec_" + SECRET, NOW],
        [headers(), BODY.decode(), SECRET, NOW + 300],
        [headers(signature=f"v1,x v1a,y {signature()}"), BODY.decode(), SECRET, NOW],
        [headers(), BODY.decode(), SECRET, NOW + 301],
        [headers(), BODY.decode(), SECRET, NOW - 301],
        [headers(), BODY.decode() + " ", SECRET, NOW],
        [headers(), BODY.decode(), "Another1" * 5, NOW],
        [headers(signature=""), BODY.decode(), SECRET, NOW],
        [{}, BODY.decode(), SECRET, NOW],
    ]
    run = f"""
    const accepted = {json.dumps(cases)}.map(([headers, body, secret, now]) => {{
      try {{ return verify(headers, Buffer.from(body), secret, now).id; }}
      catch (error) {{ return null; }}
    }});
    console.log(JSON.stringify(accepted));
    """
    done = subprocess.run(
        [str(NODE), "-e", example("js") + run], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["j1.1"] * 3 + [None] * 6
