"""Which WebSocket connections follow which jobs, and sending to them."""

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
    """A subscription is kept twice: under its job to push, under its connection to clean up.

    A subscriber that is left behind by a race costs one refused push, which forgets it.
    """

    table: Table
    gateway: ApiGatewayManagementApiClient

    def opened(self, connection: str, credential: str, expires_at: float) -> None:
        """`credential`: whom the connection acts for, as the caller wants it back."""
        self.table.put_item(
            Item={
                **_key(connection),
                "credential": credential,
                "expires_at": int(expires_at),
            }
        )

    def credential(self, connection: str) -> str | None:
        found = self.table.get_item(Key=_key(connection), ConsistentRead=True).get("Item")
        return None if found is None else str(found["credential"])

    def subscribe(self, connection: str, job_id: str, expires_at: float) -> bool:
        """False where the connection is gone already."""
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
        """Forget the connection and all its subscriptions."""
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
            found = self.table.query(**query)
            followers += [str(item["sk"]).removeprefix(items.SUBSCRIBER) for item in found["Items"]]
            if "LastEvaluatedKey" not in found:
                return followers
            query["ExclusiveStartKey"] = found["LastEvaluatedKey"]

    def send(self, connection: str, message: Mapping[str, Any]) -> bool:
        """False where the connection is gone; it is forgotten then."""
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
