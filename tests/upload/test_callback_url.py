"""POST /jobs with a callback URL: stored with the job, or refused with the field's name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Cloud
from tests.upload.posting import PHOTO, post


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"callback_url": "https://Shop.example:8443/done?key=1"}, None),
        ({"callback_url": "https://8.8.8.8/"}, None),
        ({"callback_url": "https://shop.example/" + "a" * 2027}, None),
        ({"callback_url": None}, ""),
        ({}, ""),
    ],
)
def test_a_callback_url_is_stored_as_given(
    cloud: Cloud, given: dict[str, Any], kept: str | None
) -> None:
    code, job = post({"files": [PHOTO], **given})
    assert code == 201
    expected = given["callback_url"] if kept is None else kept
    assert cloud.services.jobs.require(job["job_id"]).callback_url == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "http://shop.example/",
        "https://",
        "https://user:pass@shop.example/",
        "https://shop.example/#done",
        "https://shop.example/" + "a" * 2028,
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://2130706433/",
        "https://shop.example/\r\nX: y",
        7,
        ["https://shop.example/"],
    ],
)
def test_a_callback_url_that_is_not_allowed_is_refused(cloud: Cloud, url: Any) -> None:
    code, problem = post({"files": [PHOTO], "callback_url": url})
    assert (code, problem["code"]) == (422, "invalid_job")
    assert [error["field"] for error in problem["errors"]] == ["callback_url"]
    assert problem["detail"].endswith(".")
    assert cloud.table.scan()["Items"] == []
