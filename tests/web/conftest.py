"""A browser, the stand-in it talks to, and one real stack."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack
from local.stack import running as running_stack
from tests.web.browser import Browser
from tests.web.standin import StandIn
from tests.web.standin import running as running_standin


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running_stack(workers=2, name="web") as stack:
        yield stack


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with running_standin() as standin:
        yield standin


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser without memory of other tests. Skips where there is none, and says what to get."""
    pytest.importorskip("selenium", reason="needs the Python package selenium")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs Chromium: Debian's packages chromium and chromium-driver")
    browser = Browser.start(chromium, driver, tmp_path)
    try:
        yield browser
    finally:
        browser.driver.quit()
