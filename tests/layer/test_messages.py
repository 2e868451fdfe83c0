"""Parsing messages of this and of the previous version, and S3 events."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from darkroom.aws.s3_events import messages_in
from darkroom.messages import (
    ArchiveMessage,
    ForgetMessage,
    ImageMessage,
    Message,
    NudgeMessage,
    RetryMessage,
    UploadMessage,
    WebhookMessage,
    expect,
    parse_message,
)
from tests.letters import LETTERS

KINDS = get_args(Message)


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: letter.kind)
def test_a_message_is_parsed_as_it_was_sent(letter: Message) -> None:
    assert parse_message(letter.model_dump_json(exclude_none=True)) == letter
    assert expect(letter.model_dump_json(), type(letter)) == letter


def test_letters_cover_every_kind() -> None:
    assert {type(letter) for letter in LETTERS} == set(KINDS)
    assert len({kind.model_fields["kind"].default for kind in KINDS}) == len(KINDS)


IMAGE: dict[str, Any] = {
    "job_id": "j1",
    "file_id": "000003",
    "attempt": 1,
    "name": "a.jpg",
    "source": {"key": "uploads/j1/000003/a.jpg", "etag": "e", "size": 1},
    "options": {"model": "u2netp", "face": {"padding": 1}},
}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"retry": "j1", "attempt": 2, "after": "000007"}, RetryMessage),
        ({"nudge": "j1", "after": ""}, NudgeMessage),
        ({"nudge": "j1", "fail": 2, "after": ""}, NudgeMessage),
        ({"forget": "j1"}, ForgetMessage),
        ({"job_id": "j1", "generation": 1}, ArchiveMessage),
        ({"job_id": "j1", "generation": 1, "upload_id": "u", "parts": [1, 9]}, ArchiveMessage),
        ({"key": "uploads/j1/000000/a", "etag": "e", "size": 1, "start": 800}, UploadMessage),
        ({"url": "https://x.example/", "job_id": "j1", "attempt": 1, "body": "{}"}, WebhookMessage),
        (IMAGE, ImageMessage),
    ],
)
def test_messages_of_the_previous_version_still_parse(body: Any, message: type) -> None:
    parsed = parse_message(json.dumps(body))
    assert type(parsed) is message
    fields = parsed.model_dump(exclude_none=True)
    for name, value in body.items():
        if name in ("retry", "nudge", "forget"):
            assert (fields["kind"], fields["job_id"]) == (name, value)
        elif "url" not in body and name in ("attempt", "after") and parsed.kind != "image":
            assert name not in fields, "a walk begins at the first file again"
        elif not isinstance(value, dict):
            assert fields[name] == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", "7", "{}", '{"kind": "x"}', '{"kind": "forget"}', '{"hello": 1}'],
)
def test_other_bodies_are_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_message(body)
    with pytest.raises(ValueError, match=r"."):
        messages_in(body)


def test_a_message_on_the_wrong_queue_is_refused() -> None:
    with pytest.raises(ValueError, match="'forget' is on the wrong queue"):
        expect(ForgetMessage(job_id="j1").model_dump_json(), ImageMessage)


def test_an_s3_event_is_converted_to_uploads() -> None:
    dropped = {"key": "inbox/a+b%2Bc.jpg", "eTag": "e", "size": 7, "sequencer": "1"}
    event = {"Records": [{"s3": {"object": dropped}}, {"s3": {"object": dropped | {"size": 8}}}]}
    first, second = messages_in(json.dumps(event))
    assert first == UploadMessage(key="inbox/a b+c.jpg", etag="e", size=7, sequencer="1")
    assert isinstance(second, UploadMessage)
    assert second.size == 8


def test_the_s3_test_event_contains_no_message() -> None:
    assert messages_in('{"Service": "Amazon S3", "Event": "s3:TestEvent"}') == []


@pytest.mark.parametrize("record", [{}, {"s3": {}}, {"s3": {"object": {"key": "a"}}}, [], 7])
def test_an_event_without_an_object_is_refused(record: Any) -> None:
    with pytest.raises(ValueError, match="not an S3 event"):
        messages_in(json.dumps({"Records": [record]}))
