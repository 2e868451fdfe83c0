"""Fixtures: a browser, a stand-in for the API, and one real stack."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

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


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests. Skips without one, and names the packages to install."""
    pytest.importorskip("selenium", reason="needs the Python package selenium")
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("needs Chromium: Debian's packages chromium and chromium-driver")
    browser = Browser.start(program, driver, tmp_path_factory.mktemp("chromium"))
    try:
        yield browser
    finally:
        browser.driver.quit()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser with a new window, empty storage and no downloads."""
    with chromium.window():
        yield chromium
