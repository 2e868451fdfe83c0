"""The guide's servers: the web page with its back end, and the webhook receiver."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.webhooks.signing import signed_headers, signing_key
from local.stack import Stack
from tests.guides import program
from tests.journey.api import CAT, Api
from tests.journey.guide_programs import environment, write_photos
from tests.web.browser import Browser

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

SECRET = "AlphanumericAndAMultipleOfFourCharacters"


@contextlib.contextmanager
def serving(name: str, stack: Stack, folder: Path, *arguments: str, **more: str) -> Iterator[str]:
    """A server of the guide on a free port; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    (folder / name).write_text(program(name))
    with (folder / "errors").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, name, *arguments],
            env=environment(stack, PORT=port, **more),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    pytest.importorskip("selenium", reason="needs the Python package selenium")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs Chromium: Debian's packages chromium and chromium-driver")
    folder = tmp_path / "chromium"
    folder.mkdir()
    browser = Browser.start(chromium, driver, folder)
    try:
        yield browser
    finally:
        browser.driver.quit()


def test_the_page_uploads_and_shows_results(stack: Stack, tmp_path: Path, browser: Browser) -> None:
    photos = write_photos(tmp_path / "photos")
    (tmp_path / "index.html").write_text(program("index.html"))
    with serving("server.py", stack, tmp_path) as address:
        assert stack.key not in httpx.get(address, trust_env=False).text
        browser.open(address)
        browser.find("#photos").send_keys("\n".join(map(str, photos)))
        end = time.monotonic() + 60
        while browser.find("#status").text != "Done.":
            assert time.monotonic() < end, browser.find("#status").text
            time.sleep(0.1)
        assert [image.get_attribute("alt") for image in browser.all("#results img")] == [
            "astronaut.jpg",
            "cat.jpg",
        ]
        [failed] = browser.all("#results p")
        assert failed.text.startswith("text.jpg: ")
        widths = "[...document.querySelectorAll('#results img')].map((i) => i.naturalWidth)"
        while not all(shown := browser.driver.execute_script(f"return {widths}")):
            assert time.monotonic() < end, shown
            time.sleep(0.1)
        assert shown == [512, 451]
        assert browser.find("#bar").get_attribute("value") == "3"


def test_the_server_passes_on_what_the_api_refuses(stack: Stack, tmp_path: Path) -> None:
    with serving("server.py", stack, tmp_path) as address:
        refused = httpx.post(f"{address}jobs", json={"files": []}, trust_env=False)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_job")
        assert httpx.post(f"{address}jobs", content=b"{", trust_env=False).status_code == 400


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    return Api(stack)


def announce(address: str, document: dict[str, Any], secret: str = SECRET) -> int:
    """Send a webhook as Darkroom signs it; returns the response's status."""
    body = json.dumps(document).encode()
    headers = signed_headers(signing_key(secret), document["id"], int(time.time()), body)
    return httpx.post(address, content=body, headers=headers, trust_env=False).status_code


def test_the_receiver_saves_the_archive_of_a_genuine_webhook_once(
    api: Api, stack: Stack, tmp_path: Path
) -> None:
    job = api.send({"cat.jpg": CAT}, remove_bg=False)
    api.wait(job)
    document = {"id": f"{job['job_id']}.1", "job_id": job["job_id"], "status": "completed"}
    document |= {"archive": f"archives/{job['job_id']}/1.zip"}
    saved = tmp_path / "out" / f"{job['job_id']}.zip"
    with serving("receiver.py", stack, tmp_path, "out", WEBHOOK_SECRET=SECRET) as address:
        assert announce(address, document, "OtherwiseAMultipleOfFourCharactersAsWell") == 400
        assert announce(address, document) == 204
        end = time.monotonic() + 20
        while not (saved.exists() and zipfile.is_zipfile(saved)):
            assert time.monotonic() < end, (tmp_path / "errors").read_text()
            time.sleep(0.1)
        assert zipfile.ZipFile(io.BytesIO(saved.read_bytes())).namelist() == [
            "cat.png",
            "manifest.json",
        ]
        saved.unlink()
        assert announce(address, document) == 204
        time.sleep(1)
        assert not saved.exists(), "the same webhook was acted on twice"
