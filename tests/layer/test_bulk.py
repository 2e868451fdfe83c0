"""Objects read in bulk, and what is left to boto3."""

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
def test_a_range_of_any_key_is_read(cloud: Cloud, key: str) -> None:
    cloud.put(key, DATA)
    assert cloud.services.results.read_range(key, 0, 200) == DATA
    assert cloud.services.results.read_range(key, 17, 90) == DATA[17:90]


def test_it_goes_where_boto3_goes_and_signs_for_the_same(cloud: Cloud) -> None:
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
    """Key id, day, region and service."""
    signed = request.headers["Authorization"]
    text = signed.decode() if isinstance(signed, bytes) else signed
    return text.partition("Credential=")[2].partition(",")[0]


def once(cloud: Cloud, answer: Any) -> list[str]:
    """The first GET is answered with `answer`; returns a list that fills with what is asked."""
    asked: list[str] = []

    def hook(request: Any, **_: Any) -> Any:
        asked.append(request.url)
        return answer(request) if len(asked) == 1 else None

    cloud.services.bucket.client.meta.events.register_first("before-send.s3.GetObject", hook)
    return asked


class CutOff(io.BytesIO):
    """A body whose connection breaks."""

    def read(self, *_: Any) -> bytes:
        raise ProtocolError("Connection broken")


@pytest.mark.parametrize(("status", "body"), [(503, b"<Error/>"), (206, DATA[:10]), (200, DATA)])
def test_what_is_not_answered_as_asked_is_asked_again(
    cloud: Cloud, status: int, body: bytes
) -> None:
    cloud.put("results/a.png", DATA)
    asked = once(cloud, lambda request: AWSResponse(request.url, status, {}, io.BytesIO(body)))
    assert cloud.services.results.read_range("results/a.png", 0, 100) == DATA[:100]
    assert len(asked) == 2


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
def test_a_broken_connection_is_made_good(cloud: Cloud, error: Exception) -> None:
    def broken(request: Any) -> Any:
        raise error

    cloud.put("results/a.png", DATA)
    once(cloud, broken)
    assert cloud.services.results.read_range("results/a.png", 0, 100) == DATA[:100]


def test_so_is_one_that_breaks_half_way(cloud: Cloud) -> None:
    cloud.put("results/a.png", DATA)
    once(cloud, lambda request: AWSResponse(request.url, 206, {}, CutOff()))
    assert cloud.services.results.read_range("results/a.png", 0, 100) == DATA[:100]


def test_what_is_not_there_is_named(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="NoSuchKey"):
        cloud.services.results.read_range("results/none.png", 0, 10)


def test_an_object_that_is_shorter_comes_as_far_as_it_goes(cloud: Cloud) -> None:
    cloud.put("results/a.png", DATA)
    assert cloud.services.results.read_range("results/a.png", 150, 300) == DATA[150:]
