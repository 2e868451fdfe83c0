"""A driver for headless Chromium that exposes what a user of the page can do and see."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--window-size=1000,1000",
]


@dataclass
class Browser:
    """A running browser. driver: Selenium's. downloads: the folder that the browser saves to."""

    driver: Any
    downloads: Path

    @classmethod
    def start(cls, chromium: str, chromedriver: str, folder: Path) -> Browser:
        # Imported here, because a machine without a browser does not need the package.
        from selenium.webdriver import Chrome, ChromeOptions, ChromeService  # noqa: PLC0415

        downloads = folder / "downloads"
        downloads.mkdir()
        options = ChromeOptions()
        options.binary_location = chromium
        for flag in [*FLAGS, f"--user-data-dir={folder / 'profile'}"]:
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = Chrome(options, ChromeService(chromedriver))
        driver.set_page_load_timeout(20)
        driver.set_script_timeout(10)
        return cls(driver, downloads)

    @contextlib.contextmanager
    def window(self) -> Iterator[None]:
        """Open a new window; clear the downloads before it and the pages' storage after it."""
        for file in self.downloads.iterdir():
            file.unlink()
        first = self.driver.current_window_handle
        self.driver.switch_to.new_window("window")
        try:
            yield
        finally:
            self.run("localStorage.clear(); sessionStorage.clear()")
            self.console_errors()
            self.driver.close()
            self.driver.switch_to.window(first)

    def open(self, address: str) -> None:
        self.driver.get(address)

    def choose(self, *files: Path) -> None:
        self.find("#picker").send_keys("\n".join(str(file) for file in files))

    def click(self, selector: str) -> None:
        self.find(selector).click()

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        return list(self.driver.find_elements("css selector", selector))

    def text(self, selector: str) -> str:
        return str(self.find(selector).text)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, what: str, done: Callable[[], object], seconds: float = 10) -> None:
        """Wait until `done` returns true. what: names the condition in the failure message."""
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, f"{what}: not within {seconds} s. {self._state()}"
            time.sleep(0.05)

    def wait_text(self, selector: str, text: str, seconds: float = 10) -> None:
        self.wait(f"{text!r} in {selector}", lambda: text in self.text(selector), seconds)

    def wait_download(self, pattern: str, seconds: float = 10) -> Path:
        self.wait(f"download {pattern}", lambda: any(self.downloads.glob(pattern)), seconds)
        return next(self.downloads.glob(pattern))

    def shown_pictures(self) -> int:
        """Count the thumbnails that have loaded."""
        script = "return [...document.querySelectorAll('#results img')].filter("
        return int(self.run(script + "(img) => img.complete && img.naturalWidth > 0).length"))

    def console_errors(self) -> list[str]:
        """Return the errors in the browser's console, without those of failed requests."""
        entries = self.driver.get_log("browser")
        return [
            entry["message"]
            for entry in entries
            if entry["level"] == "SEVERE" and entry["source"] != "network"
        ]

    def _state(self) -> str:
        return f"The page says: {self.text('body')!r}; the console: {self.console_errors()}"
