"""The WebSocket: connect, subscribe, unsubscribe, ping, disconnect."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from darkroom.aws.services import services
from darkroom.errors import RequestError
from functions.status.subscriptions import Subscriptions

logger = Logger(service="websocket")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    shared = services()
    socket = Subscriptions(shared.jobs, shared.connections, lambda: shared.key)
    request = event["requestContext"]
    connection = request["connectionId"]
    try:
        match request["eventType"]:
            case "CONNECT":
                query = event.get("queryStringParameters") or {}
                socket.connect(connection, query.get("token", ""))
            case "DISCONNECT":
                socket.disconnect(connection)
            case _:
                socket.receive(connection, event.get("body") or "")
    except RequestError as error:
        return {"statusCode": error.status, "body": error.message}
    return {"statusCode": 200}
