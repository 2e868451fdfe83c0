"""The bucket: presigned URLs for clients, and reads and writes by the functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from darkroom.aws.bulk_delete import delete_objects
from darkroom.aws.object_errors import file_error
from darkroom.errors import FileError, RetryLater

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef


@dataclass(frozen=True, slots=True)
class Head:
    """An object's headers. size: bytes. metadata: user-defined, with keys in lower case."""

    etag: str
    size: int
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as returned by a listing. size: bytes."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class UploadedPart:
    """A part of a multipart upload. crc32: base64; None if the upload began without checksums."""

    etag: str
    crc32: str | None


@dataclass(frozen=True, slots=True)
class Bucket:
    client: S3Client
    name: str

    def grant_upload(
        self, key: str, *, size: int, content_type: str, seconds: int
    ) -> dict[str, Any]:
        """An upload grant: a presigned POST for exactly this key, size in bytes and type."""
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
            response = self.client.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            raise file_error(error) from error
        return Head(response["ETag"].strip('"'), response["ContentLength"], response["Metadata"])

    def reader(self, key: str, etag: str) -> Callable[[int, int], bytes]:
        """A function that reads bytes [start, end) of one version of an object.

        It raises FileError (`upload_changed`, `upload_gone`) if that version no longer exists.
        """

        def fetch(start: int, end: int) -> bytes:
            if start >= end:
                return b""
            try:
                response = self.client.get_object(
                    Bucket=self.name, Key=key, Range=f"bytes={start}-{end - 1}", IfMatch=f'"{etag}"'
                )
                return response["Body"].read()
            except ClientError as error:
                raise file_error(error) from error

        return fetch

    def read(self, key: str) -> bytes:
        """A whole object. Raises FileError (`upload_gone`)."""
        try:
            return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        except ClientError as error:
            raise file_error(error) from error

    def write(self, key: str, data: bytes | memoryview, content_type: str) -> None:
        self.client.put_object(
            Bucket=self.name, Key=key, Body=bytes(data), ContentType=content_type
        )

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Bytes [start, end) of an object that is never replaced."""
        if start >= end:
            return b""
        byte_range = f"bytes={start}-{end - 1}"
        response = self.client.get_object(Bucket=self.name, Key=key, Range=byte_range)
        return response["Body"].read()

    def size_of(self, key: str) -> int | None:
        """An object's size in bytes; None if it does not exist."""
        try:
            return self.client.head_object(Bucket=self.name, Key=key)["ContentLength"]
        except ClientError as error:
            if isinstance(file_error(error), FileError):
                return None
            raise

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def delete_all(self, prefix: str, out_of_time: Callable[[], bool] = lambda: False) -> bool:
        """Delete every object whose key begins with `prefix`. False if time has run out before.

        Raises RetryLater if S3 refused to delete any.
        """
        left = []
        for page in self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix
        ):
            if out_of_time():
                return False
            if keys := [item["Key"] for item in page.get("Contents", [])]:
                left += delete_objects(self.client, self.name, keys)
        if left:
            codes = ", ".join(sorted({error.get("Code", "?") for error in left}))
            raise RetryLater(
                "objects_left",
                f"S3 did not delete {len(left):,} of the objects ({codes}); try again.",
            )
        return True

    def delete_version(self, key: str, etag: str) -> None:
        """Delete an object unless it has been replaced. Its key may name another one by now."""
        with suppress(FileError):
            if self.head(key).etag == etag:
                self.client.delete_object(Bucket=self.name, Key=key, IfMatch=f'"{etag}"')

    def list_keys(self, prefix: str) -> list[str]:
        """The keys that begin with `prefix`."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix
        )
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def find(self, prefix: str) -> ListedObject | None:
        """The first object whose key begins with `prefix`; None if there is none."""
        listing = self.client.list_objects_v2(Bucket=self.name, Prefix=prefix, MaxKeys=1)
        for item in listing.get("Contents", []):
            return ListedObject(item["Key"], item["ETag"].strip('"'), item["Size"])
        return None

    def begin_upload(self, key: str, content_type: str) -> str:
        """Begin a multipart upload, whose parts carry CRC-32 checksums, and return its id."""
        response = self.client.create_multipart_upload(
            Bucket=self.name, Key=key, ContentType=content_type, ChecksumAlgorithm="CRC32"
        )
        return response["UploadId"]

    def upload_part(self, key: str, upload_id: str, number: int, data: bytes) -> bool:
        """Upload one part. False if the multipart upload was completed or aborted before."""
        try:
            self.client.upload_part(
                Bucket=self.name,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=data,
                ChecksumAlgorithm="CRC32",
            )
        except self.client.exceptions.NoSuchUpload:
            return False
        return True

    def uploaded_parts(self, key: str, upload_id: str) -> dict[int, UploadedPart]:
        """The parts by number; empty if the multipart upload was completed or aborted."""
        try:
            pages = self.client.get_paginator("list_parts").paginate(
                Bucket=self.name, Key=key, UploadId=upload_id
            )
            return {
                part["PartNumber"]: UploadedPart(part["ETag"], part.get("ChecksumCRC32"))
                for page in pages
                for part in page.get("Parts", [])
            }
        except self.client.exceptions.NoSuchUpload:
            return {}

    def complete_upload(self, key: str, upload_id: str, parts: Mapping[int, UploadedPart]) -> None:
        """Complete a multipart upload. Does nothing if it was completed or aborted before.

        S3 refuses to complete an upload that began with checksums unless each part's is listed.
        """
        listed = [_completed(number, parts[number]) for number in sorted(parts)]
        with suppress(self.client.exceptions.NoSuchUpload):
            self.client.complete_multipart_upload(
                Bucket=self.name, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )

    def abort_uploads(self, prefix: str = "", before: float = math.inf) -> int:
        """Abort multipart uploads of keys that begin with `prefix`, and return their number.

        before: only those begun before this time (seconds since 1970).
        """
        pages = self.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.name, Prefix=prefix
        )
        listed = [upload for page in pages for upload in page.get("Uploads", [])]
        old = [upload for upload in listed if upload["Initiated"].timestamp() < before]
        for upload in old:
            with suppress(self.client.exceptions.NoSuchUpload):  # completed or aborted meanwhile
                self.abort_upload(upload["Key"], upload["UploadId"])
        return len(old)

    def abort_upload(self, key: str, upload_id: str) -> None:
        self.client.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload_id)


def _completed(number: int, part: UploadedPart) -> CompletedPartTypeDef:
    completed: CompletedPartTypeDef = {"PartNumber": number, "ETag": part.etag}
    if part.crc32:
        completed["ChecksumCRC32"] = part.crc32
    return completed
