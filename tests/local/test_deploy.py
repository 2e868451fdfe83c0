from pathlib import Path
from typing import Any

import pytest

from local import TEMPLATE, LocalStackError
from local import template as templates
from local.deploy import deploy
from local.stack import WORKERS_PARAMETERS


def no_client(service: str) -> Any:
    raise AssertionError(f"unexpected client for {service}")


def test_a_replacement_for_a_file_that_no_function_has_is_refused() -> None:
    files = {"functions/process/models.py": Path(__file__), "functions/gone.py": Path(__file__)}
    with pytest.raises(LocalStackError, match=r"No function contains functions/gone\.py"):
        deploy(no_client, "", TEMPLATE, {}, files)


def test_the_workers_option_sets_the_parameters_of_both_lanes() -> None:
    sources = templates.load(TEMPLATE)["Resources"]["ProcessFunction"]["Properties"]["Events"]
    limits = [
        source["Properties"]["ScalingConfig"]["MaximumConcurrency"] for source in sources.values()
    ]
    assert {limit["Ref"] for limit in limits if isinstance(limit, dict)} == set(WORKERS_PARAMETERS)
