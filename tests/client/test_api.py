"""Requests, uploads and downloads, and their failures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from darkroom_client.api import Darkroom
from darkroom_client.errors import ApiError, NoProgress, Stopped, Unreachable, Unusable
from darkroom_client.model import LocalFile
from darkroom_client.wire import RetryPolicy
from tests.client.service import FAST_RETRY, KEY, STORAGE, URL, Service, problem


@pytest.fixture
def service() -> Service:
    return Service()


def photos(folder: Path, *names: str) -> list[LocalFile]:
    for name in names:
        (folder / name).write_bytes(b"picture of " + name.encode())
    return [LocalFile(folder / name, name) for name in names]


def once(path: str, answer: Any, method: str = "") -> Any:
    """Return a `before` hook that replaces the first response at `path` with `answer`."""
    answers = [answer]

    def before(request: httpx.Request) -> httpx.Response | None:
        if answers and request.url.path == path and request.method.startswith(method):
            first = answers.pop()
            if isinstance(first, Exception):
                raise first
            return first  # type: ignore[no-any-return]
        return None

    return before


def test_a_job_is_created_with_the_key_and_used_with_its_token(
    service: Service, tmp_path: Path
) -> None:
    with service.client() as api:
        job = api.create_job(photos(tmp_path, "a.jpg"), {"crop_face": True})
        job.upload()
        (file,) = job.files()
        job.download(file, tmp_path / "a.png")
        job.download_archive(tmp_path / "all.zip")
        assert job.progress().status == "completed"
    for request in service.requests:
        sent = request.headers.get("authorization")
        if str(request.url).startswith(STORAGE):
            assert sent is None
        else:
            credential = KEY if request.method == "POST" else "job1.secret"
            assert sent == f"Bearer {credential}"
    body = service.jobs["job1"]["body"]
    assert body["files"] == [{"name": "a.jpg", "size": 16, "content_type": "image/jpeg"}]
    assert body["options"] == {"crop_face": True}
    assert "callback_url" not in body


def test_a_job_may_have_a_callback_url(service: Service, tmp_path: Path) -> None:
    with service.client() as api:
        api.create_job(photos(tmp_path, "a.jpg"), {}, callback_url="https://shop.example/done")
    assert service.jobs["job1"]["body"]["callback_url"] == "https://shop.example/done"


def test_a_job_can_be_opened_by_its_token(service: Service, tmp_path: Path) -> None:
    with service.client() as api:
        api.create_job(photos(tmp_path, "a.jpg"), {})
    with Darkroom(f"{URL}/", transport=httpx.MockTransport(service.answer)) as api:
        assert api.job("job1.secret").progress().status == "awaiting_upload"
    assert service.requests[-1].url == f"{URL}/jobs/job1"
    assert service.requests[-1].headers["authorization"] == "Bearer job1.secret"


def test_uploads_follow_their_grants_and_are_counted(service: Service, tmp_path: Path) -> None:
    files = photos(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    counted: list[int] = []
    with service.client() as api:
        api.create_job(files, {}).upload(counted.append)
    uploads = service.jobs["job1"]["uploads"]
    assert uploads == {index: file.path.read_bytes() for index, file in enumerate(files)}
    assert sum(counted) == sum(file.size for file in files)
    for request in service.sent("POST", "/"):
        names = [b'name="key"', b'name="policy"', b'name="file"']
        positions = [request.content.index(name) for name in names]
        assert positions == sorted(positions)
        assert int(request.headers["content-length"]) == len(request.content)


@pytest.mark.parametrize("failure", [httpx.WriteError("reset"), httpx.Response(503)])
def test_an_interrupted_upload_is_retried(service: Service, tmp_path: Path, failure: Any) -> None:
    service.before = once("/", failure)
    counted: list[int] = []
    with service.client() as api:
        api.create_job(photos(tmp_path, "a.jpg"), {}).upload(counted.append)
    assert service.jobs["job1"]["uploads"] == {0: b"picture of a.jpg"}
    assert sum(counted) == 16


def test_an_upload_rejected_by_s3_is_not_retried(service: Service, tmp_path: Path) -> None:
    xml = "<Error><Code>EntityTooLarge</Code><Message>It is too large</Message></Error>"
    service.before = once("/", httpx.Response(400, text=xml))
    with service.client() as api, pytest.raises(ApiError) as caught:
        api.create_job(photos(tmp_path, "a.jpg"), {}).upload()
    assert caught.value.code == "EntityTooLarge"
    assert str(caught.value).startswith("a.jpg could not be uploaded. S3 answered")
    assert len(service.sent("POST", "/")) == 1


def test_files_are_read_from_all_pages(service: Service, tmp_path: Path) -> None:
    names = ["a.jpg", "bad.jpg", "c.jpg", "d.jpg", "e.jpg"]
    with service.client() as api:
        job = api.create_job(photos(tmp_path, *names), {})
        job.upload()
        assert [file.name for file in job.files()] == names
        (bad,) = job.files(status="failed")
        assert bad.error == {"code": "x", "message": "This is not a photo."}
        assert job.read("000000") == service.jobs["job1"]["results"]["000000"]


class BrokenStream(httpx.SyncByteStream):
    """Half of a body, then a connection error."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"01234"
        raise httpx.ReadError("reset")


