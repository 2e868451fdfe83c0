"""S3's event notifications, converted to messages of our own at the edge."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

from darkroom.messages import Message, UploadMessage, parse_message


def messages_in(body: str) -> list[Message]:
    """The messages in the body of a queue that receives S3 events as well as our own.

    S3's test event contains none. Raises ValueError for a body that is neither.
    """
    parsed = json.loads(body)
    if isinstance(parsed, dict) and parsed.get("Event") == "s3:TestEvent":
        return []
    if isinstance(parsed, dict) and "Records" in parsed:
        return [_upload(record) for record in parsed["Records"]]
    return [parse_message(body)]


def _upload(record: Any) -> UploadMessage:
    try:
        uploaded = record["s3"]["object"]
        return UploadMessage(
            key=unquote_plus(uploaded["key"]),
            etag=uploaded["eTag"],
            size=uploaded["size"],
            sequencer=uploaded.get("sequencer", ""),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("this is not an S3 event about an object") from error
