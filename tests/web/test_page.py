"""The page in a real browser, against a stand-in for the API and once against the real stack."""

from __future__ import annotations

import urllib.parse
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from local.stack import Stack
from tests.web.browser import Browser
from tests.web.standin import KEY, PAGE, UNREADABLE, StandIn

pytestmark = [pytest.mark.journey, pytest.mark.timeout(60)]
WITH_KEY = "/#key=" + urllib.parse.quote(KEY)
HOSTILE = "<img src=x onerror=alert(1)>&amp;.jpg"


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two files with different content. The stand-in does not decode them."""
    files = [tmp_path / "cat.jpg", tmp_path / "dog.jpg"]
    for index, file in enumerate(files):
        file.write_bytes(bytes([index]) * 100_000)
    return files


def start_job(browser: Browser, standin: StandIn, *files: Path) -> None:
    browser.open(standin.api + WITH_KEY)
    browser.choose(*files)
    browser.click("#start")


def test_two_files_are_processed_and_downloaded(
    browser: Browser, standin: StandIn, photos: list[Path]
) -> None:
    browser.open(standin.api + WITH_KEY)
    assert "key" not in browser.driver.current_url
    browser.wait("the models", lambda: len(browser.all("#model option")) == 2)
    browser.choose(*photos)
    assert browser.text("#list-title") == "2 files, 200 kB"
    browser.click("#crop-face")
    browser.click("#start")

    browser.wait_text("#phase", "Done")
    assert browser.text("#percent") == "100 %"
    assert browser.text("#count").startswith("2 / 2 photos")
    browser.wait("both thumbnails", lambda: browser.shown_pictures() == 2)
    browser.wait_text("#message", "2 photos ready.")

    job = standin.job
    assert job.uploaded == {index: file.read_bytes() for index, file in enumerate(photos)}
    assert job.options == {"remove_bg": True, "crop_face": True, "model": "small"}
    assert (standin.subscribed, standin.polls) == (1, 0)

    browser.click("#results button")
    assert browser.wait_download("result.png").stat().st_size > 0
    browser.click("#archive")
    browser.wait_download("all.zip")
    assert browser.console_errors() == []


def test_a_preset_decides_and_a_background_may_be_chosen_beside_it(
    browser: Browser, standin: StandIn, photos: list[Path]
) -> None:
    browser.open(standin.api + WITH_KEY)
    browser.wait("the presets", lambda: len(browser.all("#preset option")) == 2)
    browser.wait("the models", lambda: len(browser.all("#model option")) == 2)
    browser.choose(photos[0])
    browser.click("#preset option[value=amazon]")
    assert not browser.find("#remove-bg").is_enabled()
    assert browser.find("#background").is_enabled()
    assert not browser.find("#colour").is_displayed()
    browser.click("#background option[value=colour]")
    assert browser.find("#colour").is_displayed()
    browser.click("#start")
    browser.wait_text("#phase", "Done")
    assert standin.job.options == {"preset": "amazon", "model": "small", "background": "#e8e8e8"}


def test_a_white_background_is_sent_unless_the_background_is_kept(
    browser: Browser, standin: StandIn, photos: list[Path]
) -> None:
    browser.open(standin.api + WITH_KEY)
    browser.wait("the models", lambda: len(browser.all("#model option")) == 2)
    browser.choose(photos[0])
    browser.click("#background option[value='#FFFFFF']")
    browser.click("#remove-bg")
    assert not browser.find("#background").is_enabled()
    browser.click("#remove-bg")
    browser.click("#start")
    browser.wait_text("#phase", "Done")
    assert standin.job.options["background"] == "#FFFFFF"


def test_chosen_files_can_be_removed(
    browser: Browser, standin: StandIn, photos: list[Path]
) -> None:
    browser.open(standin.api + WITH_KEY)
    browser.choose(*photos)
    browser.choose(photos[0])
    assert len(browser.all("#chosen li")) == 2, "choosing a file twice adds it once"
    browser.click('[aria-label="Remove cat.jpg"]')
    assert [row.text.split("\n")[0] for row in browser.all("#chosen li")] == ["dog.jpg"]
    browser.click("#clear")
    assert not browser.find("#start").is_enabled()


def test_files_can_be_dropped_on_the_page(browser: Browser, standin: StandIn) -> None:
    browser.open(standin.api + WITH_KEY)
    browser.run(
        """
        const dataTransfer = new DataTransfer();
        for (const name of ['cat.jpg', 'street.zip']) {
          dataTransfer.items.add(new File(['content'], name));
        }
        const options = { dataTransfer, bubbles: true, cancelable: true };
        document.querySelector('#drop').dispatchEvent(new DragEvent('drop', options));
        """
    )
    assert [name.text for name in browser.all("#chosen .name")] == ["cat.jpg", "street.zip"]


def test_a_failed_file_shows_its_error(
    browser: Browser, standin: StandIn, photos: list[Path]
) -> None:
    broken = photos[0].with_name("broken.jpg")
    broken.write_bytes(b"no photo")
    start_job(browser, standin, broken, photos[0])
    browser.wait_text("#message", "1 photo ready, 1 failed.")
    browser.wait("both files", lambda: len(browser.all("#results li")) == 2)
    assert UNREADABLE in browser.text("#results .failed")


def test_the_page_polls_if_the_websocket_is_rejected(
    browser: Browser, standin: StandIn, photos: list[Path]
) -> None:
    standin.refuse_socket = True
    start_job(browser, standin, *photos)
    browser.wait_text("#link", "Polling")
    browser.wait_text("#message", "2 photos ready.", seconds=15)
    browser.wait("both thumbnails", lambda: browser.shown_pictures() == 2)
    assert standin.polls > 1
    assert standin.subscribed == 0


def test_the_page_polls_if_the_websocket_is_silent(
    browser: Browser, standin: StandIn, photos: list[Path]
) -> None:
    standin.frozen = True
    start_job(browser, standin, photos[0])
    browser.wait_text("#link", "Live")
    assert standin.polls == 0
    browser.run("TIMING.quiet = 1000")
    browser.wait("a poll", lambda: standin.polls > 0)


def test_a_file_name_with_markup_is_shown_as_text(
    browser: Browser, standin: StandIn, tmp_path: Path
) -> None:
    hostile = tmp_path / HOSTILE
    hostile.write_bytes(b"photo")
    browser.open(standin.api + WITH_KEY)
    browser.choose(hostile)
    assert browser.text("#chosen .name") == HOSTILE
    browser.click("#start")
    browser.wait("the result", lambda: browser.shown_pictures() == 1)
    assert browser.text("#results .name") == HOSTILE
    assert len(browser.all("img")) == 1


def test_the_page_works_from_a_file_url(
    browser: Browser, standin: StandIn, photos: list[Path]
) -> None:
    browser.open(PAGE.as_uri())
    browser.find("#server").send_keys(standin.api)
    browser.find("#key").send_keys(KEY)
    browser.choose(*photos)
    browser.click("#start")
    browser.wait_text("#message", "2 photos ready.")
    browser.wait("both thumbnails", lambda: browser.shown_pictures() == 2)
    assert standin.subscribed == 1
    browser.click("#archive")
    browser.wait_download("all.zip")
    assert browser.console_errors() == []


def test_a_wrong_key_is_reported(browser: Browser, standin: StandIn, photos: list[Path]) -> None:
    browser.open(standin.api + "/#key=wrong")
    browser.choose(*photos)
    browser.click("#start")
    browser.wait_text("#message", "This key is not accepted.")
    assert len(browser.all("#chosen li")) == 2
    browser.find("#key").clear()
    browser.find("#key").send_keys(KEY)
    browser.click("#start")
    browser.wait_text("#message", "2 photos ready.")


def test_a_key_is_stored_per_server(browser: Browser, standin: StandIn) -> None:
    browser.open(standin.api + WITH_KEY)
    browser.open(PAGE.as_uri())
    browser.find("#server").send_keys(standin.api)
    browser.find("#key").send_keys(KEY)
    browser.find("#server").clear()
    browser.find("#server").send_keys("http://127.0.0.1:9")
    browser.find("#key").click()
    assert browser.find("#key").get_property("value") == ""
    browser.find("#server").clear()
    browser.find("#server").send_keys(standin.api)
    browser.find("#key").click()
    assert browser.find("#key").get_property("value") == KEY


def test_a_rejected_upload_can_be_sent_again(
    browser: Browser, standin: StandIn, photos: list[Path]
) -> None:
    standin.refuse_uploads = 1
    start_job(browser, standin, *photos)
    browser.wait_text("#message", "1 file could not be sent.")
    assert "Not this one." in browser.text("#message")
    browser.click("#message-action")
    browser.wait_text("#message", "2 photos ready.")


def test_a_job_survives_a_reload_and_can_be_cancelled(
    browser: Browser, standin: StandIn, photos: list[Path]
) -> None:
    standin.frozen = True
    start_job(browser, standin, *photos)
    browser.wait_text("#phase", "Processing")
    browser.driver.refresh()
    browser.wait_text("#phase", "Processing")
    assert len(standin.jobs) == 1
    browser.click("#cancel")
    browser.wait_text("#phase", "Cancelled")
    browser.click("#again")
    assert browser.find("#form").is_displayed()
    browser.driver.refresh()
    assert browser.find("#form").is_displayed()


def test_the_page_stops_waiting_without_progress(
    browser: Browser, standin: StandIn, photos: list[Path]
) -> None:
    standin.frozen = True
    browser.open(standin.api + WITH_KEY)
    browser.run("TIMING.giveUp = 1000")
    browser.choose(*photos)
    browser.click("#start")
    browser.wait_text("#message", "No progress for two minutes.")
    standin.frozen = False
    browser.run("TIMING.giveUp = 60000")
    browser.click("#message-action")
    browser.wait_text("#message", "2 photos ready.")


@pytest.mark.timeout(150)
def test_a_photo_is_processed_by_the_real_stack(
    browser: Browser, stack: Stack, tmp_path: Path
) -> None:
    cat = tmp_path / "chelsea.jpg"
    pixels = data.chelsea()
    Image.fromarray(pixels).save(cat, "JPEG", quality=92)
    browser.open(stack.page_url)
    browser.wait("the models", lambda: browser.find("#model").get_attribute("value") != "")
    browser.choose(cat)
    browser.click("#start")
    browser.wait_text("#message", "1 photo ready, 1 worth a look.", seconds=90)
    browser.wait("the thumbnail", lambda: browser.shown_pictures() == 1)

    browser.click("#results button")
    with Image.open(browser.wait_download("*.png")) as result:
        assert result.size == pixels.shape[1::-1]
        assert result.mode == "RGBA"
        assert result.getchannel("A").getextrema() == (0, 255)
    browser.click("#archive")
    with zipfile.ZipFile(browser.wait_download("*.zip")) as archive:
        assert archive.testzip() is None
    assert browser.console_errors() == []