def download_archive(
    tmp_path: Path, *answers: httpx.Response
) -> tuple[list[httpx.Request], list[int]]:
    requests: list[httpx.Request] = []
    remaining = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.url.path.startswith("/jobs"):
            return httpx.Response(302, headers={"location": f"{STORAGE}/zip"})
        return next(remaining)

    counted: list[int] = []
    with Darkroom(URL, KEY, transport=httpx.MockTransport(answer), retry=FAST_RETRY) as api:
        api.job("job1").download_archive(tmp_path / "new" / "all.zip", counted.append)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["all.zip"]
    return [r for r in requests if r.url.path == "/zip"], counted


def test_an_interrupted_download_is_resumed(tmp_path: Path) -> None:
    etag = {"etag": '"v1"'}
    requests, counted = download_archive(
        tmp_path,
        httpx.Response(200, stream=BrokenStream(), headers=etag),
        httpx.Response(206, content=b"56789", headers=etag),
    )
    assert requests[1].headers["range"] == "bytes=5-"
    assert requests[1].headers["if-range"] == '"v1"'
    assert (tmp_path / "new/all.zip").read_bytes() == b"0123456789"
    assert sum(counted) == 10


def test_a_download_of_a_changed_object_starts_over(tmp_path: Path) -> None:
    _, counted = download_archive(
        tmp_path,
        httpx.Response(200, stream=BrokenStream(), headers={"etag": '"v1"'}),
        httpx.Response(200, content=b"abc", headers={"etag": '"v2"'}),
    )
    assert (tmp_path / "new/all.zip").read_bytes() == b"abc"
    assert sum(counted) == 3


