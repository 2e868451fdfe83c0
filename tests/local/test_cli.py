import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local import LocalStackError, __main__, state

Run = Callable[..., int]


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state file for this test only, since the developer's stack may be running."""
    file = tmp_path / "stack.json"
    for function in (state.current, state.claim, state.publish, state.release):
        monkeypatch.setattr(function, "__defaults__", (file,))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return file


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["local", *arguments])
        with pytest.raises(SystemExit) as end:
            __main__.main()
        return int(end.value.code or 0)

    return run


def fake_stack(wait: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replace the stack of `up`; returns the options that it is started with."""
    requested: dict[str, Any] = {}

    @contextlib.contextmanager
    def running(**options: Any) -> Iterator[SimpleNamespace]:
        requested.update(options)
        process = SimpleNamespace(log="emulator.log", wait=wait, last_words=lambda: "Killed")
        yield SimpleNamespace(
            page_url="http://127.0.0.1:5/#key=k",
            api_url="http://127.0.0.1:5",
            websocket_url="ws://127.0.0.1:5",
            key="k",
            address="127.0.0.1:5",
            access_key="a",
            secret_key="s",
            emulator=process,
        )

    monkeypatch.setattr(__main__, "running", running)
    return requested


def ctrl_c() -> None:
    raise KeyboardInterrupt


def test_up_prints_every_address_and_runs_until_ctrl_c(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[state.Running | None] = []

    def wait() -> None:
        seen.append(state.current())
        ctrl_c()

    requested = fake_stack(wait, monkeypatch)
    assert run("up", "--workers", "3", "--port", "5") == 0
    assert requested == {"workers": 3, "port": 5, "name": "up"}
    output = capsys.readouterr().out
    assert "Page       http://127.0.0.1:5/#key=k" in output
    assert "WebSocket  ws://127.0.0.1:5" in output
    assert output.endswith("Stopped.\n")
    assert seen[0] and seen[0].page_url == "http://127.0.0.1:5/#key=k"
    assert not file.exists()


def test_up_reads_the_port_from_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    requested = fake_stack(ctrl_c, monkeypatch)
    monkeypatch.setenv("PORT", "8123")
    run("up")
    assert requested["port"] == 8123


def test_a_second_up_prints_the_address_of_the_first(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    second: list[int] = []

    def wait() -> None:
        second.append(run("up"))
        ctrl_c()

    fake_stack(wait, monkeypatch)
    assert run("up") == 0
    assert second == [1]
    assert "already running: http://127.0.0.1:5/#key=k" in capsys.readouterr().err


def test_up_reports_an_emulator_that_stopped(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_stack(lambda: None, monkeypatch)
    assert run("up") == 1
    error = capsys.readouterr().err
    assert "stopped unexpectedly" in error
    assert "Killed" in error
    assert not file.exists()


def test_up_reports_a_failed_start_and_deletes_the_state_file(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def running(**_: Any) -> None:
        raise LocalStackError("Port 5 is not available.")

    monkeypatch.setattr(__main__, "running", running)
    assert run("up") == 1
    assert capsys.readouterr().err == "Port 5 is not available.\n"
    assert not file.exists()


@pytest.mark.parametrize("workers", ["0", "9", "many"])
def test_up_allows_one_to_eight_workers(run: Run, workers: str) -> None:
    assert run("up", "--workers", workers) == 2


def test_down_without_a_stack_has_nothing_to_stop(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("down") == 0
    assert capsys.readouterr().out == (
        "Nothing to stop: Darkroom is not running from this checkout.\n"
    )


def test_logs_without_a_stack_names_the_files_of_earlier_runs(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("logs") == 1
    assert "-functions.log" in capsys.readouterr().err
