"""The image engine: a photo in, a cutout out. It knows nothing of AWS.

engine = Engine(Models(), Limits())
result = engine.process(photo, options)
"""

from functions.process.engine.engine import Engine
from functions.process.engine.pipeline_state import Budget
from functions.process.engine.results import PhotoWarning, Result

__all__ = ["Budget", "Engine", "PhotoWarning", "Result"]
