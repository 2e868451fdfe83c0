"""Photo in, cut-out out: the image engine, which knows nothing of AWS.

engine = Engine(Models(), Limits())
result = engine.process(photo, options)
"""

from functions.process.engine.core import Engine
from functions.process.engine.types import Limits, Result, Warning

__all__ = ["Engine", "Limits", "Result", "Warning"]
