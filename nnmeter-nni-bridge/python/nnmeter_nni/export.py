"""PyTorch modules as ONNX: structure and shapes alone, no weights."""

import contextlib
import io
import sys
import warnings
from typing import Any, Iterator, Sequence

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
        with torch.no_grad(), warnings.catch_warnings(), _standard_spelling():
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
def _standard_spelling() -> Iterator[None]:
    """NNI's ShuffleNet takes the halves of a shuffled tensor as two elements of a 5-dimensional one.
    Runtimes know the operation in its usual spelling, which gives the same halves."""
    shufflenet = sys.modules.get("nni.nas.hub.pytorch.shufflenet")
    block = getattr(shufflenet, "ShuffleNetBlock", None)
    if block is None:
        yield
        return
    original = block._channel_shuffle
    block._channel_shuffle = lambda _, x: shuffled_halves(x)
    try:
        yield
    finally:
        block._channel_shuffle = original


def shuffled_halves(x: Any) -> Any:
    """The channels of even and of odd number."""
    batch, channels, height, width = x.size()
    parted = x.reshape(batch, channels // 2, 2, height, width).transpose(1, 2)
    return parted.reshape(batch, channels, height, width).chunk(2, dim=1)
