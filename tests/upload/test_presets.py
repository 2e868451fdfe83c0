"""Presets: precedence, errors, the deployment's own, and what a job stores."""

from __future__ import annotations

import json
from typing import Any

import pytest

from darkroom.aws.services import services
from darkroom.errors import FileError
from darkroom.options import Options
from darkroom.resolving import all_presets, resolve
from darkroom.settings import Settings, SettingsError, read_settings
from darkroom.shipped_presets import SHIPPED
from functions.upload import app
from functions.zip.ingest.drops import drop_options
from tests.conftest import KEY, Cloud, FakeContext, http_event
from tests.upload.posting import PHOTO, post

OWN = {
    "shop": {
        "description": "Our shop",
        "options": {"canvas": {"aspect": "4:5"}, "background": "#EEEEEE", "shadow": "contact"},
    }
}


@pytest.fixture
def own(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A deployment with a preset of its own. The table and bucket are those of `cloud`."""
    monkeypatch.setenv("PRESETS", json.dumps(OWN))
    services.cache_clear()
    return cloud


def stored(job_id: str) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(services().jobs.require(job_id).options)
    return options


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_preset_can_be_used_as_it_is(cloud: Cloud, name: str) -> None:
    status, job = post({"files": [PHOTO], "options": {"preset": name}})
    assert status == 201, job
    options = stored(job["job_id"])
    assert (options["preset"], options["model"]) == (name, "u2netp")
    assert {key: options[key] for key in SHIPPED[name].options}.keys() == SHIPPED[
        name
    ].options.keys()
    assert options["format"] == "jpeg"


def test_a_job_stores_the_resolved_options_and_the_presets_name(cloud: Cloud) -> None:
    """An option of the job comes before the preset's, and that before the default."""
    given = {"preset": "amazon", "quality": 70, "shadow": "contact"}
    _, job = post({"files": [PHOTO], "options": given})
    options = stored(job["job_id"])
    assert options["preset"] == "amazon"
    assert (options["quality"], options["shadow"]) == (70, "contact")
    assert options["background"] == "#FFFFFF"
    assert (options["canvas"]["width"], options["canvas"]["fill"]) == (2000, 0.85)
    assert options["trim"] is False


def test_an_option_of_the_job_replaces_the_presets_as_a_whole(cloud: Cloud) -> None:
    given = {"preset": "amazon", "canvas": {"aspect": "1:1"}, "background": None, "format": "png"}
    _, job = post({"files": [PHOTO], "options": given})
    options = stored(job["job_id"])
    assert options["canvas"]["width"] is None
    assert options["background"] is None


def test_an_unknown_preset_is_answered_with_the_known_ones(own: Cloud) -> None:
    status, problem = post({"files": [PHOTO], "options": {"preset": "amazing"}})
    assert (status, problem["code"]) == (422, "unknown_preset")
    assert [error["field"] for error in problem["errors"]] == ["options.preset"]
    for name in (*SHIPPED, "shop"):
        assert name in problem["detail"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"preset": "amazon", "background": None}, "options.format"),
        ({"preset": "amazon", "output": "mask"}, "options.canvas"),
        ({"preset": "amazon", "trim": True}, "options.trim"),
        ({"preset": "amazon", "max_side": 500}, "options.max_side"),
        ({"preset": "story", "remove_bg": False, "canvas": None}, "options.background"),
        ({"preset": "Amazon"}, "options.preset"),
        ({"preset": "amazon", "canvas": {"width": 9000, "height": 9000}}, "options.canvas"),
        ({"canvas": {"width": 9000, "height": 9000}}, "options.canvas"),
        ({"canvas": {"width": 100}}, "options.canvas.height"),
        ({"canvas": {"width": 100, "height": 100, "aspect": "1:1"}}, "options.canvas.aspect"),
        ({"canvas": {"aspect": "1:21"}}, "options.canvas.aspect"),
        ({"canvas": {"width": 10_001, "height": 100}}, "options.canvas.width"),
        ({"canvas": {"aspect": "1:1", "fill": 0}}, "options.canvas.fill"),
        ({"canvas": {"aspect": "1:1", "position": "top"}}, "options.canvas.position"),
        ({"canvas": {"aspect": "1:1", "position": {"x": 2}}}, "options.canvas.position.x"),
        ({"canvas": {"aspect": "1:1"}, "remove_bg": False}, "options.canvas"),
        ({"shadow": "long"}, "options.shadow"),
        ({"shadow": {"kind": "drop", "strength": 2}}, "options.shadow.strength"),
        ({"shadow": "drop", "output": "mask"}, "options.shadow"),
        ({"background": "white"}, "options.background"),
        ({"background": {}}, "options.background"),
        ({"background": {"blur": 101}}, "options.background.blur"),
        ({"background": {"blur": 5, "image": "a"}}, "options.background"),
        ({"background": {"image": "../a"}}, "options.background.image"),
        ({"background": {"image": "a/b"}}, "options.background.image"),
        ({"background": {"blur": 5}, "remove_bg": False}, "options.background"),
        ({"dpi": 2401}, "options.dpi"),
        ({"format": "gif"}, "options.format"),
    ],
)
def test_what_does_not_fit_together_is_named(
    cloud: Cloud, options: dict[str, Any], field: str
) -> None:
    status, problem = post({"files": [PHOTO], "options": options})
    assert (status, problem["code"]) == (422, "invalid_options"), problem
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["detail"].endswith(".")
    assert cloud.table.scan()["Items"] == []


