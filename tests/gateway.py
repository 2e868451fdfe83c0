"""A fake of API Gateway's WebSocket management API, which moto does not have."""

from __future__ import annotations

import json
from typing import Any


class GoneError(Exception):
    pass


class StandInGateway:
    """Records the messages posted to connections. Those in `gone` raise GoneException."""

    class exceptions:  # noqa: N801 - boto3's name
        GoneException = GoneError

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.gone: set[str] = set()

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:  # noqa: N803
        if ConnectionId in self.gone:
            raise GoneError
        self.sent.append((ConnectionId, json.loads(Data)))
