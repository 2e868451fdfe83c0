"""Progress bars in the terminal, one for each job."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from darkroom_client.follow import Update
from darkroom_client.model import Progress as Document

_WORDS = {"awaiting_upload": "uploaded", "queued": "queued", "processing": "processing"}


class Bars:
    """All progress bars. Use it as a context manager; add a bar for each job."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[label]}", markup=False),
            _Clock(),
            console=console,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def add(self, title: str) -> Bar:
        return Bar(self._progress, self._progress.add_task(title, total=None, label="starting"))


class _Clock(ProgressColumn):
    """The time since the job started; Rich's own clock stops at the first full bar."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.elapsed or 0:.0f} s", "progress.elapsed")


class Bar:
    """The progress bar of one job. It fills once for each phase of the job."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def begin(self, label: str, total: int | None) -> None:
        """Start a phase. total: None if unknown."""
        self._progress.update(self._task, completed=0, total=total, label=label)

    def advance(self, by: int = 1) -> None:
        self._progress.advance(self._task, by)

    def show(self, update: Update) -> None:
        """Show a progress document, and whether it came by WebSocket or polling."""
        progress = update.progress
        self._progress.update(
            self._task,
            completed=progress.processed,
            total=progress.total,
            label=f"{_label(progress)} · {update.via}",
        )

    def end(self, label: str) -> None:
        """Fill the bar and stop its clock."""
        self._progress.update(self._task, total=1, completed=1, label=label)
        self._progress.stop_task(self._task)


def _label(progress: Document) -> str:
    if progress.archive == "building":
        return "building the archive"
    word = _WORDS.get(progress.status, progress.status)
    count = f"{progress.processed} of {progress.total}" if progress.total is not None else ""
    failed = f", {progress.failed} failed" if progress.failed else ""
    return f"{word} {count}{failed}".strip()
