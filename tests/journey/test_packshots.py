"""Presets and backgrounds on the deployed template, with IAM enforced."""

from __future__ import annotations

import numpy as np
import pytest

from local.stack import Stack
from tests.journey.api import ASTRONAUT, Api, jpeg

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]
BLUE = (20, 40, 200)


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    return Api(stack)


def test_a_preset_gives_a_main_image(api: Api) -> None:
    listed = {each["name"]: each for each in api.call("GET", "presets").json()["presets"]}
    assert listed["walmart"]["options"]["canvas"]["width"] == 2200
    job = api.send({"astronaut.jpg": ASTRONAUT}, preset="walmart", dpi=300)
    api.wait(job)
    file = api.files(job)["astronaut.jpg"]
    assert file["result"]["content_type"] == "image/jpeg"
    codes = {warning["code"] for warning in file["result"]["warnings"]}
    assert codes == {"subject_cut_off", "subject_too_small"}  # a photo of 512 pixels
    pixels = api.result(file)
    assert pixels.shape == (2200, 2200, 3)
    assert pixels[:600].min() == 255
    assert pixels[1000:1200, 1000:1200].min() < 100


def test_a_background_comes_from_the_bucket(api: Api) -> None:
    """The worker's role may read it, and a missing one is told from a forbidden one."""
    studio = jpeg(np.full((60, 80, 3), BLUE, np.uint8))
    bucket = api.stack.outputs["BucketName"]
    api.stack.client("s3").put_object(Bucket=bucket, Key="backgrounds/studio.jpg", Body=studio)
    job = api.send({"a.jpg": ASTRONAUT}, background={"image": "studio.jpg"}, shadow="drop")
    api.wait(job)
    file = api.files(job)["a.jpg"]
    pixels = api.result(file)
    assert pixels.shape == (512, 512, 3)
    assert np.abs(pixels[:20, 490:].astype(int) - BLUE).max() <= 6
    missing = api.send({"a.jpg": ASTRONAUT}, background={"image": "none.jpg"})
    assert api.wait(missing)["status"] == "failed"
    error = api.files(missing)["a.jpg"]["error"]
    assert error["code"] == "background_not_found"
    assert "backgrounds/none.jpg" in error["message"]


def test_a_tiff_is_fetched_under_its_own_type(api: Api) -> None:
    job = api.send({"a.jpg": ASTRONAUT}, format="tiff", dpi=300, canvas={"aspect": "4:5"})
    api.wait(job)
    file = api.files(job)["a.jpg"]
    assert file["result"]["content_type"] == "image/tiff"
    answer = api.call("GET", f"jobs/{job['job_id']}/files/000000?as=redirect")
    assert answer.headers["location"].partition("?")[0].endswith(".tif")
    pixels = api.result(file)
    assert pixels.shape[2] == 4
    assert abs(pixels.shape[0] * 4 - pixels.shape[1] * 5) <= 5
