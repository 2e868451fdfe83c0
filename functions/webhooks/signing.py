"""Signatures as the Standard Webhooks specification has them (standardwebhooks.com)."""

from __future__ import annotations

import base64
import hashlib
import hmac


def signing_key(secret: str) -> bytes:
    """The bytes that a secret stands for: base64, with or without `whsec_` in front.

    Raises ValueError for a secret that is no base64.
    """
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


def signed_headers(key: bytes, webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """timestamp: seconds since 1970, of this try. The id stays the same on each."""
    signed = b".".join([webhook_id.encode(), str(timestamp).encode(), body])
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }
