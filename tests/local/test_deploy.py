from pathlib import Path
from typing import Any

import pytest

from local import TEMPLATE, LocalStackError
from local import template as templates
from local.deploy import deploy
from local.stack import WORKERS_PARAMETERS


def nobody(service: str) -> Any:
    raise AssertionError(f"{service} was asked for")


def test_a_file_that_no_function_has_cannot_be_replaced() -> None:
    instead = {"functions/process/models.py": Path(__file__), "functions/gone.py": Path(__file__)}
    with pytest.raises(LocalStackError, match=r"No function has functions/gone\.py"):
        deploy(nobody, "", TEMPLATE, {}, instead)


def test_the_workers_one_asks_for_are_those_of_both_lanes() -> None:
    sources = templates.load(TEMPLATE)["Resources"]["ProcessFunction"]["Properties"]["Events"]
    limits = [
        source["Properties"]["ScalingConfig"]["MaximumConcurrency"] for source in sources.values()
    ]
    assert {limit["Ref"] for limit in limits if isinstance(limit, dict)} == set(WORKERS_PARAMETERS)
