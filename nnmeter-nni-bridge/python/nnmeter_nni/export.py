"""PyTorch modules as ONNX: structure and shapes alone, no weights, and all operators as they are written."""

import contextlib
import io
import warnings
from typing import Any, Iterator, Sequence

from .spelling import standard_spelling

#: Has all that torch 1.13 and newer export for convolutional networks and transformers.
OPSET = 14

#: Passes of PyTorch's exporter that merge equal operators and fold batch normalisations, and what they
#: give if nothing is to be done. What a device's runtime fuses is for its predictor to know; devices were
#: measured with networks in which equal operators stand side by side.
MERGING = {
    "_jit_pass_cse": lambda graph: False,
    "_jit_pass_onnx_eval_peephole": lambda graph, parameters: parameters,
}


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
        with torch.no_grad(), warnings.catch_warnings(), standard_spelling(), _as_written():
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


@contextlib.contextmanager
def _as_written() -> Iterator[None]:
    """While it lasts, nothing is merged."""
    import torch

    passes = torch._C
    with contextlib.ExitStack() as undone:
        for name, nothing in MERGING.items():
            if hasattr(passes, name):
                undone.callback(setattr, passes, name, getattr(passes, name))
                setattr(passes, name, nothing)
        yield
