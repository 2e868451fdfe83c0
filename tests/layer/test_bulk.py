"""Bulk reads, and the cases that are left to boto3."""

from __future__ import annotations

import io
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from urllib3.exceptions import ProtocolError

from tests.conftest import Cloud

DATA = bytes(range(200))


@pytest.mark.parametrize(
    "key", ["results/j/1/a.png", "results/j/1/süß & +100% ~(1)=?#.png", "results/j/1/照片.png"]
)
def test_reads_a_range_of_any_key(cloud: Cloud, key: str) -> None:
    cloud.put(key, DATA)
    assert cloud.services.results.read_range(key, 0, 200) == DATA
    assert cloud.services.results.read_range(key, 17, 90) == DATA[17:90]


def test_requests_have_the_url_and_the_signing_scope_of_boto3(cloud: Cloud) -> None:
    key = "results/j/1/ä (1)+.png"
    cloud.put(key, DATA)
    seen: list[Any] = []
    client = cloud.services.bucket.client
    client.meta.events.register_first(
        "before-send.s3.GetObject", lambda request, **_: seen.append(request)
    )
    cloud.services.results.read_range(key, 0, 200)
    client.get_object(Bucket="darkroom-photos", Key=key)
    ours, boto3s = seen
    assert ours.url == boto3s.url
    assert _scope(ours) == _scope(boto3s)


def _scope(request: Any) -> str:
    """The signing scope: key id, day, region and service."""
    signed = request.headers["Authorization"]
    text = signed.decode() if isinstance(signed, bytes) else signed
    return text.partition("Credential=")[2].partition(",")[0]


def answer_first(cloud: Cloud, answer: Any) -> list[str]:
    """Answer the first GET with `answer`. Returns a list that fills with the requested URLs."""
    requested: list[str] = []

    def hook(request: Any, **_: Any) -> Any:
        requested.append(request.url)
        return answer(request) if len(requested) == 1 else None

    cloud.services.bucket.client.meta.events.register_first("before-send.s3.GetObject", hook)
    return requested


class CutOff(io.BytesIO):
    """A body whose connection breaks."""

    def read(self, *_: Any) -> bytes:
        raise ProtocolError("Connection broken")


@pytest.mark.parametrize(("status", "body"), [(503, b"<Error/>"), (206, DATA[:10]), (200, DATA)])
def test_an_incomplete_response_is_repeated_through_boto3(
    cloud: Cloud, status: int, body: bytes
) -> None:
    cloud.put("results/a.png", DATA)
    requested = answer_first(
        cloud, lambda request: AWSResponse(request.url, status, {}, io.BytesIO(body))
    )
    assert cloud.services.results.read_range("results/a.png", 0, 100) == DATA[:100]
    assert len(requested) == 2


@pytest.mark.parametrize(
    "error",
    [
        ConnectionClosedError(endpoint_url="https://s3"),
        EndpointConnectionError(endpoint_url="https://s3"),
        ConnectTimeoutError(endpoint_url="https://s3"),
        ReadTimeoutError(endpoint_url="https://s3"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_connection_error_is_retried_through_boto3(cloud: Cloud, error: Exception) -> None:
    def broken(request: Any) -> Any:
        raise error

    cloud.put("results/a.png", DATA)
    answer_first(cloud, broken)
    assert cloud.services.results.read_range("results/a.png", 0, 100) == DATA[:100]


def test_a_connection_that_breaks_halfway_is_retried_through_boto3(cloud: Cloud) -> None:
    cloud.put("results/a.png", DATA)
    answer_first(cloud, lambda request: AWSResponse(request.url, 206, {}, CutOff()))
    assert cloud.services.results.read_range("results/a.png", 0, 100) == DATA[:100]


def test_a_missing_object_raises_no_such_key(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="NoSuchKey"):
        cloud.services.results.read_range("results/none.png", 0, 10)


def test_a_shorter_object_is_read_to_its_end(cloud: Cloud) -> None:
    cloud.put("results/a.png", DATA)
    assert cloud.services.results.read_range("results/a.png", 150, 300) == DATA[150:]
