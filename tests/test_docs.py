"""Checks that the docs cover the code, and that what they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

from darkroom.options import FaceOptions, Options
from darkroom.states import FileStatus, JobStatus

ROOT = Path(__file__).parents[1]
DESIGN = (ROOT / "docs/design.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TEMPLATE = yaml_parse((ROOT / "infra/template.yaml").read_text(encoding="utf-8"))
FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}
ROUTES = [
    (event["Properties"]["Method"], event["Properties"]["Path"])
    for function in FUNCTIONS.values()
    for event in function.get("Events", {}).values()
    if event["Type"] == "HttpApi" and "Path" in event["Properties"]
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_is_documented(method: str, path: str) -> None:
    assert f"`{method} {path}`" in DESIGN


def test_every_documented_route_exists() -> None:
    documented = re.findall(r"^\| `([A-Z]+) (/[^`]*)`", DESIGN, re.MULTILINE)
    assert set(documented) == set(ROUTES)


@pytest.mark.parametrize("option", [*Options.model_fields, *FaceOptions.model_fields])
def test_every_option_is_documented(option: str) -> None:
    assert f"`{option}`" in DESIGN or f'"{option}"' in DESIGN


@pytest.mark.parametrize("status", [*JobStatus, *FileStatus])
def test_every_state_is_documented(status: JobStatus | FileStatus) -> None:
    assert f"`{status.value}`" in DESIGN


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_documented(name: str) -> None:
    properties = FUNCTIONS[name]
    handler = properties.get("Handler") or properties["ImageConfig"]["Command"][0]
    assert f"`{handler.removesuffix('.handler')}`" in DESIGN


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda p: p.name
)
def test_every_link_target_exists(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make ([a-z][a-z-]*)", README + DESIGN))))
def test_every_documented_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.M))))
def test_every_make_target_has_a_description(target: str) -> None:
    hidden = {"bake", "lint"}
    assert target in hidden or re.search(rf"^{target}:.*## ", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w.]+/[\w/.]+\.\w+)`", ARCHITECTURE))))
def test_every_file_named_in_the_architecture_exists(path: str) -> None:
    assert (ROOT / path).is_file()


RECIPES = dict(re.findall(r"^### (.+?)$\n(.*?)(?=^###|\Z)", ARCHITECTURE, re.MULTILINE | re.DOTALL))


def test_every_recipe_names_its_files_and_a_test() -> None:
    assert set(RECIPES) == {
        "Add a processing option",
        "Add a WebSocket action",
        "Add a rule by which a job ends",
        "Add a model",
        "Add an API route",
    }
    for steps in RECIPES.values():
        files = re.findall(r"^\d+\. `([^`]+)`", steps, re.MULTILINE)
        assert len(files) == len(re.findall(r"^\d+\.", steps, re.MULTILINE))
        assert all((ROOT / file).is_file() for file in files)
        assert files[-1].startswith("tests/")


def test_a_rule_by_which_a_job_ends_needs_at_most_five_files() -> None:
    files = set(re.findall(r"`([\w/]+\.\w+)`", RECIPES["Add a rule by which a job ends"]))
    assert 1 < len(files) <= 5
