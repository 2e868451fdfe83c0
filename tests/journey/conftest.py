"""The stack that all journey tests share: the real template and models, with IAM enforced."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.stack import Stack, running


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running(workers=2, name="journey") as stack:
        yield stack
