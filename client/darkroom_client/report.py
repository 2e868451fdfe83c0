"""The summaries that the `darkroom` command prints at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from darkroom_client.model import Progress
from darkroom_client.process import Outcome
from darkroom_client.workflow import Report

MOST_LISTED = 20


def outcomes(console: Console, jobs: Sequence[Outcome], out: Path) -> int:
    """Print how many files succeeded and why others failed; return the exit status."""
    succeeded = sum(job.succeeded for job in jobs)
    failed = [file for job in jobs for file in job.failed]
    for file in failed[:MOST_LISTED]:
        _line(console, f"{file.name}: {(file.error or {}).get('message', 'failed')}")
    if len(failed) > MOST_LISTED:
        _line(console, f"… and {len(failed) - MOST_LISTED} more")
    for job in jobs:
        if job.error and not job.failed:
            _line(console, f"Job {job.job_id}: {job.error}")
    counts = f"{succeeded} succeeded"
    counts += f", {len(failed)} failed" if failed else ""
    skipped = sum(job.skipped for job in jobs)
    counts += f", {skipped} skipped" if skipped else ""
    _line(console, f"{counts}. Saved in {out}" if succeeded else f"{counts}.")
    return 1 if failed or any(job.error for job in jobs) else 0


def progress(console: Console, document: Progress) -> None:
    """Print the state of a job in a few lines."""
    total = "?" if document.total is None else document.total
    _line(
        console, f"{document.status.replace('_', ' ')}: {document.processed} of {total} processed"
    )
    _line(
        console,
        f"{document.succeeded} succeeded, {document.failed} failed, {document.skipped} skipped; "
        f"archive: {document.archive}",
    )
    if document.error:
        _line(console, document.error.get("message", ""))


def workflow(console: Console, reports: Sequence[Report]) -> int:
    """Print a table of the scenarios, then every problem; return the exit status."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("Scenario", "Photos", "Succeeded", "Seconds", "Progress by", ""):
        table.add_column(name, justify="right" if name in _NUMBERS else "left", no_wrap=True)
    for report in reports:
        table.add_row(
            report.scenario.title,
            str(len(report.scenario.photos)),
            str(report.succeeded),
            f"{report.seconds:.1f}",
            ", ".join(f"{via} {count}" for via, count in report.updates.items()) or "-",
            Text("PASSED", "green") if report.passed else Text("FAILED", "bold red"),
        )
    console.print()
    console.print(table)
    for report in reports:
        for problem in report.problems:
            _line(console, f"{report.scenario.title}: {problem}")
    return 0 if all(report.passed for report in reports) else 1


_NUMBERS = {"Photos", "Succeeded", "Seconds"}


def _line(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
