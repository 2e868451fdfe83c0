"""Shared fixtures: the service under moto, started fresh for each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock
from urllib.parse import quote_plus

import boto3
import pytest
from moto import mock_aws

from darkroom.aws.services import Services, services
from functions.zip.archive import building
from functions.zip.ingest import intake

KEY = "the-key-of-this-deployment"
WEBHOOK_SECRET = "AlphanumericAndAMultipleOfFourCharacters"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "TABLE_NAME": "darkroom",
    "BUCKET_NAME": "darkroom-photos",
    "WEBSOCKET_URL": "wss://live.example/live",
    "WEBSOCKET_ENDPOINT": "https://live.example/live",
    "MODELS": "u2netp,silueta",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "POWERTOOLS_LOG_LEVEL": "ERROR",
}


class FakeContext:
    """The part of a Lambda context that the functions use."""

    function_name = "function"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:function"
    aws_request_id = "request-1"
    log_group_name = "group"
    log_stream_name = "stream"

    def __init__(self, milliseconds: int = 60_000) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.fixture
def context() -> FakeContext:
    return FakeContext()


@dataclass
class Cloud:
    """The AWS account under moto, with helpers for tests."""

    services: Services
    s3: Any
    sqs: Any
    table: Any

    def put(self, key: str, data: bytes, **more: Any) -> dict[str, Any]:
        """Store an object; returns its S3 event."""
        stored = self.s3.put_object(Bucket="darkroom-photos", Key=key, Body=data, **more)
        stored_object = {
            "key": quote_plus(key, safe="/"),
            "size": len(data),
            "eTag": stored["ETag"].strip('"'),
            "sequencer": "1",
        }
        return {
            "Records": [{"s3": {"bucket": {"name": "darkroom-photos"}, "object": stored_object}}]
        }

    def get(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket="darkroom-photos", Key=key)["Body"].read())

    def keys(self, prefix: str = "") -> list[str]:
        listed = self.s3.list_objects_v2(Bucket="darkroom-photos", Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]

    def received(self, url: str) -> list[str]:
        """Receive and delete all messages of a queue; returns their bodies."""
        bodies: list[str] = []
        while messages := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0
        ).get("Messages"):
            for message in messages:
                bodies.append(message["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def messages(self) -> list[str]:
        """Receive the messages for photos of small jobs."""
        return self.received(self.services.settings.process_queue_url)

    def bulk_messages(self) -> list[str]:
        """Receive the messages for photos of large jobs."""
        return self.received(self.services.settings.process_bulk_queue_url)


def _index(name: str, partition: str, sort: str) -> Any:
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": partition, "KeyType": "HASH"},
            {"AttributeName": sort, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with mock.patch.dict("os.environ", ENVIRONMENT), mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(
            Bucket="darkroom-photos",
            CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
        )
        sqs = boto3.client("sqs")
        for name in (
            "process",
            "process_bulk",
            "process_alone",
            "ingest",
            "lifecycle",
            "archive",
            "webhooks",
        ):
            url = sqs.create_queue(QueueName=name)["QueueUrl"]
            monkeypatch.setenv(f"{name.upper()}_QUEUE_URL", url)
        table = boto3.resource("dynamodb").create_table(
            TableName="darkroom",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
                {"AttributeName": "day", "AttributeType": "S"},
                {"AttributeName": "created_at", "AttributeType": "N"},
                {"AttributeName": "open", "AttributeType": "S"},
                {"AttributeName": "stirred", "AttributeType": "N"},
            ],
            GlobalSecondaryIndexes=[
                _index("history", "day", "created_at"),
                _index("unfinished", "open", "stirred"),
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        secret = boto3.client("secretsmanager").create_secret(Name="key", SecretString=KEY)
        monkeypatch.setenv("KEY_SECRET", secret["ARN"])
        signing = boto3.client("secretsmanager").create_secret(
            Name="webhook", SecretString=WEBHOOK_SECRET
        )
        monkeypatch.setenv("WEBHOOK_SECRET", signing["ARN"])
        # One thread only: moto is not thread-safe.
        monkeypatch.setattr(intake, "THREADS", 1)
        monkeypatch.setattr(building, "READERS", 1)
        monkeypatch.setattr(building, "WRITERS", 1)
        services.cache_clear()
        yield Cloud(services(), s3, sqs, table)
        services.cache_clear()


def http_event(
    method: str,
    path: str,
    *,
    body: str | None = None,
    credential: str | None = KEY,
    query: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return the smallest HTTP API event (payload format 2.0) that the resolver accepts."""
    headers = {"authorization": f"Bearer {credential}"} if credential else {}
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "queryStringParameters": query,
        "body": body,
        "isBase64Encoded": False,
        "requestContext": {
            "requestId": "request-1",
            "stage": "$default",
            "http": {"method": method, "path": path},
        },
    }


def sqs_event(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"message-{index}",
                "receiptHandle": "handle",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:queue",
                "awsRegion": "eu-west-1",
            }
            for index, body in enumerate(bodies)
        ]
    }
