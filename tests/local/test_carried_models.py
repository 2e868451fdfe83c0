from pathlib import Path

import pytest

from local import TEMPLATE
from local import template as templates
from local.carried_models import carried, home, with_carried_models


@pytest.mark.parametrize(
    ("there", "offered"),
    [
        (["u2netp", "u2net"], ["u2net", "u2netp"]),
        (["u2netp"], ["u2netp"]),
        (["u2netp", "silueta"], ["u2netp", "silueta"]),
        (["u2netp", "silueta", "u2net"], ["u2net", "u2netp", "silueta"]),
        ([], ["u2net", "u2netp"]),
    ],
)
def test_the_first_wanted_model_that_is_there_is_the_default(
    there: list[str], offered: list[str]
) -> None:
    assert carried(["u2net", "u2netp"], there) == offered


def test_a_stack_without_u2net_is_deployed_with_u2netp(tmp_path: Path) -> None:
    (tmp_path / "models/u2netp").mkdir(parents=True)
    (tmp_path / "models/u2netp/u2netp.onnx").touch()
    defaults = templates.parameter_defaults(templates.load(TEMPLATE))
    environment = {"REMBG_HOME": str(tmp_path)}
    assert with_carried_models(defaults, {"KeepDays": "1"}, environment) == {
        "KeepDays": "1",
        "Models": "u2netp",
    }


def test_models_that_are_asked_for_are_left_as_they_are(tmp_path: Path) -> None:
    given = {"Models": "silueta"}
    environment = {"REMBG_HOME": str(tmp_path)}
    assert with_carried_models({"Models": "u2net"}, given, environment) == given


def test_a_template_without_models_gets_none(tmp_path: Path) -> None:
    assert with_carried_models({"KeepDays": "7"}, {}, {"REMBG_HOME": str(tmp_path)}) == {}


def test_the_workers_find_models_where_the_stack_has_looked(tmp_path: Path) -> None:
    assert home({"REMBG_HOME": str(tmp_path)}) == tmp_path
    assert home({}).parts[-2:] == (".cache", "rembg")
