"""The records of the table's stream: what they say of jobs and files, and reading them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from darkroom.aws import block_items, items
from darkroom.files import File
from darkroom.jobs import Job

Records = Sequence[Mapping[str, Any]]
_EXPIRED: Final = ("TrimmedDataAccessException", "ResourceNotFoundException")


def jobs_in(records: Records) -> Iterator[tuple[Job | None, Job | None]]:
    """Each job that the records are about, before and after the write."""
    for record in records:
        change = record["dynamodb"]
        if change["Keys"]["sk"]["S"] == items.JOB:
            yield _job(change.get("OldImage")), _job(change.get("NewImage"))


def files_in(records: Records) -> Iterator[File]:
    """The files that the records are about, as they were written."""
    for record in records:
        change = record["dynamodb"]
        image, kind = change.get("NewImage"), change["Keys"]["sk"]["S"]
        if image and (kind == items.BLOCK or kind.startswith(items.FILE)):
            yield from block_items.files_from_stream(image)


def _job(image: Mapping[str, Any] | None) -> Job | None:
    return items.job_from(items.from_stream(image)) if image else None


class RecordsExpired(Exception):
    """The records have left the stream, which keeps them for 24 hours."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Reads a batch of records again, as the on-failure queue names it.

    client: boto3's for `dynamodbstreams`.
    """

    client: Any

    def read(self, batch: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """All records of a batch, also those that the event source's filter leaves out.

        batch: `DDBStreamBatchInfo`. Raises RecordsExpired.
        """
        last = int(batch["endSequenceNumber"])
        found: list[Mapping[str, Any]] = []
        try:
            iterator: str | None = self.client.get_shard_iterator(
                StreamArn=batch["streamArn"],
                ShardId=batch["shardId"],
                ShardIteratorType="AT_SEQUENCE_NUMBER",
                SequenceNumber=batch["startSequenceNumber"],
            )["ShardIterator"]
            while iterator:
                page = self.client.get_records(ShardIterator=iterator)
                for record in page["Records"]:
                    if int(record["dynamodb"]["SequenceNumber"]) > last:
                        return found
                    found.append(record)
                if found and int(found[-1]["dynamodb"]["SequenceNumber"]) == last:
                    return found
                iterator = page.get("NextShardIterator")
        except ClientError as error:
            if error.response["Error"]["Code"] in _EXPIRED:
                raise RecordsExpired from error
            raise
        return found
