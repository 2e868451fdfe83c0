"""What developers do first: copy the file, or install the package, in a fresh Vite project."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack
from tests.react.conftest import WEB, address
from tests.react.screen import Screen
from tests.react.site import serving

pytestmark = [pytest.mark.react, pytest.mark.timeout(240)]
PINNED = json.loads((WEB / "package.json").read_text())["devDependencies"]
INDEX = """<!doctype html>
<title>Fresh</title>
<div id="app"></div>
<script type="module" src="/main.jsx"></script>
"""
MAIN = """
import {{ createRoot }} from 'react-dom/client';
import PhotoProcessor from '{source}';
const settings = new URLSearchParams(location.hash.slice(1));
createRoot(document.getElementById('app')).render(
  <PhotoProcessor apiUrl={{settings.get('api') ?? undefined}} apiKey={{settings.get('key')}} />,
);
"""
CONFIG = """
import react from '@vitejs/plugin-react';
export default { base: './', plugins: [react()] };
"""


def npm(folder: Path, *arguments: str) -> str:
    program = shutil.which("npm")
    if program is None:
        pytest.skip("needs npm")
    command = [program, "--silent", "--no-audit", "--no-fund", *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def project(folder: Path, source: str, *more: str) -> None:
    """A Vite project as its own template makes one, with `source` on the page."""
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    (folder / "index.html").write_text(INDEX)
    (folder / "main.jsx").write_text(MAIN.format(source=source))
    (folder / "vite.config.js").write_text(CONFIG)
    names = ["react", "react-dom", "vite", "@vitejs/plugin-react", *more]
    npm(
        folder, "install", *(f"{name}@{PINNED[name]}" if name in PINNED else name for name in names)
    )


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("packed")
    npm(WEB, "pack", "--workspace", "react", "--pack-destination", str(folder))
    yield next(folder.glob("darkroom-react-*.tgz"))


def test_the_file_is_copied(
    screen: Screen, stack: Stack, tmp_path: Path, photos: dict[str, Path]
) -> None:
    shutil.copy(WEB / "react" / "PhotoProcessor.jsx", tmp_path)
    # The newest release: what a plain `npm install react react-dropzone` brings.
    project(tmp_path, "./PhotoProcessor.jsx", "react-dropzone@20.1.4")
    npm(tmp_path, "exec", "--", "vite", "build")
    with serving(tmp_path / "dist") as site:
        screen.open(address(site, stack))
        screen.choose(photos["cat.jpg"])
        screen.press("Cut out 1 photo")
        screen.wait_title("1 ready")
        screen.results(1)


def test_the_package_is_installed(
    screen: Screen, stack: Stack, tmp_path: Path, tarball: Path
) -> None:
    project(tmp_path, "@darkroom/react", "react-dropzone", str(tarball))
    # The environment is that of the developer's build, not of the package's.
    (tmp_path / ".env").write_text(f"VITE_DARKROOM_API_URL={stack.api_url}\n")
    npm(tmp_path, "exec", "--", "vite", "build")
    with serving(tmp_path / "dist") as site:
        screen.open(site + "/")
        assert "Choose photos" in screen.browser.text(".darkroom")
        assert "No service is configured" not in screen.browser.text(".darkroom")
        assert screen.browser.console_errors() == []


def test_the_package_has_types(tmp_path: Path, tarball: Path) -> None:
    project(
        tmp_path, "@darkroom/react", "react-dropzone", "typescript", "@types/react", str(tarball)
    )
    (tmp_path / "good.tsx").write_text(
        "import { PhotoProcessor, RefusedError } from '@darkroom/react';\n"
        "export const page = <PhotoProcessor apiUrl='/' options={{ edges: 'smooth' }} "
        "onError={(error) => error instanceof RefusedError && error.status} />;\n"
    )
    check = [
        "exec",
        "--",
        "tsc",
        "--noEmit",
        "--strict",
        "--jsx",
        "react-jsx",
        "--moduleResolution",
        "bundler",
        "--module",
        "esnext",
        "--target",
        "es2022",
    ]
    npm(tmp_path, *check, "good.tsx")
    (tmp_path / "bad.tsx").write_text(
        "import { PhotoProcessor } from '@darkroom/react';\n"
        "export const page = <PhotoProcessor options={{ edges: 'smoothest' }} />;\n"
    )
    with pytest.raises(AssertionError, match="smoothest"):
        npm(tmp_path, *check, "bad.tsx")
