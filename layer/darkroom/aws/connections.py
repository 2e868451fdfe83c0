"""WebSocket connections: the jobs they follow, and messages to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from darkroom.aws import items

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_dynamodb.service_resource import Table


@dataclass(frozen=True, slots=True)
class Connections:
    """A subscription is stored twice: under its job for pushing, under its connection for deletion.

    A race may leave an item for a closed connection. The next push to it is refused and deletes it.
    """

    table: Table
    gateway: ApiGatewayManagementApiClient

    def opened(self, connection: str, credential: str, expires_at: float) -> None:
        """Store a connection. credential: text that the method `credential` returns later."""
        self.table.put_item(
            Item={
                **_key(connection),
                "credential": credential,
                "expires_at": int(expires_at),
            }
        )

    def credential(self, connection: str) -> str | None:
        item = self.table.get_item(Key=_key(connection), ConsistentRead=True).get("Item")
        return None if item is None else str(item["credential"])

    def subscribe(self, connection: str, job_id: str, expires_at: float) -> bool:
        """Make the connection a follower of the job. False if the connection is gone."""
        try:
            self.table.update_item(
                Key=_key(connection),
                UpdateExpression="ADD jobs :job",
                ConditionExpression=Attr("pk").exists(),
                ExpressionAttributeValues={":job": {job_id}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        self.table.put_item(Item={**_subscriber(job_id, connection), "expires_at": int(expires_at)})
        return True

    def unsubscribe(self, connection: str, job_id: str) -> None:
        self.table.delete_item(Key=_subscriber(job_id, connection))

    def closed(self, connection: str) -> None:
        """Delete the connection and all its subscriptions."""
        old: Mapping[str, Any] = self.table.delete_item(
            Key=_key(connection), ReturnValues="ALL_OLD"
        )
        for job_id in sorted(old.get("Attributes", {}).get("jobs", ())):
            self.unsubscribe(connection, job_id)

    def followers(self, job_id: str) -> list[str]:
        """The connections that follow a job."""
        query: dict[str, Any] = {
            "KeyConditionExpression": Key("pk").eq(items.partition(job_id))
            & Key("sk").begins_with(items.SUBSCRIBER),
            "ConsistentRead": True,
        }
        followers: list[str] = []
        while True:
            page = self.table.query(**query)
            followers += [str(item["sk"]).removeprefix(items.SUBSCRIBER) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return followers
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def send(self, connection: str, message: Mapping[str, Any]) -> bool:
        """Send a message. If the connection is gone, delete it and return False."""
        try:
            self.gateway.post_to_connection(
                ConnectionId=connection, Data=json.dumps(message, separators=(",", ":")).encode()
            )
        except self.gateway.exceptions.GoneException:
            self.closed(connection)
            return False
        return True


def _key(connection: str) -> dict[str, str]:
    return {"pk": f"CONN#{connection}", "sk": "CONN"}


def _subscriber(job_id: str, connection: str) -> dict[str, str]:
    return {"pk": items.partition(job_id), "sk": items.SUBSCRIBER + connection}
