"""silueta, u2net and isnet-general-use chosen by name: API, command line and page.

u2net is the real model. The other two are stand-ins, see `standin_weights`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from functions.process.models import Models
from local import ROOT
from local.stack import Stack
from tests.journey.api import CAT, Api, Pixels
from tests.models.conftest import MODELS
from tests.models.standin_weights import STANDINS
from tests.web.browser import Browser

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]
HEIGHT, WIDTH = 300, 451  # of CAT
EDGE = 6  # pixels beside a rectangle's edge, which scaling has softened


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    return Api(stack)


def looks_like(alpha: Pixels, model: str) -> bool:
    """Whether a cut-out of CAT has the mask of that model."""
    assert alpha.shape == (HEIGHT, WIDTH)
    if model == "u2net":
        # No rectangle: the corner is background; the forehead and between the eyes are cat.
        cat = (alpha[10:60, 150:250], alpha[150:200, 200:260])
        return bool(alpha[:20, -20:].max() < 30 and min(part.min() for part in cat) > 220)
    standin = STANDINS[model]
    top, bottom = (round(share * HEIGHT) for share in standin.rows)
    left, right = (round(share * WIDTH) for share in standin.columns)
    inside = np.zeros(alpha.shape, bool)
    inside[top:bottom, left:right] = True
    sure = np.ones(alpha.shape, bool)
    for row in (top, bottom):
        sure[max(0, row - EDGE) : row + EDGE] = False
    for column in (left, right):
        sure[:, max(0, column - EDGE) : column + EDGE] = False
    return bool((alpha[sure & inside] > 250).all() and (alpha[sure & ~inside] < 5).all())


def alpha_of(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"))[..., 3]


@pytest.mark.parametrize("name", STANDINS)
def test_a_standin_has_the_input_that_rembgs_session_feeds(home: Path, name: str) -> None:
    session = Models(home).session(name)
    side = STANDINS[name].side
    [entry] = session.inner_session.get_inputs()
    assert (entry.shape, entry.type) == ([1, 3, side, side], "tensor(float)")
    [mask] = session.predict(Image.new("RGB", (40, 30), "grey"))
    assert (mask.mode, mask.size) == ("L", (40, 30))


@pytest.mark.parametrize("name", STANDINS)
def test_a_standin_says_that_it_is_one(home: Path, name: str) -> None:
    session = onnxruntime.InferenceSession(str(Models(home).path(name)))
    assert "stand-in, not a model" in session.get_modelmeta().producer_name


def test_the_deployment_tells_of_its_models_the_default_first(api: Api) -> None:
    assert api.call("GET", "models").json() == {"default": "u2net", "models": list(MODELS)}


@pytest.mark.parametrize("model", MODELS)
def test_by_the_api(api: Api, model: str) -> None:
    job = api.send({"cat.jpg": CAT}, model=model)
    assert api.wait(job)["status"] == "completed"
    file = api.files(job)["cat.jpg"]
    assert file["result"]["model"] == model
    alpha = api.result(file)[..., 3]
    assert [name for name in MODELS if looks_like(alpha, name)] == [model]


def test_without_a_name_it_is_the_default(api: Api) -> None:
    job = api.send({"cat.jpg": CAT})
    api.wait(job)
    assert api.files(job)["cat.jpg"]["result"]["model"] == "u2net"


def darkroom(stack: Stack, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a shell starts it."""
    environment = os.environ | {
        "DARKROOM_URL": stack.api_url,
        "DARKROOM_KEY": stack.key,
        "PYTHONPATH": str(ROOT / "client"),
        "NO_PROXY": "127.0.0.1",
    }
    command = [sys.executable, "-c", "from darkroom_client.cli import app; app()"]
    return subprocess.run(
        [*command, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("model", MODELS)
def test_by_the_command_line(api: Api, stack: Stack, tmp_path: Path, model: str) -> None:
    photo = tmp_path / "cat.jpg"
    photo.write_bytes(CAT)
    done = darkroom(stack, "process", photo, "--model", model, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    alpha = alpha_of(tmp_path / "out" / "cat.png")
    assert [name for name in MODELS if looks_like(alpha, name)] == [model]
    [listed] = api.call("GET", "jobs?limit=1").json()["jobs"]
    assert api.files(listed)["cat.jpg"]["result"]["model"] == model


def test_a_model_that_is_not_there_is_told_with_those_that_are(
    api: Api, stack: Stack, tmp_path: Path
) -> None:
    made = {"files": [{"name": "cat.jpg", "size": 1}], "options": {"model": "isnet-anime"}}
    refused = api.call("POST", "jobs", json=made)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_model")
    assert ", ".join(MODELS) in refused.json()["detail"]

    photo = tmp_path / "cat.jpg"
    photo.write_bytes(CAT)
    done = darkroom(stack, "process", photo, "--model", "isnet-anime", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "isnet-anime" in done.stderr
    assert "Traceback" not in done.stderr
    for name in MODELS:
        assert name in done.stderr
    assert not (tmp_path / "out" / "cat.png").exists()


@pytest.mark.parametrize("model", MODELS)
def test_on_the_page(browser: Browser, api: Api, stack: Stack, tmp_path: Path, model: str) -> None:
    photo = tmp_path / "cat.jpg"
    photo.write_bytes(CAT)
    browser.open(stack.page_url)
    browser.wait("the models", lambda: len(browser.all("#model option")) == len(MODELS))
    assert browser.find("#model").get_attribute("value") == "u2net", "the default comes first"
    browser.click(f'#model option[value="{model}"]')
    browser.choose(photo)
    browser.click("#start")
    browser.wait_text("#phase", "Done", seconds=60)
    browser.wait("the thumbnail", lambda: browser.shown_pictures() == 1)

    browser.click("#results button")
    alpha = alpha_of(browser.wait_download("*.png", seconds=20))
    assert [name for name in MODELS if looks_like(alpha, name)] == [model]
    [listed] = api.call("GET", "jobs?limit=1").json()["jobs"]
    assert api.files(listed)["cat.jpg"]["result"]["model"] == model
