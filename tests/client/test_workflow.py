"""The workflow passes where all is well, and only there."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from rich.console import Console
from websockets.sync.server import ServerConnection

from darkroom_client import report
from darkroom_client.display import Bars
from darkroom_client.errors import Unusable
from darkroom_client.follow import PollingPolicy
from darkroom_client.model import LocalFile
from darkroom_client.workflow import Report, Workflow, make_album, scenarios
from tests.client.service import Service, problem, websocket

QUICK = PollingPolicy(poll=0.05, quiet=0.3, give_up=2.0, reconnect=0.5)


@pytest.fixture
def service() -> Iterator[Service]:
    """With a WebSocket that pushes the last document."""
    service = Service()

    def push(connection: ServerConnection) -> None:
        job_id = json.loads(connection.recv())["job_id"]
        connection.send(json.dumps(service.document(job_id)))

    with websocket(push) as url:
        service.websocket_url = url
        yield service


def play(service: Service, folder: Path) -> list[Report]:
    photos = [LocalFile(folder / name, name) for name in ("a.jpg", "b.jpg", "c.jpg")]
    for photo in photos:
        photo.path.write_bytes(photo.name.encode())
    album = make_album(photos, folder / "album.zip")
    with service.client() as api, Bars(Console(quiet=True)) as bars:
        player = Workflow(api, folder / "out", QUICK)
        return [player.play(one, bars) for one in scenarios(photos, album, faces=["b.jpg"])]


def problems(service: Service, folder: Path) -> str:
    reports = play(service, folder)
    assert report.workflow(Console(quiet=True), reports) == 1
    return "\n".join(problem for report in reports for problem in report.problems)


def test_all_is_well(service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = play(service, tmp_path)
    assert [report.problems for report in reports] == [[], [], []]
    assert [report.succeeded for report in reports] == [1, 3, 3]
    assert report.workflow(Console(width=100), reports) == 0
    shown = capsys.readouterr().out
    assert shown.count("PASSED") == 3
    assert shown.count("WebSocket 1") == 3

    options = [job["body"]["options"] for job in service.jobs.values()]
    assert options == [{}, {"crop_face": True}, {}]
    saved = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    album = {"album/b.png", "album/more of it/a.png", "album/more of it/c.png"}
    assert saved == {
        *("one.zip", "several.zip", "zip.zip", "one/b.png"),
        *(f"several/{name}.png" for name in "abc"),
        *(f"zip/{name}" for name in album),
    }
    with zipfile.ZipFile(tmp_path / "out" / "zip.zip") as archive:
        assert set(archive.namelist()) == {*album, "manifest.json"}


def test_progress_has_to_come_over_the_websocket(service: Service, tmp_path: Path) -> None:
    service.websocket_url = ""
    assert "no progress came over the WebSocket" in problems(service, tmp_path)


def replace_answers(service: Service, path: str, change: object) -> None:
    def before(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.startswith(path):
            return None
        service.before = lambda _: None
        response = service.answer(request)
        service.before = before
        return httpx.Response(response.status_code, content=change(response.content))  # type: ignore[operator]

    service.before = before


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        ("/result", (b"IDAT", b"IDAX"), "the result of b.jpg does not open"),
        ("/zip", (b"a.png", b"x.png"), "the ZIP's manifest.json is damaged"),
        ("/zip", (b"PK\x05\x06", b""), "the ZIP does not open"),
        ("/jobs/job2/files", (b'"faces":1', b'"faces":0'), "no face was found in b.jpg"),
        ("/jobs/job2/files", (b'"width":1', b'"width":9'), "is not of the size that was told"),
        ("/jobs/job3/files", (b"/more of it/", b"/"), "photos came back as they are called"),
    ],
)
def test_what_is_wrong_is_found(
    service: Service, tmp_path: Path, path: str, change: tuple[bytes, bytes], said: str
) -> None:
    replace_answers(service, path, lambda content: content.replace(*change))
    assert said in problems(service, tmp_path)


def test_a_photo_that_failed_is_named(service: Service, tmp_path: Path) -> None:
    bad = LocalFile(tmp_path / "bad.jpg", "bad.jpg")
    bad.path.touch()
    with service.client() as api, Bars(Console(quiet=True)) as bars:
        player = Workflow(api, tmp_path / "out", QUICK)
        album = make_album([bad], tmp_path / "album.zip")
        report = player.play(scenarios([bad], album)[0], bars)
    assert "the job is failed: Nothing worked." in report.problems
    assert "bad.jpg: It is no picture." in report.problems


def test_a_scenario_that_cannot_be_played_does_not_end_the_others(
    service: Service, tmp_path: Path
) -> None:
    def before(request: httpx.Request) -> httpx.Response | None:
        first = request.url.path == "/jobs" and not service.sent("POST", "/")
        return problem(422, "invalid_job", "The job is not valid.") if first else None

    service.before = before
    reports = play(service, tmp_path)
    assert [report.passed for report in reports] == [False, False, False]
    service.before = lambda _: None
    assert reports[0].problems == ["The job is not valid."]


def test_odd_photos_are_told(tmp_path: Path) -> None:
    (tmp_path / "album.zip").write_bytes(b"no zip")
    photo = LocalFile(tmp_path / "a.jpg", "a.jpg")
    with pytest.raises(Unusable, match=r"album\.zip: File is not a zip file"):
        scenarios([photo], tmp_path / "album.zip")
    with pytest.raises(Unusable, match="from 1 to 100 photos"):
        scenarios([], tmp_path / "album.zip")
