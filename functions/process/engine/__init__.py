"""Photo in, cut-out out: the image engine, which knows nothing of AWS.

engine = Engine(Models(), Limits())
result = engine.process(photo, options)
for result in engine.map(photos, options): ...
"""

from functions.process.engine.engine import Engine
from functions.process.engine.types import Limits, PhotoWarning, Result

__all__ = ["Engine", "Limits", "PhotoWarning", "Result"]
