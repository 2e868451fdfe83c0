"""What scenarios share: a seed, a stack with stand-ins in it, and one report."""

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
    """Chance, the same for the same SEED and scenario, as far as it does not come from timing."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def deploy(request: pytest.FixtureRequest) -> Deploy:
    """`with deploy({"Process": {"FAULTY_…": …}}) as stack`: a stack with these stand-ins."""

    @contextlib.contextmanager
    def deployed(
        faults: Mapping[str, Mapping[str, str]] | None = None,
        also: Callable[[Template], None] | None = None,
        *,
        keep: bool = False,
    ) -> Iterator[Stack]:
        def edit(template: Template) -> None:
            faulty(faults or {})(template)
            if also:
                also(template)

        name = request.node.name.removeprefix("test_")
        with running(workers=2, name=f"faults-{name}", edit=edit, keep=keep) as stack:
            yield stack

    return deployed


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Keeps a scenario's figures for the table at the end, and fails where something is wrong."""

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
