"""The bucket: grants for clients, and objects read and written by the functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from darkroom.errors import FileError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class Head:
    """metadata: the object's own, keys in lower case."""

    etag: str
    size: int
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as a listing has it. size: bytes."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Bucket:
    client: S3Client
    name: str

    def grant_upload(
        self, key: str, *, size: int, content_type: str, seconds: int
    ) -> dict[str, Any]:
        """A presigned POST for exactly this key, size in bytes and type."""
        grant = self.client.generate_presigned_post(
            self.name,
            key,
            Fields={"Content-Type": content_type},
            Conditions=[["content-length-range", size, size], {"Content-Type": content_type}],
            ExpiresIn=seconds,
        )
        return {"method": "POST", "url": grant["url"], "fields": grant["fields"], "headers": {}}

    def grant_download(self, key: str, *, filename: str, seconds: int) -> str:
        """A presigned URL that saves the object under `filename`."""
        quoted = filename.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "_")
        return self.client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self.name,
                "Key": key,
                "ResponseContentDisposition": f'attachment; filename="{quoted}"',
            },
            ExpiresIn=seconds,
        )

    def head(self, key: str) -> Head:
        """Raises FileError (`upload_gone`)."""
        try:
            found = self.client.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            raise _named(error) from error
        return Head(found["ETag"].strip('"'), found["ContentLength"], found["Metadata"])

    def reader(self, key: str, etag: str) -> Callable[[int, int], bytes]:
        """Reads bytes [start, end) of one version of an object.

        The reader raises FileError (`upload_changed`, `upload_gone`) when that version is no
        longer there.
        """

        def fetch(start: int, end: int) -> bytes:
            if start >= end:
                return b""
            try:
                found = self.client.get_object(
                    Bucket=self.name, Key=key, Range=f"bytes={start}-{end - 1}", IfMatch=f'"{etag}"'
                )
                return found["Body"].read()
            except ClientError as error:
                raise _named(error) from error

        return fetch

    def read(self, key: str) -> bytes:
        """A whole object."""
        try:
            return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        except ClientError as error:
            raise _named(error) from error

    def write(self, key: str, data: bytes | memoryview, content_type: str) -> None:
        self.client.put_object(
            Bucket=self.name, Key=key, Body=bytes(data), ContentType=content_type
        )

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Bytes [start, end) of an object that is never replaced."""
        if start >= end:
            return b""
        found = self.client.get_object(Bucket=self.name, Key=key, Range=f"bytes={start}-{end - 1}")
        return found["Body"].read()

    def size_of(self, key: str) -> int | None:
        """None where there is no such object."""
        try:
            return self.client.head_object(Bucket=self.name, Key=key)["ContentLength"]
        except ClientError as error:
            if isinstance(_named(error), FileError):
                return None
            raise

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def delete_all(self, prefix: str) -> None:
        """Every object whose key begins with `prefix`."""
        for page in self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix
        ):
            keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
            if keys:
                self.client.delete_objects(
                    Bucket=self.name,
                    Delete={"Objects": keys, "Quiet": True},  # type: ignore[typeddict-item]
                )

    def find(self, prefix: str) -> ListedObject | None:
        """The first object whose key begins with `prefix`."""
        listed = self.client.list_objects_v2(Bucket=self.name, Prefix=prefix, MaxKeys=1)
        for found in listed.get("Contents", []):
            return ListedObject(found["Key"], found["ETag"].strip('"'), found["Size"])
        return None

    def begin_upload(self, key: str, content_type: str) -> str:
        """The id of a new multipart upload."""
        begun = self.client.create_multipart_upload(
            Bucket=self.name, Key=key, ContentType=content_type
        )
        return begun["UploadId"]

    def upload_part(self, key: str, upload_id: str, number: int, data: bytes) -> bool:
        """False where the upload is completed or aborted."""
        try:
            self.client.upload_part(
                Bucket=self.name,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=data,
            )
        except self.client.exceptions.NoSuchUpload:
            return False
        return True

    def uploaded_parts(self, key: str, upload_id: str) -> dict[int, str]:
        """ETags by part number; none where the upload is completed or aborted."""
        try:
            pages = self.client.get_paginator("list_parts").paginate(
                Bucket=self.name, Key=key, UploadId=upload_id
            )
            return {
                part["PartNumber"]: part["ETag"] for page in pages for part in page.get("Parts", [])
            }
        except self.client.exceptions.NoSuchUpload:
            return {}

    def complete_upload(self, key: str, upload_id: str, parts: Mapping[int, str]) -> None:
        """Does nothing where another has completed it."""
        listed = [{"PartNumber": number, "ETag": parts[number]} for number in sorted(parts)]
        try:
            self.client.complete_multipart_upload(
                Bucket=self.name,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": listed},  # type: ignore[typeddict-item]
            )
        except self.client.exceptions.NoSuchUpload:
            return

    def abort_uploads(self, before: float) -> int:
        """Give up the multipart uploads begun before a time, in seconds since 1970; how many.

        A call looks at a thousand of them at most.
        """
        listed = self.client.list_multipart_uploads(Bucket=self.name)
        old = [
            found for found in listed.get("Uploads", []) if found["Initiated"].timestamp() < before
        ]
        for found in old:
            with suppress(self.client.exceptions.NoSuchUpload):  # completed or aborted meanwhile
                self.abort_upload(found["Key"], found["UploadId"])
        return len(old)

    def abort_upload(self, key: str, upload_id: str) -> None:
        self.client.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload_id)


_GONE = FileError("upload_gone", "The upload was deleted before it could be read; upload it again.")
_NAMED = {
    "PreconditionFailed": FileError(
        "upload_changed", "The upload was replaced while it was being read; upload it again."
    ),
    "NoSuchKey": _GONE,
    "NoSuchVersion": _GONE,
    "404": _GONE,
    # S3 does not tell a missing key from a forbidden one to a role that may not list the bucket.
    "AccessDenied": _GONE,
    "403": _GONE,
}


def _named(error: ClientError) -> Exception:
    """What became of the object, where that is what is wrong."""
    named = _NAMED.get(error.response["Error"]["Code"])
    return error if named is None else FileError(named.code, named.message)
