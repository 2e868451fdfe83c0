"""Calls of POST /jobs."""

from __future__ import annotations

import json
from typing import Any

from functions.upload import app
from tests.conftest import KEY, FakeContext, http_event

PHOTO = {"name": "a.jpg", "size": 1000, "content_type": "image/jpeg"}


def post(body: Any, credential: str | None = KEY) -> tuple[int, dict[str, Any]]:
    text = body if isinstance(body, str) else json.dumps(body)
    event = http_event("POST", "/jobs", body=text, credential=credential)
    answer = app.handler(event, FakeContext())
    return answer["statusCode"], json.loads(answer["body"])
