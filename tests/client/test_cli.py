"""The `darkroom` command: output, exit status and saved files."""

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
from darkroom_client.cli import app, merge_options
from darkroom_client.errors import Unusable
from tests.client.service import FAST_RETRY, KEY, URL, Service, problem


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """The stand-in that the command connects to, whatever the URL."""
    service = Service()

    def connect(url: str, key: str) -> Darkroom:
        transport = httpx.MockTransport(service.answer)
        return Darkroom(url, key, transport=transport, retry=FAST_RETRY)

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


def assert_one_line(result: Result, message: str, status: int = 2) -> None:
    assert result.exit_code == status, result.output
    assert len(result.stderr.strip().splitlines()) == 1
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_results_are_saved_under_the_names_of_the_photos(service: Service, folder: Path) -> None:
    write(folder, "a.jpg", "trip/b.jpg")
    result = darkroom("process", "a.jpg", "trip", "--out", "new")
    assert result.exit_code == 0, result.output
    assert "2 succeeded. Saved in new" in result.stdout
    saved = {p.relative_to(folder).as_posix() for p in (folder / "new").rglob("*") if p.is_file()}
    assert saved == {"new/a.png", "new/b.png"}


def test_zip_saves_the_archive_instead(service: Service, folder: Path) -> None:
    write(folder, "a.jpg", "b.jpg")
    assert darkroom("process", "a.jpg", "b.jpg", "--zip", "--out", "new").exit_code == 0
    assert [path.name for path in (folder / "new").iterdir()] == ["darkroom-job1.zip"]


def test_many_files_become_several_jobs(service: Service, folder: Path) -> None:
    write(folder, *(f"many/{number:03d}.jpg" for number in range(201)))
    result = darkroom("process", "many", "--out", "new")
    assert result.exit_code == 0, result.output
    assert sorted(len(job["files"]) for job in service.jobs.values()) == [1, 100, 100]
    assert len(list((folder / "new").iterdir())) == 201


def test_failed_photos_are_named_and_counted(service: Service, folder: Path) -> None:
    write(folder, "a.jpg", "bad.jpg")
    result = darkroom("process", "a.jpg", "bad.jpg")
    assert result.exit_code == 1
    assert "bad.jpg: This is not a photo." in result.stdout
    assert "1 succeeded, 1 failed. Saved in results" in result.stdout


def test_a_job_without_results_reports_why(service: Service, folder: Path) -> None:
    write(folder, "bad.jpg")
    result = darkroom("process", "bad.jpg")
    assert result.exit_code == 1
    assert "bad.jpg: This is not a photo." in result.stdout
    assert "0 succeeded, 1 failed.\n" in result.stdout


def test_only_given_options_are_sent(service: Service, folder: Path) -> None:
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
    ("pairs", "expected"),
    [
        (["background=#FFFFFF"], {"background": "#FFFFFF"}),
        (["background=null", "trim=true"], {"background": None, "trim": True}),
        (["face.padding=0.2", "face.which=all"], {"face": {"padding": 0.2, "which": "all"}}),
        (["face.aspect=4:5"], {"face": {"aspect": "4:5"}}),
    ],
)
def test_option_values_are_json_or_text(pairs: list[str], expected: dict[str, Any]) -> None:
    assert merge_options("{}", pairs, {}) == expected


@pytest.mark.parametrize(
    ("text", "pairs", "message"),
    [
        ("{", [], "--options is not valid JSON"),
        ("[]", [], "--options takes a JSON object"),
        ("{}", ["quality"], "KEY=VALUE"),
        ("{}", ["=1"], "KEY=VALUE"),
        ("{}", ["face=1", "face.padding=1"], "face is given both"),
    ],
)
def test_invalid_options_are_reported(text: str, pairs: list[str], message: str) -> None:
    with pytest.raises(Unusable, match=message):
        merge_options(text, pairs, {})


def test_an_api_error_is_one_line(service: Service, folder: Path) -> None:
    write(folder, "a.jpg")
    service.before = lambda _: problem(422, "invalid_options", "The options are\nnot valid.")
    assert_one_line(darkroom("process", "a.jpg"), "Error: The options are not valid.")


