"""Presets: named options for a purpose, shipped or of the deployment's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from darkroom.backdrop_options import Strict
from darkroom.options import Options, PresetName
from darkroom.validation import summary, wrong_fields


class Preset(Strict):
    """options: those that the preset gives, as in a job. Every other one keeps its default.

    source: a URL of the rules that it follows; None where there are none. checked: the month in
    which they were read, such as "2026-11".
    """

    description: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    options: Annotated[dict[str, Any], Field(min_length=1)]
    source: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=500)] | None = (
        None
    )
    checked: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d$")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _valid_options(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and isinstance(raw.get("options"), dict):
            if "preset" in raw["options"]:
                raise ValueError("options.preset: a preset cannot name another one")
            try:
                Options.model_validate(raw["options"])
            except ValidationError as error:
                raise ValueError(summary(wrong_fields(error, "options"))) from error
        return raw


_Own = TypeAdapter(dict[PresetName, Preset])


def parse_presets(text: str) -> Mapping[str, Preset]:
    """The presets of a deployment, from its setting: JSON, empty for none.

    Raises ValueError, which names every wrong field.
    """
    try:
        raw = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ValueError("they are not valid JSON; write one JSON object of presets") from error
    try:
        return _Own.validate_python(raw)
    except ValidationError as error:
        raise ValueError(summary(wrong_fields(error))) from error