def test_a_failed_download_keeps_the_existing_file(service: Service, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"older")
    with service.client() as api:
        job = api.create_job(photos(tmp_path, "a.jpg"), {})
        job.upload()
        (file,) = job.files()
        service.before = lambda request: (
            httpx.Response(200, stream=BrokenStream())
            if request.url.path.startswith("/result")
            else None
        )
        with pytest.raises(Unreachable, match=r"storage\.example: reset"):
            job.download(file, tmp_path / "a.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"older"


def test_an_expired_result_url_is_renewed(service: Service, tmp_path: Path) -> None:
    with service.client() as api:
        job = api.create_job(photos(tmp_path, "a.jpg"), {})
        job.upload()
        (file,) = job.files()
        service.before = once("/result/job1/000000", httpx.Response(403))
        job.download(file, tmp_path / "a.png")
    assert [r.url.params.get("as") for r in service.sent("GET", ".*/files/.*")] == ["redirect"]


def test_wait_for_archive_polls_until_it_is_ready() -> None:
    answers = [httpx.Response(202), httpx.Response(302, headers={"location": "https://zip"})]
    transport = httpx.MockTransport(lambda _: answers.pop(0) if len(answers) > 1 else answers[0])
    with Darkroom(URL, KEY, transport=transport) as api:
        assert api.job("job1").wait_for_archive(every=0.01) == "https://zip"
        answers[:] = [httpx.Response(202)]
        with pytest.raises(NoProgress, match="was not ready"):
            api.job("job1").wait_for_archive(seconds=0.02, every=0.01)


def test_a_problem_document_becomes_one_error() -> None:
    fields = [{"field": "options.quality", "message": "too high"}]
    refusal = problem(422, "invalid_options", "The options are not valid.", errors=fields)
    with (
        Darkroom(URL, KEY, transport=httpx.MockTransport(lambda _: refusal)) as api,
        pytest.raises(ApiError) as caught,
    ):
        api.create_job([], {})
    error = caught.value
    assert (error.status, error.code, error.request_id) == (422, "invalid_options", "r-1")
    assert list(error.fields) == fields
    assert str(error) == "The options are not valid. options.quality: too high"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(404, json={"message": "Not Found"}), "Not Found"),
        (httpx.Response(403, html="<h1>Go away</h1>"), "The service answered 403 Forbidden."),
        (httpx.Response(404, json=[]), "The service answered 404 Not Found."),
    ],
)
def test_error_responses_of_other_formats_have_a_message(
    answer: httpx.Response, message: str
) -> None:
    with (
        Darkroom(URL, transport=httpx.MockTransport(lambda _: answer)) as api,
        pytest.raises(ApiError) as caught,
    ):
        api.models()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "answer", [httpx.Response(200, text="<html>"), httpx.Response(200, json=1)]
)
def test_a_server_that_is_not_darkroom_is_reported(answer: httpx.Response) -> None:
    with (
        Darkroom(URL, transport=httpx.MockTransport(lambda _: answer)) as api,
        pytest.raises(Unusable, match=r"not a Darkroom API: api\.example/models"),
    ):
        api.models()


@pytest.mark.parametrize(
    ("failure", "attempts"),
    [
        (httpx.ConnectError("refused"), 3),
        (httpx.ReadTimeout("slow"), 1),
        (httpx.Response(500), 1),
        (httpx.Response(503), 3),
        (httpx.Response(422), 1),
    ],
)
def test_a_job_is_never_created_twice(service: Service, failure: Any, attempts: int) -> None:
    def before(_: httpx.Request) -> httpx.Response:
        if isinstance(failure, Exception):
            raise failure
        assert isinstance(failure, httpx.Response)
        return failure

    service.before = before
    with service.client() as api, pytest.raises((ApiError, Unreachable)):
        api.create_job([], {})
    assert len(service.requests) == attempts


def test_retry_after_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        httpx.Response(429, headers={"retry-after": "7"}),
        httpx.Response(200, json={"status": "ok"}),
    ]
    with Darkroom(URL, transport=httpx.MockTransport(lambda _: answers.pop(0))) as api:
        pauses: list[float] = []
        monkeypatch.setattr(type(api.wire), "pause", lambda _, seconds: pauses.append(seconds))
        assert api.health() == {"status": "ok"}
    assert pauses == [7.0]


def test_retry_delays_double_up_to_a_limit() -> None:
    retry = RetryPolicy(first=1.0, most=5.0)
    for failures, most in [(1, 1.0), (2, 2.0), (3, 4.0), (9, 5.0)]:
        assert most / 2 <= retry.delay(failures) <= most


def test_a_stopped_client_sends_no_requests(service: Service) -> None:
    with service.client() as api:
        api.wire.stop()
        with pytest.raises(Stopped):
            api.models()
    assert service.requests == []


@pytest.mark.parametrize("url", ["api.example", "ftp://api", "https://", "http://["])
def test_an_invalid_api_url_is_rejected(url: str) -> None:
    with pytest.raises(Unusable, match="is not a valid service URL"):
        Darkroom(url)


def test_proxies_are_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "nonsense://127.0.0.1:1")
    for host in ("127.0.0.1", "[::1]", "localhost"):
        Darkroom(f"http://{host}:8000").__exit__()
    with pytest.raises(Unusable, match="The proxy set in the environment cannot be used"):
        Darkroom("http://api.example")
