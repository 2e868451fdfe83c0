"""The `darkroom` command, as people meet it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from darkroom_client import cli
from darkroom_client.api import Darkroom
from darkroom_client.cli import app, chosen
from darkroom_client.errors import Unusable
from tests.client.service import HASTY, KEY, URL, Service, problem


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """What the command talks to, whatever address it is given."""
    service = Service()

    def connect(url: str, key: str) -> Darkroom:
        transport = httpx.MockTransport(service.answer)
        return Darkroom(url, key, transport=transport, patience=HASTY)

    monkeypatch.setattr(cli, "Darkroom", connect)
    monkeypatch.setenv("DARKROOM_URL", URL)
    monkeypatch.setenv("DARKROOM_KEY", KEY)
    return service


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def darkroom(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")


def assert_one_line(result: Result, said: str, status: int = 2) -> None:
    assert result.exit_code == status, result.output
    assert len(result.stderr.strip().splitlines()) == 1
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_results_are_saved_under_their_names(service: Service, folder: Path) -> None:
    write(folder, "a.jpg", "trip/b.jpg")
    result = darkroom("process", "a.jpg", "trip", "--out", "new")
    assert result.exit_code == 0, result.output
    assert "2 succeeded. Saved in new" in result.stdout
    saved = {p.relative_to(folder).as_posix() for p in (folder / "new").rglob("*") if p.is_file()}
    assert saved == {"new/a.png", "new/b.png"}


def test_the_zip_can_be_saved_instead(service: Service, folder: Path) -> None:
    write(folder, "a.jpg", "b.jpg")
    assert darkroom("process", "a.jpg", "b.jpg", "--zip", "--out", "new").exit_code == 0
    assert [path.name for path in (folder / "new").iterdir()] == ["darkroom-job1.zip"]


def test_many_files_are_several_jobs(service: Service, folder: Path) -> None:
    write(folder, *(f"many/{number:03d}.jpg" for number in range(201)))
    result = darkroom("process", "many", "--out", "new")
    assert result.exit_code == 0, result.output
    assert sorted(len(job["files"]) for job in service.jobs.values()) == [1, 100, 100]
    assert len(list((folder / "new").iterdir())) == 201


def test_photos_that_failed_are_named_and_counted(service: Service, folder: Path) -> None:
    write(folder, "a.jpg", "bad.jpg")
    result = darkroom("process", "a.jpg", "bad.jpg")
    assert result.exit_code == 1
    assert "bad.jpg: It is no picture." in result.stdout
    assert "1 succeeded, 1 failed. Saved in results" in result.stdout


def test_a_job_that_came_to_nothing_says_why(service: Service, folder: Path) -> None:
    write(folder, "bad.jpg")
    result = darkroom("process", "bad.jpg")
    assert result.exit_code == 1
    assert "bad.jpg: It is no picture." in result.stdout
    assert "0 succeeded, 1 failed.\n" in result.stdout


def test_options_are_what_was_asked_for_and_no_more(service: Service, folder: Path) -> None:
    write(folder, "a.jpg")
    darkroom("process", "a.jpg")
    arguments = ["--no-remove-bg", "--crop-face", "--model", "silueta", "--option", "quality=80"]
    darkroom("process", "a.jpg", *arguments, "--options", '{"format": "webp", "quality": 1}')
    assert service.jobs["job1"]["body"]["options"] == {}
    assert service.jobs["job2"]["body"]["options"] == {
        "remove_bg": False,
        "crop_face": True,
        "model": "silueta",
        "quality": 80,
        "format": "webp",
    }


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        (["background=#FFFFFF"], {"background": "#FFFFFF"}),
        (["background=null", "trim=true"], {"background": None, "trim": True}),
        (["face.padding=0.2", "face.which=all"], {"face": {"padding": 0.2, "which": "all"}}),
        (["face.aspect=4:5"], {"face": {"aspect": "4:5"}}),
    ],
)
def test_values_are_json_or_text(pairs: list[str], wanted: dict[str, Any]) -> None:
    assert chosen("{}", pairs, {}) == wanted


@pytest.mark.parametrize(
    ("text", "pairs", "said"),
    [
        ("{", [], "--options is not valid JSON"),
        ("[]", [], "--options takes an object"),
        ("{}", ["quality"], "KEY=VALUE"),
        ("{}", ["=1"], "KEY=VALUE"),
        ("{}", ["face=1", "face.padding=1"], "face is given twice"),
    ],
)
def test_odd_options_are_told(text: str, pairs: list[str], said: str) -> None:
    with pytest.raises(Unusable, match=said):
        chosen(text, pairs, {})


def test_a_refusal_is_one_line(service: Service, folder: Path) -> None:
    write(folder, "a.jpg")
    service.before = lambda _: problem(422, "invalid_options", "The options are\nnot valid.")
    assert_one_line(darkroom("process", "a.jpg"), "Error: The options are not valid.")


def test_no_connection_is_one_line(service: Service) -> None:
    def refused(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused")

    service.before = refused
    assert_one_line(darkroom("models"), "Error: Cannot reach api.example: [Errno 111] Connection")


@pytest.mark.parametrize("command", [["models"], ["health"], ["status", "job1"]])
def test_no_address_is_one_line(monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    monkeypatch.delenv("DARKROOM_URL", raising=False)
    assert_one_line(darkroom(*command), "Say where the service is")
    assert_one_line(darkroom(*command, "--url", "nonsense"), "'nonsense' is not the address")


def test_a_file_that_is_not_there_is_one_line(service: Service, folder: Path) -> None:
    assert_one_line(darkroom("process", "gone.jpg"), "gone.jpg: there is no such file")
    assert service.requests == []


def test_a_place_that_cannot_be_written_is_one_line(service: Service, folder: Path) -> None:
    write(folder, "a.jpg", "results")
    assert_one_line(darkroom("process", "a.jpg"), "results: ")


def test_an_unknown_job_is_one_line(service: Service) -> None:
    assert_one_line(darkroom("status", "nothing"), "There is no job with this id.")


def test_ctrl_c_says_which_jobs_go_on(service: Service, folder: Path) -> None:
    def interrupted(request: httpx.Request) -> None:
        if request.url.path == "/jobs/job1":
            raise KeyboardInterrupt

    service.before = interrupted
    write(folder, "a.jpg")
    result = darkroom("process", "a.jpg")
    assert result.exit_code == 130
    assert result.stderr == "Goes on by itself: darkroom status job1\nStopped.\n"


def test_a_job_can_be_looked_at(service: Service, folder: Path) -> None:
    write(folder, "a.jpg", "bad.jpg")
    darkroom("process", "a.jpg", "bad.jpg")
    result = darkroom("status", "job1")
    assert result.exit_code == 0
    assert result.stdout == (
        "completed: 2 of 2 done\n1 succeeded, 1 failed, 0 skipped; ZIP: ready\n"
    )
    assert json.loads(darkroom("status", "job1", "--json").stdout)["status"] == "completed"
    assert "completed" in darkroom("status", "job1.secret", "--watch").stdout


def test_models_and_health(service: Service) -> None:
    assert darkroom("models").stdout == "u2netp (default)\nsilueta\n"
    assert darkroom("health").stdout == "status: ok, version: 1\n"
    service.before = lambda _: httpx.Response(200, json={"status": "sick"})
    assert darkroom("health").exit_code == 2


def test_help_names_every_command() -> None:
    shown = darkroom("--help").stdout
    for name in ("process", "status", "models", "health", "workflow"):
        assert name in shown
