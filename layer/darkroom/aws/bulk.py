"""Reading objects by the thousand, at half the processor time that boto3 takes for each.

A GET costs boto3 1.5 ms, whatever it brings, and a worker with 32 of them under way has no more
than its one processor. Signed by botocore's own signer and sent by its own HTTP session, without
the layers between, it costs 0.7 ms. Whatever is not answered at once, and whole, is asked again
through boto3, which knows how to wait, retry and name what is wrong; so none of that is here.
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
    """Reads from `bucket`; safe to share among as many threads as it has `connections`."""

    def __init__(self, bucket: Bucket, credentials: Credentials | None, connections: int) -> None:
        self._bucket = bucket
        self._credentials = credentials
        self._meta = bucket.client.meta
        # Where boto3 itself would go: it alone knows an endpoint's rules.
        somewhere = bucket.client.generate_presigned_url(
            "get_object", Params={"Bucket": bucket.name, "Key": "-"}
        )
        self._base = somewhere.partition("?")[0].removesuffix("-")
        self._session = URLLib3Session(
            proxies=get_environ_proxies(self._base),
            max_pool_connections=connections,
            timeout=_SECONDS,
        )

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Bytes [start, end) of an object that is never replaced; fewer where it is shorter."""
        with suppress(NoConnectionError, HTTPClientError, HTTPError):
            answer = self._send(self._signed(key, start, end))
            # In one piece; botocore would put it together from pieces of 64 KiB.
            data: bytes = answer.raw.read()
            if answer.status_code == _PARTIAL_CONTENT and len(data) == end - start:
                return data
        return self._bucket.read_range(key, start, end)

    def _signed(self, key: str, start: int, end: int) -> AWSPreparedRequest:
        request = AWSRequest(
            "GET",
            self._base + quote(key, safe="/~"),
            headers={"Range": f"bytes={start}-{end - 1}"},
            stream_output=True,
        )
        # Frozen anew each time, since a role's credentials expire.
        if self._credentials is None:
            raise NoCredentialsError
        now = self._credentials.get_frozen_credentials()
        S3SigV4Auth(now, "s3", self._meta.region_name).add_auth(request)
        return request.prepare()

    def _send(self, request: AWSPreparedRequest) -> AWSResponse:
        """What is hooked into the client to see (or to answer) its requests gets these as well."""
        hooked = self._meta.events.emit("before-send.s3.GetObject", request=request)
        answer: AWSResponse | None = first_non_none_response(hooked)
        return answer or self._session.send(request)
