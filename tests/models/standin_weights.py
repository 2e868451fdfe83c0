"""STAND-INS, NOT MODELS: ONNX files with the input contracts of two models whose weights are not
to be had from a package index.

rembg's own sessions load them, scale and normalise a photo for them, and read their first output,
as with the real weights. What comes out is no cut-out of the photo but a rectangle, another one
for each model, so that a test can tell by the pixels which file has run.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Old enough for every onnxruntime that rembg runs with.
_IR_VERSION, _OPSET = 9, 17


class StandIn(NamedTuple):
    """side: pixels of the square input, `[1, 3, side, side]`, as the model's session in rembg
    scales to. rows, columns: the rectangle that it calls the subject, as shares of the picture.
    """

    side: int
    rows: tuple[float, float]
    columns: tuple[float, float]


STANDINS = {
    # rembg/sessions/silueta.py and dis_general_use.py: `self.normalize(img, …, (side, side))`
    "silueta": StandIn(320, (0.0, 1.0), (0.0, 0.5)),
    "isnet-general-use": StandIn(1024, (0.25, 0.75), (0.25, 0.75)),
}


def write_standin(home: Path, name: str) -> Path:
    """Write the stand-in for a model to where `Models(home)` looks for its weights."""
    path = home / "models" / name / f"{name}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(_network(name, STANDINS[name]), str(path))
    return path


def _network(name: str, standin: StandIn) -> onnx.ModelProto:
    """mask = rows x columns + 0 * input: the input counts, but not what is in it."""
    side = standin.side
    rows = _share(side, standin.rows).reshape(1, 1, side, 1)
    columns = _share(side, standin.columns).reshape(1, 1, 1, side)
    constants = {
        "rows": rows,
        "columns": columns,
        "nothing": np.zeros(1, np.float32),
        "channels": np.array([1], np.int64),
    }
    graph = helper.make_graph(
        [
            helper.make_node("ReduceSum", ["photo", "channels"], ["grey"], keepdims=1),
            helper.make_node("Mul", ["grey", "nothing"], ["unseen"]),
            helper.make_node("Mul", ["rows", "columns"], ["rectangle"]),
            helper.make_node("Add", ["rectangle", "unseen"], ["mask"]),
        ],
        f"stand-in for {name}",
        [helper.make_tensor_value_info("photo", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, side, side])],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model = helper.make_model(
        graph,
        producer_name="Darkroom's tests: a stand-in, not a model",
        opset_imports=[helper.make_opsetid("", _OPSET)],
    )
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model)
    return model


def _share(side: int, of: tuple[float, float]) -> np.ndarray:
    ones = np.zeros(side, np.float32)
    ones[round(of[0] * side) : round(of[1] * side)] = 1
    return ones
