"""PyTorch modules as ONNX: structure and shapes alone, no weights."""

import io
import warnings
from typing import Any, Sequence

from .spelling import as_written, standard_spelling

#: Has all that torch 1.13 and newer export for convolutional networks and transformers.
OPSET = 14


def zeros(shape: Sequence[Any]) -> Any:
    """An input of that shape, or inputs of those shapes."""
    import torch

    if shape and isinstance(shape[0], (list, tuple)):
        return tuple(torch.zeros(*one) for one in shape)
    return torch.zeros(*shape)


def onnx_bytes(module: Any, dummy_input: Any) -> bytes:
    """The ONNX file of a module as it is at inference; the module itself stays as it was."""
    import torch

    was_training = module.training
    module.eval()
    buffer = io.BytesIO()
    try:
        with torch.no_grad(), warnings.catch_warnings(), standard_spelling(), as_written(module):
            # Shapes are fixed by intention.
            warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="torch.onnx")
            torch.onnx.export(
                module,
                dummy_input,
                buffer,
                opset_version=OPSET,
                export_params=False,
                do_constant_folding=False,
            )
    finally:
        module.train(was_training)
    return buffer.getvalue()
