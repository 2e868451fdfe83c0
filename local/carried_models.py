"""Which models the local stack offers: those whose files are on this machine."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from local import ROOT

PARAMETER = "Models"


def home(environment: Mapping[str, str]) -> Path:
    """The folder that holds the models, as the emulator's functions see it."""
    return Path(environment.get("REMBG_HOME") or ROOT / ".cache" / "rembg")


def present(folder: Path) -> list[str]:
    """The names of the models in `folder`, which rembg lays out as `models/NAME/NAME.onnx`."""
    files = (folder / "models").glob("*/*.onnx")
    return sorted(file.stem for file in files if file.stem == file.parent.name)


def carried(wanted: Sequence[str], on_disk: Sequence[str]) -> list[str]:
    """The wanted models that are on disk, in their order, then the others that are.

    All the wanted ones if there are none, so that the missing file is what an error names.
    """
    names = [name.strip() for name in wanted]
    first = [name for name in names if name in on_disk]
    return [*first, *(name for name in on_disk if name not in first)] or names


def with_carried_models(
    defaults: Mapping[str, str], parameters: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, str]:
    """Set `Models`, unless it is given or the template has no such parameter.

    defaults: the template's own values, by parameter.
    """
    if PARAMETER in parameters or PARAMETER not in defaults:
        return dict(parameters)
    names = carried(defaults[PARAMETER].split(","), present(home(environment)))
    return {**parameters, PARAMETER: ",".join(names)}
