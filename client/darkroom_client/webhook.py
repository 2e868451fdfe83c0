"""Verify the webhooks of the service, with the standard library only.

document = verify(request.headers, request.body, secret)
if document["id"] not in seen:
    ...
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from darkroom_client.errors import Unverified

_SCHEME = "v1"


def verify(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    *,
    tolerance: float = 300,
    now: float | None = None,
) -> dict[str, Any]:
    """Check a webhook's signature and age, and return its document (standardwebhooks.com).

    body: the bytes as received; JSON that was parsed and serialized again does not match the
    signature. secret: the value of the deployment's secret, with or without `whsec_`. tolerance:
    seconds the two clocks may differ, either way. now: seconds since 1970. Raises Unverified. A
    genuine webhook may arrive twice, with the same `document["id"]`.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        webhook_id, timestamp, signatures = (
            lowered[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
        )
    except KeyError as error:
        raise Unverified(f"The header {error} is missing.") from error
    _check_age(timestamp, tolerance, time.time() if now is None else now)
    expected = _signature(_key(secret), webhook_id, timestamp, body)
    matching = [
        hmac.compare_digest(value.encode(errors="replace"), expected)
        for scheme, _, value in (one.partition(",") for one in signatures.split())
        if scheme == _SCHEME
    ]
    if not any(matching):
        raise Unverified("No signature matches the secret.")
    return _document(body)


def _check_age(timestamp: str, tolerance: float, now: float) -> None:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise Unverified("The time stamp is not a number of seconds.")
    age = now - int(timestamp)
    if abs(age) > tolerance:
        when = "ago" if age > 0 else "ahead of this clock"
        raise Unverified(
            f"It was sent {abs(age):.0f} seconds {when}; at most {tolerance:.0f} are allowed."
        )


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not key:  # anyone can sign with an empty key
        raise Unverified(
            "The secret is not base64. Use the value of the deployment's secret unchanged."
        )
    return key


def _signature(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> bytes:
    signed = b".".join([webhook_id.encode(errors="replace"), timestamp.encode(), body])
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise Unverified("The body is not JSON.") from error
    if not isinstance(document, dict):
        raise Unverified("The body is not a JSON object.")
    return document
