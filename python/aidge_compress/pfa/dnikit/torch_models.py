"""PyTorch modules as models, by forward hooks."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from .batch import Array
from .responses import ResponseInfo

__all__ = ["TorchDetails"]

_KINDS = {
    **{f"Conv{d}d": f"CONV_{d}D" for d in (1, 2, 3)},
    **{f"ConvTranspose{d}d": f"CONV_TRANSPOSE_{d}D" for d in (1, 2, 3)},
    **{f"MaxPool{d}d": f"MAX_POOLING_{d}D" for d in (1, 2, 3)},
    **{f"AvgPool{d}d": f"AVERAGE_POOLING_{d}D" for d in (1, 2, 3)},
    "BatchNorm1d": "BATCH_NORM",
    "BatchNorm2d": "BATCH_NORM_2D",
    "BatchNorm3d": "BATCH_NORM_3D",
    "LayerNorm": "LAYER_NORM",
    "Linear": "LINEAR",
    "Dropout": "DROPOUT",
    "Sigmoid": "SIGMOID",
    "Tanh": "TANH",
    "ReLU": "RELU",
    "ReLU6": "RELU6",
    "LeakyReLU": "LEAKY_RELU",
    "PReLU": "PRELU",
    "Softmax": "SOFTMAX",
}
_NORMALISED = ("num_features", "out_channels", "out_features")


def _shape(module: Any) -> tuple[int | None, ...]:
    """What the module itself knows of its output."""
    width = next((int(getattr(module, name)) for name in _NORMALISED if hasattr(module, name)), None)
    spatial = type(module).__name__[-2:-1]
    if width is None:
        return ()
    return (None, width, *([None] * int(spatial))) if spatial.isdigit() else (None, width)


class TorchDetails:
    """A torch.nn.Module: the responses are the outputs of its submodules, by their qualified names.

    A batch is run in evaluation mode and without gradients, on the device of the first parameter; the modules' modes are put back.
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self._modules = {
            name: part for name, part in module.named_modules() if name and not list(part.children())
        }

    def inputs(self) -> list[ResponseInfo]:
        """Return the mandatory parameters of `forward`."""
        parameters = inspect.signature(self._module.forward).parameters.values()
        names = [
            parameter.name
            for parameter in parameters
            if parameter.default is parameter.empty
            and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ] or ["input"]
        kind = ResponseInfo.LayerKind.PLACEHOLDER
        dtype = np.dtype(np.float32)
        return [ResponseInfo(name, dtype, (), ResponseInfo.Layer(name, kind, "Input")) for name in names]

    def responses(self) -> list[ResponseInfo]:
        """Return all submodules without children."""
        infos = []
        for name, part in self._modules.items():
            typename = type(part).__name__
            kind = ResponseInfo.LayerKind[_KINDS.get(typename, "UNKNOWN")]
            layer = ResponseInfo.Layer(name, kind, typename)
            infos.append(ResponseInfo(name, np.dtype(np.float32), _shape(part), layer))
        return infos

    def run(self, feeds: Mapping[str, Array], names: list[str]) -> dict[str, Array]:
        """Return the responses to one batch. ValueError if a module was called twice, or not at all."""
        import torch

        found: dict[str, list[Array]] = {name: [] for name in names}

        def keep(name: str, output: Any) -> None:
            tensor = output[0] if isinstance(output, (tuple, list)) else output
            wide = tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor
            found[name].append(wide.detach().cpu().numpy())

        parameter = next(self._module.parameters(), torch.empty(0))
        tensors = [torch.as_tensor(np.array(array)).to(parameter.device) for array in feeds.values()]
        tensors = [
            tensor.to(parameter.dtype) if tensor.dtype == torch.float64 else tensor for tensor in tensors
        ]
        modes = {part: part.training for part in self._module.modules()}
        handles = [
            self._modules[name].register_forward_hook(
                lambda _part, _inputs, output, name=name: keep(name, output)
            )
            for name in names
        ]
        try:
            self._module.eval()
            with torch.inference_mode():
                self._module(*tensors)
        finally:
            for handle in handles:
                handle.remove()
            for part, mode in modes.items():
                part.training = mode
        calls = {name: len(outputs) for name, outputs in found.items() if len(outputs) != 1}
        if calls:
            raise ValueError(
                f"[pfa::load_model] expected one call a batch of each module, got these numbers of calls: {calls}"
            )
        return {name: outputs[0] for name, outputs in found.items()}
