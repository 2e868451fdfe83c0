"""Fixtures of the fault scenarios: a seed, a stack with faults, and a report."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager

import pytest

from bench._report import Figure, write
from local import Template
from local.stack import Stack, running
from tests.faults.deployment import faulty
from tests.faults.verify import Verdict

SEED = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))
_FIGURES = pytest.StashKey[list[Figure]]()

Deploy = Callable[..., AbstractContextManager[Stack]]
Report = Callable[[Verdict], None]


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Random numbers, the same for the same SEED and scenario. Timing is not reproducible."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def deploy(request: pytest.FixtureRequest) -> Deploy:
    """Deploy a stack with faults: `with deploy({"Process": {"FAULTY_…": …}}) as stack`."""

    @contextlib.contextmanager
    def deployed(
        faults: Mapping[str, Mapping[str, str]] | None = None,
        edit_further: Callable[[Template], None] | None = None,
        *,
        keep: bool = False,
        standin_models: bool = False,
    ) -> Iterator[Stack]:
        def edit(template: Template) -> None:
            faulty(faults or {})(template)
            if edit_further:
                edit_further(template)

        name = request.node.name.removeprefix("test_")
        with running(
            workers=2, name=f"faults-{name}", edit=edit, keep=keep, standin_models=standin_models
        ) as stack:
            yield stack

    return deployed


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Record a scenario's figures for the final table, and fail the test if anything is wrong."""

    def report(verdict: Verdict) -> None:
        scenario = request.node.name.removeprefix("test_").replace("_", " ")
        figures = request.config.stash.setdefault(_FIGURES, [])
        figures += [f._replace(figure=f"{scenario}: {f.figure}") for f in verdict.figures]
        assert not verdict.wrong, "\n".join([f"SEED={SEED}", *verdict.wrong])

    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if figures := config.stash.get(_FIGURES, []):
        terminalreporter.section(f"faults, SEED={SEED}")
        write("faults", figures)
