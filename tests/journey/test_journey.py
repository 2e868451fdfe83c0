"""The main use case on the deployed template: real photos and models, checked by pixels."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import Any

import httpx
import numpy as np
import pytest
from skimage import data
from websockets.sync.client import connect

from local.stack import Stack
from tests.journey.api import ASTRONAUT, CAT, Api, jpeg, zip_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    return Api(stack)


def test_the_background_of_a_cat_is_removed(api: Api) -> None:
    job = api.send({"cat.jpg": CAT})
    document = api.wait(job)
    assert document["status"] == "completed"
    assert document["summary"] == {
        "total": 1,
        "succeeded": 1,
        "failed": 0,
        "skipped": 0,
        "review": 1,  # the model is unsure where the cat's fur ends
        "success_percentage": 100.0,
    }
    file = api.files(job)["cat.jpg"]
    assert file["confidence"]["reasons"][0]["code"] == "uncertain_edges"
    pixels = api.result(file)
    assert pixels.shape == (300, 451, 4)
    assert (file["result"]["width"], file["result"]["height"]) == (451, 300)
    alpha = pixels[..., 3]
    assert alpha[:20, -20:].max() < 30, "the corner must be background"
    assert alpha[150:200, 200:260].min() > 220, "the area between the eyes must be foreground"
    original = data.chelsea()[150:200, 200:260].astype(int)
    assert np.abs(pixels[150:200, 200:260, :3].astype(int) - original).mean() < 6
    assert file["result"]["model"] == api.call("GET", "models").json()["default"]


def test_the_crop_contains_the_face(api: Api) -> None:
    job = api.send({"astronaut.jpg": ASTRONAUT}, crop_face=True, remove_bg=False)
    api.wait(job)
    file = api.files(job)["astronaut.jpg"]
    assert file["result"]["faces"] >= 1
    pixels = api.result(file)[..., :3]
    height, width = pixels.shape[:2]
    assert height < 400
    assert width < 400
    # The eyes and mouth are at rows 90-150, columns 190-255 of the original: find them in the crop.
    face = data.astronaut()[90:150, 190:255].astype(float)
    score = min(
        np.abs(pixels[top : top + 60, left : left + 65].astype(float) - face).mean()
        for top in range(0, height - 60, 2)
        for left in range(0, width - 65, 2)
    )
    assert score < 12, "the face must be in the crop"


def test_a_photo_with_an_exif_rotation_is_turned_upright(api: Api) -> None:
    job = api.send({"side.jpg": jpeg(np.rot90(data.chelsea()).copy(), 6)}, remove_bg=False)
    api.wait(job)
    pixels = api.result(api.files(job)["side.jpg"])
    assert pixels.shape[:2] == (300, 451)
    assert np.abs(pixels[..., :3].astype(int) - data.chelsea().astype(int)).mean() < 6


def corrupt(packed: bytes, content: bytes) -> bytes:
    """Return the ZIP with one byte of a stored file changed, so that its CRC is wrong."""
    place = packed.index(content) + len(content) // 2
    return packed[:place] + bytes([packed[place] ^ 255]) + packed[place + 1 :]


def test_every_kind_of_bad_input_fails_with_its_code_and_the_rest_is_processed(api: Api) -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("wrong.jpg", ASTRONAUT)
    files = {
        "good.jpg": CAT,
        "text.jpg": b"this is no photo",
        "empty.jpg": b"",
        "cut.jpg": CAT[: len(CAT) // 2],
        "photos.zip": zip_of({"in/good.jpg": CAT, "in/readme.txt": b"hello", "Thumbs.db": b"x"}),
        "crc.zip": corrupt(stored.getvalue(), ASTRONAUT),
        "broken.zip": zip_of({"a.jpg": CAT})[:-40],
    }
    job = api.send(files)
    document = api.wait(job)
    assert document["status"] == "completed"
    files_by_name = api.files(job)
    codes = {name: (file["error"] or {}).get("code") for name, file in files_by_name.items()}
    assert codes == {
        "good.jpg": None,
        "text.jpg": "not_a_photo",
        "empty.jpg": "empty_file",
        "cut.jpg": "damaged_photo",
        "photos.zip": None,
        "in/good.jpg": None,
        "in/readme.txt": "not_a_photo",
        "crc.zip": None,
        "wrong.jpg": "crc_mismatch",
        "broken.zip": "broken_zip",
    }
    assert document["summary"] == {
        "total": 8,
        "succeeded": 2,
        "failed": 5,
        "skipped": 1,
        "review": 2,
        "success_percentage": 25.0,
    }
    assert document["progress"] == {"processed": 8, "total": 8, "percentage": 100.0}
    errors = [file["error"] for file in files_by_name.values() if file["error"]]
    assert all(error["message"].endswith(".") for error in errors)

    archive = zipfile.ZipFile(
        io.BytesIO(api.call("GET", f"jobs/{job['job_id']}/archive", follow_redirects=True).content)
    )
    assert archive.testzip() is None
    assert archive.namelist() == ["good.png", "in/good.png", "manifest.json"]
    statuses = {
        file["name"]: file["status"] for file in json.loads(archive.read("manifest.json"))["files"]
    }
    assert statuses["wrong.jpg"] == "failed"
    single = httpx.get(files_by_name["in/good.jpg"]["result"]["url"], trust_env=False).content
    assert archive.read("in/good.png") == single


def test_an_encrypted_entry_fails_and_an_unknown_model_is_refused(api: Api) -> None:
    packed = bytearray(zip_of({"secret.jpg": CAT, "open.jpg": CAT}))
    packed[6] |= 1  # the first local header's flags
    packed[packed.index(b"PK\x01\x02") + 8] |= 1  # and those of its central directory entry
    job = api.send({"photos.zip": bytes(packed)})
    api.wait(job)
    files = api.files(job)
    assert files["secret.jpg"]["error"]["code"] == "encrypted_entry"
    assert files["open.jpg"]["status"] == "succeeded"
    refused = api.call(
        "POST",
        "jobs",
        json={"files": [{"name": "a.jpg", "size": 1}], "options": {"model": "u2net_custom"}},
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_model")


def test_every_follower_receives_progress_over_the_websocket(api: Api) -> None:
    photos = {f"{n}.jpg": CAT for n in range(6)}
    declared = [{"name": name, "size": len(content)} for name, content in photos.items()]
    job = api.call("POST", "jobs", json={"files": declared}).json()
    url = f"{job['websocket_url']}?token={job['token']}"
    with connect(url, proxy=None) as first, connect(url, proxy=None) as second:
        for socket in (first, second):
            socket.send(json.dumps({"action": "subscribe", "job_id": job["job_id"]}))
            assert json.loads(socket.recv(10))["status"] == "awaiting_upload"
        for file, content in zip(job["files"], photos.values(), strict=True):
            upload = file["upload"]
            httpx.post(
                upload["url"], data=upload["fields"], files={"file": content}, trust_env=False
            ).raise_for_status()
        for socket in (first, second):
            documents = [json.loads(socket.recv(60))]
            while documents[-1]["archive"]["status"] != "ready":
                documents.append(json.loads(socket.recv(60)))
            done = [document["progress"]["processed"] for document in documents]
            assert done == sorted(done)
            assert done[-1] == 6
            assert documents[-1]["status"] == "completed"
        first.send(json.dumps({"action": "ping"}))
        assert json.loads(first.recv(10)) == {"type": "pong"}


def test_a_drop_is_processed_without_an_api_call(api: Api, stack: Stack) -> None:
    s3 = stack.client("s3")
    bucket = stack.outputs["BucketName"]
    options = json.dumps({"remove_bg": False})
    s3.put_object(
        Bucket=bucket,
        Key="inbox/shop/cat.jpg",
        Body=CAT,
        Metadata={"darkroom-options": options},
    )
    end = time.monotonic() + 60
    matching: list[str] = []
    while not matching and time.monotonic() < end:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="archives/").get("Contents", [])
        keys = [item["Key"] for item in listed]
        matching = [key for key in keys if _contains(s3, bucket, key, "shop/cat.png")]
        time.sleep(0.3)
    assert matching


def _contains(s3: Any, bucket: str, key: str, name: str) -> bool:
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return name in zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_a_result_is_available_as_a_data_url_and_as_a_redirect(api: Api) -> None:
    job = api.send({"cat.jpg": CAT}, remove_bg=False)
    api.wait(job)
    answer = api.call("GET", f"jobs/{job['job_id']}/files/000000?as=data-url", job["token"]).json()
    assert answer["data_url"].startswith("data:image/png;base64,iVBOR")
    redirect = api.call("GET", f"jobs/{job['job_id']}/files/000000?as=redirect", job["token"])
    assert redirect.status_code == 302
    assert httpx.get(redirect.headers["location"], trust_env=False).content[:4] == b"\x89PNG"


def test_an_upload_larger_than_its_grant_is_refused(api: Api) -> None:
    made = api.call("POST", "jobs", json={"files": [{"name": "a.jpg", "size": 10}]}).json()
    upload = made["files"][0]["upload"]
    posted = httpx.post(upload["url"], data=upload["fields"], files={"file": CAT}, trust_env=False)
    assert posted.status_code == 400
    assert "EntityTooLarge" in posted.text


def test_a_cancelled_job_keeps_its_existing_results(api: Api) -> None:
    job = api.send({"photos.zip": zip_of({f"{n}.jpg": CAT for n in range(40)})})
    api.wait(job, lambda document: document["progress"]["processed"] >= 2)
    cancelled = api.call("POST", f"jobs/{job['job_id']}/cancel", job["token"]).json()
    assert cancelled["status"] == "cancelled"
    document = api.wait(
        job,
        lambda now: now["progress"]["processed"] == 40 and now["archive"]["status"] == "ready",
    )
    assert document["status"] == "cancelled"
    summary = document["summary"]
    assert summary["succeeded"] >= 2
    assert summary["skipped"] >= 10
    assert summary["succeeded"] + summary["skipped"] == 40
    content = api.call("GET", f"jobs/{job['job_id']}/archive", follow_redirects=True).content
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert len(names) == summary["succeeded"] + 1


def test_a_retry_with_other_options_processes_the_failed_files(api: Api) -> None:
    options = {"remove_bg": False, "crop_face": True, "face": {"on_missing": "fail"}}
    job = api.send({"astronaut.jpg": ASTRONAUT, "cat.jpg": CAT}, **options)
    document = api.wait(job)
    assert document["summary"] == {
        "total": 2,
        "succeeded": 1,
        "failed": 1,
        "skipped": 0,
        "review": 0,
        "success_percentage": 50.0,
    }
    assert api.files(job)["cat.jpg"]["error"]["code"] == "no_face"
    retried = api.call(
        "POST", f"jobs/{job['job_id']}/retry", job["token"], json={"options": {"remove_bg": False}}
    )
    assert retried.status_code == 202, retried.text
    document = api.wait(job)
    assert document["summary"] == {
        "total": 2,
        "succeeded": 2,
        "failed": 0,
        "skipped": 0,
        "review": 0,
        "success_percentage": 100.0,
    }
    assert api.result(api.files(job)["cat.jpg"]).shape[:2] == (300, 451)
    content = api.call("GET", f"jobs/{job['job_id']}/archive", follow_redirects=True).content
    assert "cat.png" in zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_a_deleted_job_leaves_nothing(api: Api, stack: Stack) -> None:
    job = api.send({"cat.jpg": CAT}, remove_bg=False)
    api.wait(job)
    deleted = api.call("DELETE", f"jobs/{job['job_id']}", job["token"])
    assert deleted.status_code == 204
    assert api.call("GET", f"jobs/{job['job_id']}").json()["code"] == "unknown_job"
    s3, bucket = stack.client("s3"), stack.outputs["BucketName"]
    end = time.monotonic() + 20
    while time.monotonic() < end:
        listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        left = [item["Key"] for item in listed if job["job_id"] in item["Key"]]
        if not left:
            return
        time.sleep(0.2)
    raise AssertionError(left)
