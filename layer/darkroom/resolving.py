"""Resolves a job's options: its own come first, then its preset's, then the defaults."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import PydanticCustomError

from darkroom.errors import InvalidRequest
from darkroom.options import Options
from darkroom.presets import Preset
from darkroom.settings import Settings
from darkroom.shipped_presets import SHIPPED
from darkroom.validation import invalid


def all_presets(settings: Settings) -> Mapping[str, Preset]:
    """The shipped presets, then the deployment's own, which replace shipped ones of their name."""
    return {**SHIPPED, **settings.presets}


def resolve(options: Options, settings: Settings) -> Options:
    """The same options with those of the preset and the model filled in.

    An option of the job replaces the preset's as a whole, null included. Raises InvalidRequest:
    `unknown_preset`; `unknown_model` if this deployment does not have the model; `invalid_options`.
    """
    options = _with_preset(options, settings)
    _check_canvas(options, settings)
    model = options.model or settings.models[0]
    if model not in settings.models:
        known = ", ".join(settings.models)
        sentence = f"This deployment has no model {model!r}; choose one of {known}"
        raise InvalidRequest("unknown_model", f"{sentence}.", [_field("model", sentence)])
    return options.model_copy(update={"model": model})


def _with_preset(options: Options, settings: Settings) -> Options:
    if options.preset is None:
        return options
    presets = all_presets(settings)
    preset = presets.get(options.preset)
    if preset is None:
        known = ", ".join(presets)
        sentence = f"There is no preset {options.preset!r}; choose one of {known}"
        raise InvalidRequest("unknown_preset", f"{sentence}.", [_field("preset", sentence)])
    given = Options.model_validate(preset.options)
    update = {name: getattr(given, name) for name in given.model_fields_set}
    update |= {name: getattr(options, name) for name in options.model_fields_set}
    resolved = Options().model_copy(update=update)
    try:
        resolved.check_together()
    except PydanticCustomError as error:
        context = error.context or {}
        message = f"{error.message()} (the options come from the preset {options.preset} as well)"
        fields = [_field(str(context["field"]), message)]
        raise invalid("invalid_options", "The options are not valid", fields) from error
    return resolved


def _check_canvas(options: Options, settings: Settings) -> None:
    canvas = options.canvas
    if canvas is None or canvas.width is None or canvas.height is None:
        return
    if canvas.width * canvas.height > settings.max_photo_pixels:
        most = f"{settings.max_photo_pixels / 1e6:g} million"
        message = f"the canvas has more than the {most} pixels that this deployment allows"
        raise invalid("invalid_options", "The options are not valid", [_field("canvas", message)])


def _field(option: str, message: str) -> dict[str, str]:
    return {"field": f"options.{option}", "message": message}
