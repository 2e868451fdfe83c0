"""The image engine: turns a photo into a cutout. It does not depend on AWS.

engine = Engine(Models(), Limits())
result = engine.process(photo, options)
"""

from functions.process.engine.engine import Engine
from functions.process.engine.pipeline_state import Budget
from functions.process.engine.results import PhotoWarning, Result

__all__ = ["Budget", "Engine", "PhotoWarning", "Result"]
