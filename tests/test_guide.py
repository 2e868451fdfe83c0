"""Checks the quickstart and the guide against the code that they describe."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from samtranslator.yaml_helper import yaml_parse

from darkroom import error_codes
from darkroom.jobs import BULK, MAX_FILES
from darkroom.messages import ImageMessage, expect
from darkroom.options import parse_options
from darkroom_client.cli import app as client
from functions.process.engine.pipeline_state import Budget
from functions.process.models import ALLOWED
from functions.status.documents import MAX_DATA_URL
from functions.upload.create import NewJob
from local.__main__ import app as local_stack
from tests.guides import GUIDE, QUICKSTART, ROOT, blocks, program, prose, rows, section

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TEMPLATE = yaml_parse((ROOT / "infra/template.yaml").read_text(encoding="utf-8"))
BOTH = {"guide": GUIDE, "quickstart": QUICKSTART}
PARAMETERS = TEMPLATE["Parameters"]
# Names that look like the template's but are AWS's or S3's.
FOREIGN = {"EntityTooLarge", "EntityTooSmall", "IteratorAge", "ApproximateAgeOfOldestMessage"}


def codes(title: str) -> set[str]:
    """The codes in the first column of a section's table."""
    return {code for row in rows(section(GUIDE, title)) for code in re.findall(r"`(\w+)`", row[0])}


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings]
    return set(plain)


def test_the_guide_is_of_the_length_asked_for_without_its_code() -> None:
    words = [word for word in prose(GUIDE).split() if re.search(r"[A-Za-z]", word)]
    assert len(words) >= 4000


def test_the_quickstart_is_short() -> None:
    paragraphs = [
        line
        for line in prose(section(QUICKSTART, "Quickstart")).splitlines()
        if line and not line.startswith(("#", "|", "-"))
    ]
    assert 150 <= len(" ".join(paragraphs).split()) <= 260


@pytest.mark.parametrize("page", BOTH)
def test_every_json_block_is_json(page: str) -> None:
    for block in blocks(BOTH[page], "json"):
        json.loads(block)


@pytest.mark.parametrize("block", blocks(GUIDE, "python"), ids=lambda block: block[:40])
def test_every_python_block_compiles(block: str) -> None:
    compile(block, "guide.md", "exec")


@pytest.mark.parametrize("page", BOTH)
def test_every_make_target_exists(page: str) -> None:
    targets = set(re.findall(r"(?:`|^)(?:PORT=\S+ )?make ([a-z][a-z-]*)", BOTH[page], re.MULTILINE))
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


@pytest.mark.parametrize("page", BOTH)
def test_every_path_exists(page: str) -> None:
    paths = re.findall(
        r"`((?:functions|layer|infra|docs|tests|local|client|web)/[^`\s]*)`", BOTH[page]
    )
    paths += re.findall(r"-f (\S+/Dockerfile)", BOTH[page])
    for path in paths:
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", BOTH)
def test_every_link_within_the_docs_leads_to_a_heading(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(BOTH[page])):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        text = (ROOT / "docs" / file).read_text(encoding="utf-8") if file else BOTH[page]
        assert not anchor or anchor in anchors(text), target


def test_the_table_of_parameters_is_the_templates() -> None:
    documented = {row[0].strip("`"): row[1] for row in rows(section(GUIDE, "Parameters"))}
    assert documented.keys() == PARAMETERS.keys()
    for name, default in documented.items():
        assert default.strip("`") == str(PARAMETERS[name]["Default"]), name


