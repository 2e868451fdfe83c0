"""The workflow passes against a correct service and reports every fault."""

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
    """A service whose WebSocket pushes the final document."""
    service = Service()

    def push(connection: ServerConnection) -> None:
        job_id = json.loads(connection.recv())["job_id"]
        connection.send(json.dumps(service.document(job_id)))

    with websocket(push) as url:
        service.websocket_url = url
        yield service


def run_workflow(service: Service, folder: Path) -> list[Report]:
    photos = [LocalFile(folder / name, name) for name in ("a.jpg", "b.jpg", "c.jpg")]
    for photo in photos:
        photo.path.write_bytes(photo.name.encode())
    album = make_album(photos, folder / "album.zip")
    with service.client() as api, Bars(Console(quiet=True)) as bars:
        workflow = Workflow(api, folder / "out", QUICK)
        return [
            workflow.run(scenario, bars) for scenario in scenarios(photos, album, faces=["b.jpg"])
        ]


def problems(service: Service, folder: Path) -> str:
    reports = run_workflow(service, folder)
    assert report.workflow(Console(quiet=True), reports) == 1
    return "\n".join(problem for report in reports for problem in report.problems)


def test_every_scenario_passes(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = run_workflow(service, tmp_path)
    assert [report.problems for report in reports] == [[], [], []]
    assert [report.succeeded for report in reports] == [1, 3, 3]
    assert report.workflow(Console(width=100), reports) == 0
    output = capsys.readouterr().out
    assert output.count("PASSED") == 3
    assert output.count("WebSocket 1") == 3

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


def test_missing_websocket_progress_is_a_problem(service: Service, tmp_path: Path) -> None:
    service.websocket_url = ""
    assert "no progress arrived over the WebSocket" in problems(service, tmp_path)


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
    ("path", "change", "message"),
    [
        ("/result", (b"IDAT", b"IDAX"), "the result of b.jpg cannot be decoded"),
        ("/zip", (b"a.png", b"x.png"), "manifest.json is damaged in the archive"),
        ("/zip", (b"PK\x05\x06", b""), "the archive cannot be opened"),
        ("/jobs/job2/files", (b'"faces":1', b'"faces":0'), "no face was found in b.jpg"),
        (
            "/jobs/job2/files",
            (b'"width":1', b'"width":9'),
            "differs in size from what the API reported",
        ),
        (
            "/jobs/job3/files",
            (b"/more of it/", b"/"),
            "names of the results do not match the photos",
        ),
    ],
)
def test_faults_of_the_service_are_reported(
    service: Service, tmp_path: Path, path: str, change: tuple[bytes, bytes], message: str
) -> None:
    replace_answers(service, path, lambda content: content.replace(*change))
    assert message in problems(service, tmp_path)


def test_failed_photos_are_named(service: Service, tmp_path: Path) -> None:
    bad = LocalFile(tmp_path / "bad.jpg", "bad.jpg")
    bad.path.touch()
    with service.client() as api, Bars(Console(quiet=True)) as bars:
        workflow = Workflow(api, tmp_path / "out", QUICK)
        album = make_album([bad], tmp_path / "album.zip")
        report = workflow.run(scenarios([bad], album)[0], bars)
    assert "the job is failed: Nothing worked." in report.problems
    assert "bad.jpg: This is not a photo." in report.problems


def test_an_error_in_one_scenario_does_not_stop_the_others(
    service: Service, tmp_path: Path
) -> None:
    def before(request: httpx.Request) -> httpx.Response | None:
        first = request.url.path == "/jobs" and not service.sent("POST", "/")
        return problem(422, "invalid_job", "The job is not valid.") if first else None

    service.before = before
    reports = run_workflow(service, tmp_path)
    assert [report.passed for report in reports] == [False, False, False]
    service.before = lambda _: None
    assert reports[0].problems == ["The job is not valid."]


def test_invalid_input_is_reported(tmp_path: Path) -> None:
    (tmp_path / "album.zip").write_bytes(b"no zip")
    photo = LocalFile(tmp_path / "a.jpg", "a.jpg")
    with pytest.raises(Unusable, match=r"album\.zip: File is not a zip file"):
        scenarios([photo], tmp_path / "album.zip")
    with pytest.raises(Unusable, match="takes 1 to 100 photos, not 0"):
        scenarios([], tmp_path / "album.zip")
