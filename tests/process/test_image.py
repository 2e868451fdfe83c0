"""The process image, built from its Dockerfile without Docker and run as Lambda runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import sqs_event
from tests.process.conftest import ROOT
from tests.process.image import Image

DOCKERFILE = ROOT / "functions/process/Dockerfile"
REQUIREMENTS = ROOT / "functions/process/requirements.txt"
# The environment of a Lambda, without access to AWS.
SERVICE = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_LAMBDA_FUNCTION_NAME": "process",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
    "TABLE_NAME": "darkroom",
    "BUCKET_NAME": "photos",
    "WEBSOCKET_URL": "wss://live.example",
    "WEBSOCKET_ENDPOINT": "https://live.example",
    "POWERTOOLS_TRACE_DISABLED": "true",
}
GUARD = """
import socket
def refuse(self, address):
    if isinstance(address, tuple) and not str(address[0]).startswith("127."):
        raise OSError(f"the network is cut off: {address}")
    return plain(self, address)
plain, socket.socket.connect = socket.socket.connect, refuse
"""


def isolated() -> bool:
    """Whether this machine allows removing the network and mounting a directory read-only."""
    able = shutil.which("unshare") and shutil.which("mount") and os.geteuid() == 0
    return (
        bool(able) and subprocess.run(["unshare", "-n", "-m", "true"], check=False).returncode == 0
    )


def run(image: Image, command: Sequence[str]) -> str:
    """Run a command in the finished image, without a network and with only $TMPDIR writable.

    The directory is this test's own, so that nothing of an earlier run is in it.
    """
    root = str(image.root)
    temporary = image.root.with_name("tmp")
    temporary.mkdir(exist_ok=True)
    if isolated():
        script = (
            'ip link set lo up; mount --bind "$0" "$0"; mount -o remount,ro,bind "$0"; '
            'cd "$0/var/task"; exec "$@"'
        )
        command = ["unshare", "-n", "-m", "sh", "-ec", script, root, *command]
    done = subprocess.run(
        command,
        cwd=image.workdir,
        env=image.environment
        | SERVICE
        | {
            "PYTHONPATH": f"{image.workdir}:{image.root / 'guard'}",
            "TMPDIR": str(temporary),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.journey
@pytest.mark.timeout(600)
def test_the_image_works_without_a_network_and_on_a_read_only_disk(tmp_path: Path) -> None:
    image = Image(tmp_path / "image", ROOT)
    image.build(DOCKERFILE, {"MODELS": "u2netp"})  # the small one, for time's sake
    assert image.command == "functions.process.app.handler"
    (image.root / "guard").mkdir()
    (image.root / "guard" / "sitecustomize.py").write_text(GUARD)
    pip = [str(image.python / "python"), "-m", "pip", "install", "--quiet", "awslambdaric"]
    subprocess.run(pip, env=image.environment, check=True)
    for name in ("home", "var", "opt"):
        (image.root / name).chmod(0o555)

    python = str(image.python / "python")
    output = run(image, [python, "-m", "functions.process.selfcheck"])
    assert "self-check passed" in output
    assert "model u2netp: cutout" in output

    event = {"Records": [sqs_event("{}")["Records"][0] | {"messageId": "m1"}]}
    api = str(ROOT / "tests/process/runtime_api.py")
    answer = json.loads(
        run(image, [python, api, image.command, json.dumps(event)]).splitlines()[-1]
    )
    assert answer["path"].endswith("/invocation/request-1/response"), answer
    assert answer["body"] == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    # Nothing was compiled, although the cache is on a read-only disk.
    assert answer["seconds"] < 20
    for name in ("home", "var", "opt"):
        (image.root / name).chmod(0o755)


def test_every_requirement_is_pinned_by_its_hash() -> None:
    text = REQUIREMENTS.read_text()
    pins = re.findall(r"(?m)^([a-z0-9-]+(?:\[\w+\])?)==\S+.*\\$", text)
    names = re.findall(r"(?m)^([a-zA-Z0-9._-]+)", text)
    assert len(pins) == len(names) > 30
    assert "http" not in re.sub(r"(?m)^#.*$", "", text)


def test_the_image_and_the_tests_pin_the_same_versions() -> None:
    def pins(path: Path) -> set[tuple[str, str]]:
        return set(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", path.read_text()))

    assert pins(REQUIREMENTS) - pins(ROOT / "requirements.txt") == set()


def test_the_last_stage_installs_nothing() -> None:
    last = DOCKERFILE.read_text().rpartition("\nFROM ")[2]
    assert "pip" not in last
    assert "python -m functions.process.selfcheck" in last


def test_the_dockerfile_copies_exactly_the_files_that_baking_needs() -> None:
    """The layer with the models is rebuilt only when one of these files changes."""
    first = DOCKERFILE.read_text().replace("\\\n", " ").partition("RUN python -m functions")[0]
    copied = set(re.findall(r"functions/process/(\w+)\.py", first)) - {"__init__"}
    needed, todo = set(), ["bake"]
    while todo:
        name = todo.pop()
        needed.add(name)
        source = (ROOT / f"functions/process/{name}.py").read_text()
        found = re.findall(r"(?m)^from functions\.process\.(\w+) import", source)
        todo += [other for other in found if other not in needed]
    assert copied == needed
