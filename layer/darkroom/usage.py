"""Usage by photos: bytes in and out, and processing time by model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

NO_MODEL: Final = "none"
"""The model name under which photos are counted that were only cropped."""


class Timing(NamedTuple):
    photos: int = 0
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Totals of photos that succeeded. models: by name.

    bytes_in: of the photos, unpacked. bytes_out: of their results.
    """

    bytes_in: int = 0
    bytes_out: int = 0
    models: Mapping[str, Timing] = field(default_factory=dict)

    @classmethod
    def of_photo(
        cls, *, bytes_in: int, bytes_out: int, model: str | None, milliseconds: int
    ) -> Usage:
        return cls(bytes_in, bytes_out, {model or NO_MODEL: Timing(1, milliseconds)})

    def __neg__(self) -> Usage:
        models = {
            name: Timing(-timing.photos, -timing.milliseconds)
            for name, timing in self.models.items()
        }
        return Usage(-self.bytes_in, -self.bytes_out, models)

    def __add__(self, other: Usage) -> Usage:
        models = dict(self.models)
        for name, timing in other.models.items():
            known = models.get(name, Timing())
            models[name] = Timing(
                known.photos + timing.photos, known.milliseconds + timing.milliseconds
            )
        models = {name: timing for name, timing in models.items() if timing != Timing()}
        return Usage(self.bytes_in + other.bytes_in, self.bytes_out + other.bytes_out, models)
