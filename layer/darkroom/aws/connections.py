"""WebSocket connections: the jobs they follow, and messages to them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import BotoCoreError, ClientError

from darkroom.aws import items
from darkroom.aws.table_access import refused
from darkroom.errors import Conflict

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_dynamodb.service_resource import Table

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Connections:
    """A subscription is stored twice: under its job for pushing, under its connection for deletion.

    A race may leave an item for a closed connection. The next push to it is refused and deletes it.

    max_jobs: that a connection may follow. max_followers: of a job.
    """

    table: Table
    gateway: ApiGatewayManagementApiClient
    max_jobs: int = 100
    max_followers: int = 1000

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
        """Make the connection a follower of the job. False if the connection is gone.

        Raises Conflict (`too_many_jobs`, `too_many_followers`). Subscriptions at the same moment
        may exceed the limit of followers by a few.
        """
        self._check_followers(connection, job_id)
        jobs = Attr("jobs")
        room = jobs.not_exists() | jobs.size().lt(self.max_jobs) | jobs.contains(job_id)
        try:
            self.table.update_item(
                Key=_key(connection),
                UpdateExpression="ADD jobs :job",
                ConditionExpression=Attr("pk").exists() & room,
                ExpressionAttributeValues={":job": {job_id}},
            )
        except ClientError as error:
            refused(error)
            if self.credential(connection) is None:
                return False
            raise Conflict(
                "too_many_jobs",
                f"This connection follows {self.max_jobs} jobs, the most allowed; unsubscribe "
                "from one, or open another connection.",
            ) from error
        self.table.put_item(Item={**_subscriber(job_id, connection), "expires_at": int(expires_at)})
        return True

    def _check_followers(self, connection: str, job_id: str) -> None:
        """Raise Conflict if the job has as many followers as it may have, and this is a new one."""
        followers = self.followers(job_id, consistent=False)
        if len(followers) >= self.max_followers and connection not in followers:
            raise Conflict(
                "too_many_followers",
                f"{self.max_followers:,} connections follow this job, the most allowed; "
                "ask for its document with GET /jobs/{job_id} instead.",
            )

    def unsubscribe(self, connection: str, job_id: str) -> None:
        self.table.delete_item(Key=_subscriber(job_id, connection))
        try:
            self.table.update_item(
                Key=_key(connection),
                UpdateExpression="DELETE jobs :job",
                ConditionExpression=Attr("pk").exists(),
                ExpressionAttributeValues={":job": {job_id}},
            )
        except ClientError as error:
            refused(error)  # the connection is gone

    def closed(self, connection: str) -> None:
        """Delete the connection and all its subscriptions."""
        old: Mapping[str, Any] = self.table.delete_item(
            Key=_key(connection), ReturnValues="ALL_OLD"
        )
        for job_id in sorted(old.get("Attributes", {}).get("jobs", ())):
            self.table.delete_item(Key=_subscriber(job_id, connection))

    def followers(self, job_id: str, *, consistent: bool = True) -> list[str]:
        """The connections that follow a job."""
        query: dict[str, Any] = {
            "KeyConditionExpression": Key("pk").eq(items.partition(job_id))
            & Key("sk").begins_with(items.SUBSCRIBER),
            "ConsistentRead": consistent,
            "ProjectionExpression": "sk",
        }
        followers: list[str] = []
        while True:
            page = self.table.query(**query)
            followers += [str(item["sk"]).removeprefix(items.SUBSCRIBER) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return followers
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def send(self, connection: str, message: Mapping[str, Any]) -> bool:
        """Send a message once. False if the connection is gone, which deletes it, or too slow."""
        try:
            self.gateway.post_to_connection(
                ConnectionId=connection, Data=json.dumps(message, separators=(",", ":")).encode()
            )
        except self.gateway.exceptions.GoneException:
            self.closed(connection)
            return False
        except (ClientError, BotoCoreError) as error:
            logger.warning("A follower was not reached: %s", error)
            return False
        return True


def _key(connection: str) -> dict[str, str]:
    return {"pk": f"CONN#{connection}", "sk": "CONN"}


def _subscriber(job_id: str, connection: str) -> dict[str, str]:
    return {"pk": items.partition(job_id), "sk": items.SUBSCRIBER + connection}
