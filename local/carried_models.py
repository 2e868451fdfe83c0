"""Which models a stack on this machine offers: those whose files are here."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from functions.process.models import Models
from local import ROOT

PARAMETER = "Models"


def home(environment: Mapping[str, str]) -> Path:
    """Where the workers of a local stack look for models: `$REMBG_HOME`, or the repository's."""
    return Path(environment.get("REMBG_HOME") or ROOT / ".cache" / "rembg")


def carried(wanted: Sequence[str], there: Sequence[str]) -> list[str]:
    """The wanted models that are there, in their order, then the others that are there.

    The first is the stack's default. All of `wanted` if no model is there: each photo then fails
    with an error that says so.
    """
    first = [name for name in wanted if name in there]
    return [*first, *(name for name in there if name not in first)] or list(wanted)


def with_carried_models(
    defaults: Mapping[str, str], parameters: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, str]:
    """The parameters, with `Models` set unless it is given or the template has no such parameter.

    defaults: the template's own values, by parameter.
    """
    if PARAMETER in parameters or PARAMETER not in defaults:
        return dict(parameters)
    names = carried(defaults[PARAMETER].split(","), Models(home(environment)).names())
    return {**parameters, PARAMETER: ",".join(names)}
