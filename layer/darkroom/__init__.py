"""Code that Darkroom's functions share: the job model, options, errors, keys and AWS adapters."""

from typing import Final

__version__: Final = "0.1.0"