def test_a_deployments_own_preset(own: Cloud) -> None:
    _, job = post({"files": [PHOTO], "options": {"preset": "shop"}})
    options = stored(job["job_id"])
    assert (options["background"], options["shadow"]) == ("#EEEEEE", "contact")


def test_an_own_preset_replaces_a_shipped_one() -> None:
    text = json.dumps({"amazon": {"description": "Ours", "options": {"dpi": 300}}})
    settings = read_settings({"PRESETS": text})
    assert all_presets(settings)["amazon"].description == "Ours"
    resolved = resolve(Options(preset="amazon"), settings)
    assert (resolved.dpi, resolved.canvas) == (300, None)


@pytest.mark.parametrize("text", ["", " ", "{}"])
def test_there_may_be_no_own_presets(text: str) -> None:
    assert read_settings({"PRESETS": text}).presets == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not valid JSON"),
        ("[]", "give a JSON object"),
        ('{"A b": {"description": "d", "options": {"trim": true}}}', "A b"),
        ('{"x": {"options": {"trim": true}}}', "x.description: this field is required"),
        ('{"x": {"description": "d", "options": {}}}', "x.options"),
        ('{"x": {"description": "d", "options": {"fill": 1}}}', "options.fill"),
        ('{"x": {"description": "d", "options": {"preset": "amazon"}}}', "options.preset"),
        ('{"x": {"description": "d", "options": {"format": "jpeg"}}}', "options.format"),
        ('{"x": {"description": "d", "options": {"model": "gpt"}}}', "no model 'gpt'"),
    ],
)
def test_wrong_presets_of_a_deployment_are_a_clear_error(text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"PRESETS": text})
    assert "presets" in str(caught.value)
    assert says in str(caught.value)


def test_a_drop_may_name_a_preset() -> None:
    options = drop_options({"darkroom-options": '{"preset": "ebay", "dpi": 72}'}, Settings())
    assert (options.preset, options.dpi, options.format) == ("ebay", 72, "jpeg")
    with pytest.raises(FileError, match="unknown_preset"):
        drop_options({"darkroom-options": '{"preset": "nope"}'}, Settings())


def test_a_retry_may_name_a_preset(cloud: Cloud) -> None:
    _, job = post({"files": [PHOTO]})
    cloud.services.jobs.change(job["job_id"], lambda known: known.cancelled())
    event = http_event(
        "POST",
        f"/jobs/{job['job_id']}/retry",
        body=json.dumps({"options": {"preset": "zalando"}}),
        credential=KEY,
    )
    answer = app.handler(event, FakeContext())
    assert answer["statusCode"] == 202, answer["body"]
    assert stored(job["job_id"])["canvas"]["height"] == 2600


def test_resolved_options_survive_the_queue() -> None:
    for name in SHIPPED:
        resolved = resolve(Options(preset=name), Settings())
        assert Options.model_validate_json(resolved.model_dump_json()) == resolved
        assert resolve(resolved, Settings()) == resolved


def test_shipped_presets_say_what_the_marketplaces_ask_for() -> None:
    white = {"amazon", "ebay", "etsy", "shopify", "walmart", "zalando", "google-merchant"}
    for name in white:
        options = resolve(Options(preset=name), Settings())
        assert options.background == "#FFFFFF"
        assert options.format == "jpeg"
        assert options.canvas is not None
        assert max(options.canvas.width or 0, options.canvas.height or 0) >= 1600
        assert options.shadow == "none"
    amazon = resolve(Options(preset="amazon"), Settings())
    assert amazon.canvas is not None
    assert amazon.canvas.fill >= 0.85
