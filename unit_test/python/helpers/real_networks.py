"""Networks of many kinds for the tests: written with onnx.helper, and found in an installed package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from helpers.toy import model_of

__all__ = ["OCR_MODELS", "channels_last_network", "ocr_model", "siamese_network"]

Array = NDArray[Any]

#: The three networks of rapidocr-onnxruntime, and pairs of heights and widths to feed them.
OCR_MODELS = {
    "ch_ppocr_mobile_v2.0_cls_infer": ((48, 192), (48, 128)),
    "ch_PP-OCRv4_det_infer": ((96, 128), (64, 160)),
    "ch_PP-OCRv4_rec_infer": ((48, 160), (48, 96)),
}


def ocr_model(name: str) -> Path | None:
    """Path of a network of rapidocr-onnxruntime, None if the package is not installed."""
    spec = importlib.util.find_spec("rapidocr_onnxruntime")
    folders = spec.submodule_search_locations if spec is not None else None
    return None if not folders else Path(next(iter(folders))) / "models" / f"{name}.onnx"


class _Weights:
    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.arrays: dict[str, Array] = {}

    def normal(self, name: str, *shape: int) -> str:
        fan = max(1, int(np.prod(shape[1:])))
        self.arrays[name] = (self.rng.standard_normal(shape) / fan**0.5).astype(np.float32)
        return name

    def ints(self, name: str, *values: int) -> str:
        self.arrays[name] = np.asarray(values, np.int64)
        return name

    def model(
        self, nodes: list[NodeProto], inputs: dict[str, list[Any]], outputs: list[str], opset: int = 17
    ) -> ModelProto:
        return model_of(nodes, self.arrays, inputs, dict.fromkeys(outputs), opset=opset)


def channels_last_network() -> ModelProto:
    """What converters make of a Keras network: NHWC at the border, SAME padding as Pad, a Dense head on the
    flattened channels-last map."""
    node, w = helper.make_node, _Weights(1)
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        node("Pad", ["t", w.ints("pads", 0, 0, 0, 0, 0, 0, 1, 1)], ["p"]),
        node("Conv", ["p", w.normal("w1", 16, 3, 3, 3)], ["c1"], strides=[2, 2]),
        node("Relu", ["c1"], ["r1"]),
        node("Conv", ["r1", w.normal("w2", 16, 1, 3, 3)], ["c2"], group=16, pads=[1, 1, 1, 1]),
        node("Relu", ["c2"], ["r2"]),
        node("Conv", ["r2", w.normal("w3", 24, 16, 1, 1)], ["c3"]),
        node("LeakyRelu", ["c3"], ["r3"], alpha=0.1),
        node("Transpose", ["r3"], ["back"], perm=[0, 2, 3, 1]),
        node("Reshape", ["back", w.ints("flat", 0, -1)], ["f"]),
        node("MatMul", ["f", w.normal("w4", 24 * 8 * 8, 10)], ["m"]),
        node("Softmax", ["m"], ["y"], axis=-1),
    ]
    return w.model(nodes, {"x": ["batch", 16, 16, 3]}, ["y", "back"])


def siamese_network() -> ModelProto:
    """Two pictures through one trunk; a distance and the features of the first come out."""
    node, w = helper.make_node, _Weights(2)
    first, second = w.normal("w1", 8, 3, 3, 3), w.normal("w2", 16, 8, 3, 3)
    dense = w.normal("w3", 16, 12)
    nodes: list[NodeProto] = []
    for side in "ab":
        nodes += [
            node("Conv", [side, first], [f"{side}1"], pads=[1, 1, 1, 1]),
            node("Relu", [f"{side}1"], [f"{side}2"]),
            node("MaxPool", [f"{side}2"], [f"{side}3"], kernel_shape=[2, 2], strides=[2, 2]),
            node("Conv", [f"{side}3", second], [f"{side}4"]),
            node("Relu", [f"{side}4"], [f"{side}5"]),
            node("GlobalMaxPool", [f"{side}5"], [f"{side}6"]),
            node("Flatten", [f"{side}6"], [f"{side}7"]),
            node("MatMul", [f"{side}7", dense], [f"{side}8"]),
        ]
    nodes += [
        node("Sub", ["a8", "b8"], ["difference"]),
        node("Mul", ["difference", "difference"], ["square"]),
        node("ReduceMean", ["square"], ["distance"], axes=[1], keepdims=0),
    ]
    return w.model(nodes, {"a": ["n", 3, "h", "w"], "b": ["n", 3, "h", "w"]}, ["distance", "a8"])
