"""The composition root: the settings and the AWS adapters, each built once, at its first use."""

from __future__ import annotations

import os
from functools import cache, cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from darkroom.aws.backgrounds import Backgrounds
from darkroom.aws.bucket import Bucket
from darkroom.aws.bulk import BulkReader
from darkroom.aws.connections import Connections
from darkroom.aws.events import EventBus
from darkroom.aws.index import JobIndex
from darkroom.aws.ledger_table import LedgerTable
from darkroom.aws.queues import Lanes, Queue
from darkroom.aws.stream_records import Stream
from darkroom.aws.table import JobTable
from darkroom.settings import Settings, read_settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_sqs import SQSClient

_CONNECTIONS = 32
"""Enough for the threads of the fan-out and of the archive builder."""
_ATTEMPTS = 8
"""Attempts of each request. boto3's standard mode repeats throttles and transient faults after a
random pause of up to 1, 2, 4, 8, 16, 20 and 20 seconds: half a minute in all on average, which any
partition of the table needs at most to split or to cool down. Fewer attempts are made while more
than a hundred repeats are owed: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html"""
_CONFIG = Config(
    max_pool_connections=_CONNECTIONS,
    retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    connect_timeout=5,
    read_timeout=30,
)

_IMPATIENT = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2}
)
"""For pushes. A follower that is slower than this misses a document, and delays nobody."""


class Services:
    """The adapters for the handlers. Nothing is built or read before its first use."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def _table(self) -> Table:
        return boto3.resource("dynamodb", config=_CONFIG).Table(self.settings.table_name)

    @cached_property
    def jobs(self) -> JobTable:
        return JobTable(self._table)

    @cached_property
    def index(self) -> JobIndex:
        return JobIndex(self._table)

    @cached_property
    def ledger(self) -> LedgerTable:
        return LedgerTable(self._table)

    @cached_property
    def bucket(self) -> Bucket:
        # Without these settings, boto3 presigns some URLs with the old signature version, which new
        # regions refuse, and for the global endpoint. That endpoint redirects requests for a new
        # bucket to its region, which breaks the signature, and which a web page may not follow.
        config = _CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
        return Bucket(boto3.client("s3", config=config), self.settings.bucket_name)

    @cached_property
    def backgrounds(self) -> Backgrounds:
        settings = self.settings
        return Backgrounds(self.bucket.client, settings.bucket_name, settings.max_photo_bytes)

    @cached_property
    def results(self) -> BulkReader:
        return BulkReader(self.bucket, boto3.session.Session().get_credentials(), _CONNECTIONS)

    @cached_property
    def connections(self) -> Connections:
        gateway = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=self.settings.websocket_endpoint,
            config=_CONFIG.merge(_IMPATIENT),
        )
        limits = self.settings.max_jobs_per_connection, self.settings.max_followers_per_job
        return Connections(self._table, gateway, *limits)

    @cached_property
    def sqs(self) -> SQSClient:
        return boto3.client("sqs", config=_CONFIG)

    @cached_property
    def stream(self) -> Stream:
        return Stream(boto3.client("dynamodbstreams", config=_CONFIG))

    @cached_property
    def lanes(self) -> Lanes:
        return Lanes(
            images=self._queue(self.settings.process_queue_url),
            bulk=self._queue(self.settings.process_bulk_queue_url),
        )

    @cached_property
    def process_alone(self) -> Queue:
        return self._queue(self.settings.process_alone_queue_url)

    @cached_property
    def ingest(self) -> Queue:
        return self._queue(self.settings.ingest_queue_url)

    @cached_property
    def lifecycle(self) -> Queue:
        return self._queue(self.settings.lifecycle_queue_url)

    @cached_property
    def archives(self) -> Queue:
        return self._queue(self.settings.archive_queue_url)

    @cached_property
    def webhooks(self) -> Queue:
        return self._queue(self.settings.webhooks_queue_url)

    @cached_property
    def events(self) -> EventBus:
        return EventBus(boto3.client("events", config=_CONFIG))

    @cached_property
    def key(self) -> str:
        """The deployment's key. A changed key takes effect at the next cold start."""
        return self._secret(self.settings.key_secret)

    @cached_property
    def webhook_secret(self) -> str:
        """The secret that signs webhooks. A changed one takes effect at the next cold start."""
        return self._secret(self.settings.webhook_secret)

    def _secret(self, name: str) -> str:
        secrets = boto3.client("secretsmanager", config=_CONFIG)
        return secrets.get_secret_value(SecretId=name)["SecretString"]

    def _queue(self, url: str) -> Queue:
        return Queue(self.sqs, url)


@cache
def services() -> Services:
    """The worker's instance. Tests call `services.cache_clear()` after changing its environment."""
    return Services(read_settings(os.environ))
