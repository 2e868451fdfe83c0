"""The example app in Chromium, against the local stack with the real model."""

from __future__ import annotations

import urllib.parse
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from local.stack import Stack
from tests.react.conftest import address
from tests.react.screen import Screen
from tests.react.site import Proxy

pytestmark = [pytest.mark.react, pytest.mark.timeout(240)]


def is_cut_out(picture: Image.Image) -> bool:
    """Some of it is gone for good and some is left whole."""
    alpha = picture.convert("RGBA").getchannel("A")
    return alpha.getextrema() == (0, 255) and 0.005 < _share(alpha) < 0.95


def _share(alpha: Image.Image) -> float:
    histogram = alpha.histogram()
    return sum(histogram[128:]) / sum(histogram)


def through(proxy: Proxy, stack: Stack) -> str:
    """The WebSocket's address by way of the proxy."""
    url = urllib.parse.urlsplit(stack.websocket_url)
    return url._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()


def test_one_photo(screen: Screen, example: str, stack: Stack, photos: dict[str, Path]) -> None:
    screen.open(address(example, stack))
    screen.choose(photos["cat.jpg"])
    assert screen.names == ["cat.jpg"]
    screen.press("Cut out 1 photo")
    screen.wait_title("1 ready")
    picture = screen.results(1)["cat.jpg"]
    with Image.open(photos["cat.jpg"]) as original:
        assert picture.size == original.size
    assert is_cut_out(picture)

    screen.press("Download photo")
    with Image.open(screen.browser.wait_download("*.png")) as saved:
        assert is_cut_out(saved)
    screen.press("Download ZIP")
    with zipfile.ZipFile(screen.browser.wait_download("*.zip")) as archive:
        assert archive.testzip() is None
        assert "cat.png" in archive.namelist()
    assert screen.browser.console_errors() == []


def test_several_photos_cropped_to_the_face(
    screen: Screen, example: str, stack: Stack, photos: dict[str, Path]
) -> None:
    screen.open(address(example, stack))
    screen.choose(photos["astronaut.jpg"], photos["coffee.jpg"], photos["rocket.jpg"])
    screen.browser.run(
        "[...document.querySelectorAll('.darkroom label')]"
        ".find((label) => label.textContent === 'Crop to the face').click()"
    )
    screen.press("Cut out and crop 3 photos")
    screen.wait_title("3 ready")
    pictures = screen.results(3)
    assert list(pictures) == ["astronaut.jpg", "coffee.jpg", "rocket.jpg"]
    with Image.open(photos["astronaut.jpg"]) as original:
        face = pictures["astronaut.jpg"]
        assert face.width < original.width
        assert face.height < original.height


def test_a_zip(screen: Screen, example: str, stack: Stack, photos: dict[str, Path]) -> None:
    with zipfile.ZipFile(photos["album.zip"]) as album:
        inside = album.namelist()
    screen.open(address(example, stack))
    screen.choose(photos["album.zip"])
    screen.press("Cut out 1 file")
    screen.wait_title(f"{len(inside)} ready")
    pictures = screen.results(len(inside))
    assert sorted(pictures) == sorted(inside)
    assert all(is_cut_out(picture) for picture in pictures.values())
    screen.press("Download ZIP")
    with zipfile.ZipFile(screen.browser.wait_download("*.zip")) as archive:
        assert len([name for name in archive.namelist() if name.endswith(".png")]) == len(inside)


def test_a_bad_file(
    screen: Screen, example: str, stack: Stack, photos: dict[str, Path], tmp_path: Path
) -> None:
    bad = tmp_path / "torn.jpg"
    bad.write_bytes(photos["coffee.jpg"].read_bytes()[:200])
    screen.open(address(example, stack))
    screen.choose(bad, photos["cat.jpg"])
    screen.press("Cut out 2 photos")
    screen.wait_title("1 ready · 1 needs attention")
    screen.results(1)
    screen.browser.wait_text(".darkroom-attention", "torn.jpg")
    reason = screen.browser.text(".darkroom-attention .darkroom-why")
    assert reason.endswith(".")
    assert len(reason) > 20
    screen.press("Retry it")
    screen.wait_title("1 ready · 1 needs attention")


def test_a_blocked_socket(
    screen: Screen, example: str, stack: Stack, photos: dict[str, Path], proxy: Proxy
) -> None:
    proxy.blocked = True
    screen.open(address(example, stack, through(proxy, stack)))
    screen.choose(photos["cat.jpg"])
    screen.press("Cut out 1 photo")
    screen.wait_title("1 ready")
    assert is_cut_out(screen.results(1)["cat.jpg"])
    assert proxy.accepted == 0


def test_a_cut_connection(
    screen: Screen, example: str, stack: Stack, photos: dict[str, Path], proxy: Proxy
) -> None:
    screen.open(address(example, stack, through(proxy, stack)))
    screen.choose(*(path for path in photos.values() if path.suffix == ".jpg"))
    count = len(photos) - 1
    screen.press(f"Cut out {count} photos")
    screen.browser.wait("the WebSocket", lambda: proxy.accepted == 1, 30)
    screen.browser.wait("some progress", lambda: "%" in screen.title, 60)
    proxy.cut()
    screen.wait_title(f"{count} ready")
    assert len(screen.results(count)) == count
    assert proxy.accepted > 1, "the WebSocket was not opened again"


def test_the_model_that_is_chosen_is_used(
    screen: Screen, example: str, stack: Stack, photos: dict[str, Path]
) -> None:
    screen.open(address(example, stack))
    screen.choose(photos["cat.jpg"])
    models = ".darkroom select:has(option[value=u2netp])"
    screen.browser.wait("the models", lambda: screen.browser.find(models).is_enabled())
    options = screen.browser.all(f"{models} option")
    chosen = options[-1]
    model = chosen.get_attribute("value")
    chosen.click()
    screen.press("Cut out 1 photo")
    screen.wait_title("1 ready")
    headers = {"authorization": f"Bearer {stack.key}"}

    def get(path: str) -> Any:
        url = f"{stack.api_url}/{path}"
        return httpx.get(url, headers=headers, trust_env=False).raise_for_status().json()

    newest = get("jobs?limit=1")["jobs"][0]["job_id"]
    [file] = get(f"jobs/{newest}/files")["files"]
    assert file["result"]["model"] == model
