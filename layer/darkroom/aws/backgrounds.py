"""The deployment's own backgrounds, which lie under `backgrounds/` in the bucket."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from darkroom.aws.object_errors import file_error
from darkroom.errors import FileError
from darkroom.keys import background_key
from darkroom.limits import background_not_found

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef

CACHED_BYTES: Final = 64_000_000
"""The most that a worker keeps. A larger background is read for each photo."""
_UNCHANGED: Final = "304"


class Backgrounds:
    """Reads backgrounds, and keeps those used last for as long as S3 says that they are unchanged.

    Several threads may use it.
    """

    def __init__(
        self, client: S3Client, bucket: str, max_bytes: int, cached_bytes: int = CACHED_BYTES
    ) -> None:
        """max_bytes: of one background."""
        self._client, self._bucket = client, bucket
        self._max_bytes, self._cached_bytes = max_bytes, cached_bytes
        self._known: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, name: str) -> bytes:
        """The bytes of a background. Raises FileError: `background_not_found`,
        `background_unusable` (over the limit)."""
        with self._lock:
            known = self._known.get(name)
        request: GetObjectRequestTypeDef = {"Bucket": self._bucket, "Key": background_key(name)}
        if known is not None:
            request["IfNoneMatch"] = known[0]
        try:
            response = self._client.get_object(**request)
        except ClientError as error:
            if known is not None and error.response["Error"]["Code"] == _UNCHANGED:
                self._keep(name, *known)
                return known[1]
            if isinstance(file_error(error), FileError):
                raise background_not_found(name) from error
            raise
        if response["ContentLength"] > self._max_bytes:
            response["Body"].close()
            raise FileError(
                "background_unusable",
                f"The background {name} is over the limit of {self._max_bytes:,} bytes; "
                "replace it by a smaller one.",
            )
        data = response["Body"].read()
        self._keep(name, response["ETag"], data)
        return data

    def _keep(self, name: str, etag: str, data: bytes) -> None:
        """Keep it as the one used last, and drop those used least until all fit."""
        with self._lock:
            self._known.pop(name, None)
            self._known[name] = (etag, data)
            while self._known and sum(len(d) for _, d in self._known.values()) > self._cached_bytes:
                self._known.popitem(last=False)