@pytest.mark.parametrize("page", BOTH)
def test_every_resource_parameter_and_output_exists(page: str) -> None:
    known = {*PARAMETERS, *TEMPLATE["Resources"], *TEMPLATE["Outputs"], *FOREIGN}
    named = re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)(?:=\d+)?`", BOTH[page])
    assert set(named) <= known


def test_every_parameter_given_on_a_command_line_exists() -> None:
    given = re.findall(r"\b((?:Max|Worker|Photos)[A-Za-z]+)=\d+", GUIDE)
    assert given
    assert set(given) <= PARAMETERS.keys()


def test_every_environment_variable_is_read_somewhere() -> None:
    table = section(QUICKSTART, "Reference").partition("| variable |")[2]
    variables = [row[0].strip("`") for row in rows(f"| variable |{table}") if row]
    assert {"DARKROOM_URL", "DARKROOM_KEY", "PORT"} <= set(variables)
    sources = [MAKEFILE, *(p.read_text("utf-8") for p in Path(ROOT / "client").rglob("*.py"))]
    sources += [p.read_text("utf-8") for p in (ROOT / "local").glob("*.py")]
    for name in variables:
        assert any(re.search(rf"\b{name}\b", source) for source in sources), name


def test_every_error_code_is_in_the_tables() -> None:
    requests = {*error_codes.REQUEST_CODES, *error_codes.SOCKET_CODES}
    assert codes("Codes of a refused request") == requests
    assert codes("Codes of a failed or skipped file") == set(error_codes.FILE_CODES)
    assert codes("Codes of a failed job") == set(error_codes.JOB_CODES)
    assert codes("Warnings") == set(error_codes.WARNING_CODES)
    assert codes("In the log") == set(error_codes.INTERNAL_CODES)


def test_every_row_of_the_tables_says_what_to_do() -> None:
    table = rows(section(GUIDE, "Troubleshooting"))
    assert all(len(row) == 3 and all(row) for row in table)


def commands(text: str, program: str) -> list[list[str]]:
    """The arguments of each call of a program, in code and in tables."""
    found = re.findall(rf"{re.escape(program)}((?: [^`\n|]+)?)", text)
    return [shlex.split(arguments.replace("[FUNCTION]", "")) for arguments in found]


@pytest.mark.parametrize("page", BOTH)
def test_every_darkroom_command_is_understood(page: str) -> None:
    group: Any = typer.main.get_command(client)
    calls = commands(BOTH[page], ".venv/bin/darkroom")
    assert calls
    for name, *arguments in calls:
        group.commands[name].make_context(name, list(arguments))


@pytest.mark.parametrize("page", BOTH)
def test_every_command_of_the_local_stack_is_understood(page: str) -> None:
    group: Any = typer.main.get_command(local_stack)
    for name, *arguments in commands(BOTH[page], ".venv/bin/python -m local"):
        group.commands[name].make_context(name, list(arguments))


def test_the_example_of_a_job_is_valid() -> None:
    [job] = [json.loads(b) for b in blocks(GUIDE, "json") if "callback_url" in b]
    wanted = NewJob.model_validate(job)
    assert parse_options(wanted.options).background == "#FFFFFF"


def test_the_sample_event_holds_a_message_of_the_process_queue() -> None:
    [record] = json.loads(program("event.json"))["Records"]
    assert expect(record["body"], ImageMessage).options.model == "u2net"


def test_every_model_exists() -> None:
    named = [row[0].strip("`") for row in rows(section(GUIDE, "Choice of model"))]
    assert named
    assert set(named) <= set(ALLOWED)


@pytest.mark.parametrize("row", rows(section(GUIDE, "Figures")), ids=lambda row: row[0])
def test_every_figure_stands_in_the_document_named(row: list[str]) -> None:
    source = (ROOT / "docs" / row[2]).read_text(encoding="utf-8")
    for number in re.findall(r"\d[\d,.]*", row[1]):
        assert re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d])", source), number


def test_the_limits_named_are_the_codes_own() -> None:
    assert f"up to {BULK} files" in GUIDE
    assert f"over {MAX_FILES:,} files" in GUIDE
    assert f"over {MAX_DATA_URL:,} bytes" in GUIDE
    assert f"a budget of {Budget().seconds:.0f} s" in GUIDE
    photos = TEMPLATE["Resources"]["ProcessFunction"]["Properties"]["Events"]["Photos"]
    assert f"A batch has {photos['Properties']['BatchSize']} messages" in GUIDE
