"""Reading thousands of objects, each in half the processor time that boto3 takes.

A GET through boto3 costs 1.5 ms of processor time, whatever its size, and a worker with 32 requests
in flight has a single processor. Signed by botocore's own signer and sent by its own HTTP session,
without the layers between, it costs 0.7 ms. A GET that does not return all its bytes at the first
try is repeated through boto3, which backs off, retries and raises the right error; so this module
does none of that.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.exceptions import HTTPClientError, NoCredentialsError
from botocore.hooks import first_non_none_response
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.credentials import Credentials

    from darkroom.aws.bucket import Bucket

_PARTIAL_CONTENT = 206
_SECONDS = 30


class BulkReader:
    """Reads from `bucket`. Up to `connections` threads may share it."""

    def __init__(self, bucket: Bucket, credentials: Credentials | None, connections: int) -> None:
        self._bucket = bucket
        self._credentials = credentials
        self._meta = bucket.client.meta
        # boto3 builds the URL, because only it knows the endpoint rules.
        presigned = bucket.client.generate_presigned_url(
            "get_object", Params={"Bucket": bucket.name, "Key": "-"}
        )
        self._base = presigned.partition("?")[0].removesuffix("-")
        self._session = URLLib3Session(
            proxies=get_environ_proxies(self._base),
            max_pool_connections=connections,
            timeout=_SECONDS,
        )

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Bytes [start, end) of an object that is never replaced; fewer if it is shorter."""
        with suppress(NoConnectionError, HTTPClientError, HTTPError):
            response = self._send(self._signed(key, start, end))
            # Read in one piece; botocore would join pieces of 64 KiB.
            data: bytes = response.raw.read()
            if response.status_code == _PARTIAL_CONTENT and len(data) == end - start:
                return data
        return self._bucket.read_range(key, start, end)

    def _signed(self, key: str, start: int, end: int) -> AWSPreparedRequest:
        request = AWSRequest(
            "GET",
            self._base + quote(key, safe="/~"),
            headers={"Range": f"bytes={start}-{end - 1}"},
            stream_output=True,
        )
        if self._credentials is None:
            raise NoCredentialsError
        # Frozen for each request, because a role's credentials expire.
        frozen = self._credentials.get_frozen_credentials()
        S3SigV4Auth(frozen, "s3", self._meta.region_name).add_auth(request)
        return request.prepare()

    def _send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send the request, unless a `before-send` hook of the boto3 client answers it."""
        hooked = self._meta.events.emit("before-send.s3.GetObject", request=request)
        response: AWSResponse | None = first_non_none_response(hooked)
        return response or self._session.send(request)
