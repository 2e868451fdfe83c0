"""The settings of the functions, read from their environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from darkroom.limits import Limits
from darkroom.options import Options, parse_options_json
from darkroom.presets import Preset, parse_presets
from darkroom.validation import summary, wrong_fields

_DEFAULTS: Final = Limits()


class Settings(BaseModel):
    """The template gives each function only the settings it uses; the others keep their defaults.

    models: those in the process image, the default one first. presets: of the deployment's own, by
    name; `darkroom.shipped_presets` has the others. Sizes in bytes, times in seconds.
    """

    model_config = ConfigDict(frozen=True)

    table_name: str = ""
    bucket_name: str = ""
    process_queue_url: str = ""
    process_bulk_queue_url: str = ""
    process_alone_queue_url: str = ""
    ingest_queue_url: str = ""
    lifecycle_queue_url: str = ""
    archive_queue_url: str = ""
    webhooks_queue_url: str = ""
    key_secret: str = ""
    webhook_secret: str = ""
    websocket_url: str = ""
    websocket_endpoint: str = ""
    models: Annotated[tuple[str, ...], Field(min_length=1)] = ("u2net", "u2netp")
    drop_options: Options = Options()
    presets: Mapping[str, Preset] = {}
    max_photo_bytes: Annotated[int, Field(ge=1)] = _DEFAULTS.photo_bytes
    max_photo_pixels: Annotated[int, Field(ge=1)] = _DEFAULTS.photo_pixels
    max_zip_bytes: Annotated[int, Field(ge=1)] = _DEFAULTS.zip_bytes
    max_zip_entries: Annotated[int, Field(ge=1)] = _DEFAULTS.zip_entries
    max_zip_ratio: Annotated[int, Field(ge=1)] = _DEFAULTS.zip_ratio
    grant_seconds: Annotated[int, Field(ge=60, le=43_200)] = 3600
    keep_days: Annotated[int, Field(ge=1)] = 7
    max_jobs_per_connection: Annotated[int, Field(ge=1)] = 100
    max_followers_per_job: Annotated[int, Field(ge=1)] = 1000
    photos_at_once: Annotated[int, Field(ge=1, le=16)] = 2

    @property
    def limits(self) -> Limits:
        return Limits(
            photo_bytes=self.max_photo_bytes,
            photo_pixels=self.max_photo_pixels,
            zip_bytes=self.max_zip_bytes,
            zip_entries=self.max_zip_entries,
            zip_ratio=self.max_zip_ratio,
        )

    @field_validator("models", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("drop_options", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        return parse_options_json(value) if isinstance(value, str) else value

    @field_validator("presets", mode="before")
    @classmethod
    def _parse_presets(cls, value: object) -> object:
        return parse_presets(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _presets_name_known_models(self) -> Self:
        for name, preset in self.presets.items():
            model = preset.options.get("model")
            if model is not None and model not in self.models:
                field = f"presets.{name}.options.model"
                message = f"this deployment has no model {model!r}"
                raise PydanticCustomError(
                    "model", "{message}", {"field": field, "message": message}
                )
        return self


class SettingsError(Exception):
    """The deployment is misconfigured; the message names every wrong setting."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read each setting from the variable of its name in upper case. Raises SettingsError."""
    known = {
        name: environment[name.upper()]
        for name in Settings.model_fields
        if name.upper() in environment
    }
    try:
        return Settings.model_validate(known)
    except ValidationError as error:
        raise SettingsError(f"Correct these settings: {summary(wrong_fields(error))}") from error
