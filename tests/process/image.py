"""Builds the process image without Docker, by executing its Dockerfile's steps in a directory.

Supports only the instructions that this Dockerfile uses. Absolute paths are mapped into the
directory. Both stages share it, because numba's cache is valid only for functions at the same path.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import venv
from collections.abc import Mapping
from pathlib import Path

_STEP = re.compile(r"^(FROM|ARG|ENV|WORKDIR|COPY|RUN|CMD)\s+(.*)$")
# A build inherits only the environment variables that package downloads need.
_INHERITED = ("PIP_", "HTTP", "http", "SSL_", "REQUESTS_")


class Image:
    """root: the directory of the image. context: the directory that COPY reads from."""

    def __init__(self, root: Path, context: Path) -> None:
        self.root, self.context = root, context
        self.workdir = root
        self.command = ""
        self.arguments: dict[str, str] = {}
        self.given: Mapping[str, str] = {}
        self.python = root / "python" / "bin"
        root.mkdir()
        venv.create(root / "python", with_pip=True)
        inherited = {k: v for k, v in os.environ.items() if k.startswith(_INHERITED)}
        (root / "home").mkdir()
        self.environment = inherited | {
            "PATH": f"{self.python}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(root / "home"),
        }

    def build(self, dockerfile: Path, given: Mapping[str, str] | None = None) -> None:
        """Execute all steps. Raises CalledProcessError if one of them fails.

        given: build arguments, as with `--build-arg`.
        """
        self.given = given or {}
        text = re.sub(r"(?m)^\s*#.*\n", "", dockerfile.read_text())
        for line in text.replace("\\\n", " ").splitlines():
            step = _STEP.match(line)
            if step:
                getattr(self, f"_{step[1].lower()}")(step[2].strip())

    def inside(self, path: str) -> Path:
        return self.root / path[1:] if path.startswith("/") else self.workdir / path

    def _from(self, _image: str) -> None:
        self.workdir = self.root

    def _arg(self, definition: str) -> None:
        name, _, value = definition.partition("=")
        self.arguments[name] = self.given.get(name, "".join(shlex.split(value)))

    def _env(self, definitions: str) -> None:
        for definition in shlex.split(definitions):
            name, _, value = definition.partition("=")
            self.environment[name] = str(self.inside(value)) if value.startswith("/") else value

    def _workdir(self, path: str) -> None:
        self.workdir = self.inside(path)
        self.workdir.mkdir(parents=True, exist_ok=True)

    def _copy(self, words: str) -> None:
        *sources, target = shlex.split(words)
        if sources[0].startswith("--from="):
            return
        destination = self.inside(target)
        for source in (self.context / name for name in sources):
            if source.is_dir():
                skipped = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, destination, dirs_exist_ok=True, ignore=skipped)
            else:
                copy = destination / source.name if target.endswith("/") else destination
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, copy)

    def _run(self, script: str) -> None:
        environment = self.environment | self.arguments
        subprocess.run(["sh", "-ec", script], cwd=self.workdir, env=environment, check=True)

    def _cmd(self, words: str) -> None:
        self.command = words.strip("[]").strip('"')
