"""The WebSocket: connecting, following jobs, and the messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from darkroom.aws.services import services
from functions.status import websocket
from tests.conftest import KEY, Cloud, FakeContext
from tests.gateway import StandInGateway
from tests.making import TOKEN, a_file, a_job


@pytest.fixture
def gateway(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> StandInGateway:
    gateway = StandInGateway()
    object.__setattr__(services().connections, "gateway", gateway)
    cloud.services.jobs.create(a_job(), [a_file()])
    cloud.services.jobs.create(a_job(job_id="j2", token_hash="other"), [a_file(job_id="j2")])
    return gateway


def event(kind: str, connection: str = "c1", **more: Any) -> dict[str, Any]:
    return {"requestContext": {"eventType": kind, "connectionId": connection}, **more}


def connect(token: str | None, connection: str = "c1") -> int:
    query = {"queryStringParameters": {"token": token}} if token else {}
    answer = websocket.handler(event("CONNECT", connection, **query), FakeContext())
    return int(answer["statusCode"])


def send(message: Any, connection: str = "c1") -> None:
    body = message if isinstance(message, str) else json.dumps(message)
    assert websocket.handler(event("MESSAGE", connection, body=body), FakeContext()) == {
        "statusCode": 200
    }


@pytest.mark.parametrize(
    ("token", "status"),
    [(TOKEN, 200), (KEY, 200), ("j1.wrong", 401), ("j9.secret", 401), (None, 401), ("", 401)],
)
def test_only_a_token_or_the_key_connects(
    gateway: StandInGateway, token: str | None, status: int
) -> None:
    assert connect(token) == status


def test_a_new_follower_gets_the_document_at_once(gateway: StandInGateway) -> None:
    connect(TOKEN)
    send({"action": "subscribe", "job_id": "j1"})
    connection, document = gateway.sent[0]
    assert connection == "c1"
    assert (document["type"], document["job_id"]) == ("progress", "j1")
    assert services().connections.followers("j1") == ["c1"]


def test_a_token_follows_its_own_job_only(gateway: StandInGateway) -> None:
    connect(TOKEN)
    send({"action": "subscribe", "job_id": "j2"})
    assert gateway.sent[0][1]["code"] == "wrong_token"
    assert services().connections.followers("j2") == []


def test_another_job_is_followed_with_its_own_token(gateway: StandInGateway) -> None:
    connect(KEY, "c2")
    send({"action": "subscribe", "job_id": "j1"}, "c2")
    send({"action": "subscribe", "job_id": "j2"}, "c2")
    assert [document["job_id"] for _, document in gateway.sent] == ["j1", "j2"]


def test_followers_that_disconnect_leave_no_items(gateway: StandInGateway, cloud: Cloud) -> None:
    for connection in ("c1", "c2", "c3"):
        connect(TOKEN, connection)
        send({"action": "subscribe", "job_id": "j1"}, connection)
    assert services().connections.followers("j1") == ["c1", "c2", "c3"]
    send({"action": "unsubscribe", "job_id": "j1"}, "c1")
    assert services().connections.followers("j1") == ["c2", "c3"]
    for connection in ("c1", "c2", "c3"):
        websocket.handler(event("DISCONNECT", connection), FakeContext())
    left = [item["pk"] + item["sk"] for item in cloud.table.scan()["Items"]]
    assert not [key for key in left if "c1" in key or "c2" in key or "c3" in key]


def test_a_connection_that_is_gone_is_deleted(gateway: StandInGateway) -> None:
    connect(TOKEN)
    send({"action": "subscribe", "job_id": "j1"})
    gateway.gone.add("c1")
    assert services().connections.send("c1", {"type": "progress"}) is False
    assert services().connections.followers("j1") == []


def test_ping(gateway: StandInGateway) -> None:
    connect(TOKEN)
    send({"action": "ping"})
    assert gateway.sent == [("c1", {"type": "pong"})]


@pytest.mark.parametrize("message", ["{", "[]", {"action": "dance"}, {"action": "subscribe"}])
def test_an_invalid_message_is_answered_with_an_error(
    gateway: StandInGateway, message: Any
) -> None:
    connect(TOKEN)
    send(message)
    assert gateway.sent[0][1]["type"] == "error"
    assert gateway.sent[0][1]["code"] in {"invalid_json", "unknown_action"}


def test_an_unknown_job_is_answered_with_an_error(gateway: StandInGateway) -> None:
    connect(KEY)
    send({"action": "subscribe", "job_id": "nothing"})
    assert gateway.sent[0][1]["code"] == "unknown_job"


# ---- limits


@pytest.fixture
def limits(gateway: StandInGateway) -> None:
    """A connection may follow one job, and a job may have two followers."""
    for name, limit in (("max_jobs", 1), ("max_followers", 2)):
        object.__setattr__(services().connections, name, limit)


def answers(gateway: StandInGateway) -> list[str]:
    """What the connections were answered: the code of an error, or the type."""
    return [str(message.get("code", message["type"])) for _, message in gateway.sent]


def test_a_connection_follows_a_limited_number_of_jobs(
    gateway: StandInGateway, limits: None
) -> None:
    connect(KEY)
    for job_id in ("j1", "j1", "j2"):
        send({"action": "subscribe", "job_id": job_id})
    assert answers(gateway) == ["progress", "progress", "too_many_jobs"]
    assert services().connections.followers("j2") == []
    send({"action": "unsubscribe", "job_id": "j1"})
    send({"action": "subscribe", "job_id": "j2"})
    assert answers(gateway)[3:] == ["progress"]
    assert services().connections.followers("j2") == ["c1"]


def test_a_job_has_a_limited_number_of_followers(gateway: StandInGateway, limits: None) -> None:
    for connection in ("c1", "c2", "c3"):
        connect(TOKEN, connection)
        send({"action": "subscribe", "job_id": "j1"}, connection)
    send({"action": "subscribe", "job_id": "j1"}, "c2")
    assert answers(gateway) == ["progress", "progress", "too_many_followers", "progress"]
    assert services().connections.followers("j1") == ["c1", "c2"]
    websocket.handler(event("DISCONNECT", "c1"), FakeContext())
    send({"action": "subscribe", "job_id": "j1"}, "c3")
    assert answers(gateway)[4:] == ["progress"]
