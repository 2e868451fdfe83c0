"""The component on the screen, in the words of somebody who uses it."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from PIL import Image

from tests.web.browser import Browser

READ = """
const done = arguments[arguments.length - 1];
(async () => {
  const images = [...document.querySelectorAll('img.darkroom-result')];
  const found = [];
  for (const image of images) {
    const blob = await (await fetch(image.src, { cache: 'no-store' })).blob();
    const data = new Uint8Array(await blob.arrayBuffer());
    let text = '';
    for (const byte of data) text += String.fromCharCode(byte);
    found.push({ alt: image.alt, shown: image.naturalWidth, data: btoa(text) });
  }
  return found;
})().then(done, (error) => done(String(error)));
"""


class Screen:
    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def open(self, address: str) -> None:
        self.browser.open(address)
        self.browser.wait("the component", lambda: self.browser.all(".darkroom"))

    def choose(self, *files: Path) -> None:
        self.browser.find(".darkroom input[type=file]").send_keys("\n".join(map(str, files)))
        self.browser.wait("the list", lambda: self.browser.all(".darkroom-grid li"))

    def press(self, text: str, seconds: float = 10) -> None:
        """Click the button whose text begins so."""
        found: list[Any] = []

        def there() -> object:
            buttons = self.browser.all(".darkroom button")
            found[:] = [b for b in buttons if b.text.startswith(text) and b.is_enabled()]
            return found

        self.browser.wait(f"the button {text!r}", there, seconds)
        # From behind the sticky bar; a real click, because downloads want a user's gesture.
        self.browser.run("arguments[0].scrollIntoView({ block: 'center' })", found[0])
        found[0].click()

    def wait_title(self, text: str, seconds: float = 90) -> None:
        self.browser.wait(f"the title {text!r}", lambda: text == self.title, seconds)

    @property
    def title(self) -> str:
        return " ".join(
            str(title.text) for title in self.browser.all(".darkroom-bar .darkroom-title")
        )

    @property
    def names(self) -> list[str]:
        return [name.text for name in self.browser.all(".darkroom-grid .darkroom-name")]

    def results(self, count: int, seconds: float = 15) -> dict[str, Image.Image]:
        """The pictures on show by what they are results of, once the browser has drawn `count`."""

        script = "return [...document.querySelectorAll('img.darkroom-result')].filter("
        drawn = script + "(img) => img.complete && img.naturalWidth > 0).length"
        self.browser.wait(f"{count} results", lambda: self.browser.run(drawn) == count, seconds)
        found = self.browser.driver.execute_async_script(READ)
        assert not isinstance(found, str), found
        pictures = {}
        for entry in found:
            picture = Image.open(io.BytesIO(base64.b64decode(entry["data"])))
            assert picture.width == entry["shown"]
            pictures[entry["alt"].removeprefix("Result of ")] = picture
        return pictures