def test_a_connection_error_is_one_line(service: Service) -> None:
    def refused(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused")

    service.before = refused
    assert_one_line(darkroom("models"), "Error: Cannot reach api.example: [Errno 111] Connection")


@pytest.mark.parametrize("command", [["models"], ["health"], ["status", "job1"]])
def test_a_missing_or_invalid_url_is_one_line(
    monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.delenv("DARKROOM_URL", raising=False)
    assert_one_line(darkroom(*command), "No URL given")
    assert_one_line(
        darkroom(*command, "--url", "nonsense"), "'nonsense' is not a valid service URL"
    )


def test_a_missing_file_is_one_line(service: Service, folder: Path) -> None:
    assert_one_line(darkroom("process", "gone.jpg"), "gone.jpg: no such file")
    assert service.requests == []


def test_an_output_folder_that_is_a_file_is_one_line(service: Service, folder: Path) -> None:
    write(folder, "a.jpg", "results")
    assert_one_line(darkroom("process", "a.jpg"), "results: ")


def test_an_unknown_job_is_one_line(service: Service) -> None:
    assert_one_line(darkroom("status", "nothing"), "There is no job with this id.")


def test_ctrl_c_names_the_jobs_that_keep_running(service: Service, folder: Path) -> None:
    def interrupted(request: httpx.Request) -> None:
        if request.url.path == "/jobs/job1":
            raise KeyboardInterrupt

    service.before = interrupted
    write(folder, "a.jpg")
    result = darkroom("process", "a.jpg")
    assert result.exit_code == 130
    hint = "The job keeps running. Check it with: darkroom status job1"
    assert result.stderr == f"{hint}\nStopped.\n"


def test_status_shows_the_progress_of_a_job(service: Service, folder: Path) -> None:
    write(folder, "a.jpg", "bad.jpg")
    darkroom("process", "a.jpg", "bad.jpg")
    result = darkroom("status", "job1")
    assert result.exit_code == 0
    assert result.stdout == (
        "completed: 2 of 2 processed\n1 succeeded, 1 failed, 0 skipped; archive: ready\n"
    )
    assert json.loads(darkroom("status", "job1", "--json").stdout)["status"] == "completed"
    assert "completed" in darkroom("status", "job1.secret", "--watch").stdout


def test_models_and_health(service: Service) -> None:
    assert darkroom("models").stdout == "u2netp (default)\nsilueta\n"
    assert darkroom("health").stdout == "status: ok, version: 1\n"
    service.before = lambda _: httpx.Response(200, json={"status": "sick"})
    assert darkroom("health").exit_code == 2


def test_presets_are_listed(service: Service) -> None:
    assert darkroom("presets").stdout == "amazon: On white\n"


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--preset", "amazon"], {"preset": "amazon"}),
        (["--background", "white"], {"background": "#FFFFFF"}),
        (["--background", "#102030"], {"background": "#102030"}),
        (["--preset", "ebay", "--background", "none"], {"preset": "ebay", "background": None}),
        (["--background", "blur:40"], {"background": {"blur": 40}}),
        (["--background", "image:a.jpg"], {"background": {"image": "a.jpg"}}),
        (["--canvas", "1080x1350"], {"canvas": {"width": 1080, "height": 1350}}),
        (["--canvas", "4:5", "--option", "dpi=72"], {"canvas": {"aspect": "4:5"}, "dpi": 72}),
    ],
)
def test_presets_canvas_and_background_are_sent(
    service: Service, folder: Path, arguments: list[str], options: dict[str, Any]
) -> None:
    write(folder, "a.jpg")
    assert darkroom("process", "a.jpg", *arguments).exit_code == 0
    assert service.jobs["job1"]["body"]["options"] == options


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--canvas", "large"], "--canvas takes WIDTHxHEIGHT"),
        (["--background", "blur:much"], "--background takes none"),
        (["--background", "grey"], "--background takes none"),
    ],
)
def test_a_flag_that_is_not_understood_is_one_line(
    service: Service, folder: Path, arguments: list[str], says: str
) -> None:
    write(folder, "a.jpg")
    assert_one_line(darkroom("process", "a.jpg", *arguments), says)
    assert service.jobs == {}


def test_help_names_every_command() -> None:
    output = darkroom("--help").stdout
    for name in ("process", "status", "models", "presets", "health", "workflow"):
        assert name in output
