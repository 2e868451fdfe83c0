"""The example app as it is built, and the stack it talks to."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import samples
from local.stack import Stack
from local.stack import running as running_stack
from tests.react.screen import Screen
from tests.react.site import Proxy, serving
from tests.web.browser import Browser
from tests.web.conftest import browser, chromium

__all__ = ["browser", "chromium"]
WEB = Path(__file__).parents[2] / "web"


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running_stack(workers=2, name="react") as stack:
        yield stack


@pytest.fixture(scope="session")
def example() -> Iterator[str]:
    """The address of the built example app."""
    built = WEB / "example" / "dist"
    if not (built / "index.html").is_file():
        pytest.skip("needs the built example app: make test-web")
    with serving(built) as address:
        yield address


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Real photos by their names, and `album.zip` with all of them in folders."""
    folder = tmp_path_factory.mktemp("photos")
    return {path.name: path for path in [*samples.write(folder), folder / samples.ALBUM]}


@pytest.fixture
def screen(browser: Browser) -> Screen:
    return Screen(browser)


@pytest.fixture
def proxy(stack: Stack) -> Iterator[Proxy]:
    """In front of the stack's WebSocket."""
    url = urllib.parse.urlsplit(stack.websocket_url)
    assert url.hostname and url.port
    proxy = Proxy((url.hostname, url.port))
    try:
        yield proxy
    finally:
        proxy.close()


def address(example: str, stack: Stack, websocket: str = "") -> str:
    """The example's address with its settings behind #, which no server sees."""
    settings = {"api": stack.api_url, "key": stack.key} | ({"ws": websocket} if websocket else {})
    return f"{example}/#{urllib.parse.urlencode(settings)}"
