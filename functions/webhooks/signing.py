"""Webhook signatures according to the Standard Webhooks specification (standardwebhooks.com)."""

from __future__ import annotations

import base64
import hashlib
import hmac


def signing_key(secret: str) -> bytes:
    """The bytes of a secret, which is base64 with or without the prefix `whsec_`.

    Raises ValueError for a secret that is not base64.
    """
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


def signed_headers(key: bytes, webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that sign `body`. timestamp: of this try, seconds since 1970.

    webhook_id: the same for every try.
    """
    signed = b".".join([webhook_id.encode(), str(timestamp).encode(), body])
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }
