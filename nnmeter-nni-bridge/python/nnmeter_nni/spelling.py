"""What NNI's hub spells in ways of its own, spelled as runtimes know it, with the same results: while a model
is exported, and nowhere else."""

import contextlib
import sys
from typing import Any, Callable, Iterator, List, Optional, Tuple

#: Modules of NNI's hub, classes in them, and their methods that are spelled anew.
SPELLED: List[Tuple[str, str, str, Callable[..., Any]]] = []

#: Passes of PyTorch's exporter that merge and fold, and what they give if nothing is to be done.
MERGING = {
    "_jit_pass_cse": lambda graph: False,
    "_jit_pass_onnx_eval_peephole": lambda graph, parameters: parameters,
}


def _spells(module: str, name: str, method: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def spelled(function: Callable[..., Any]) -> Callable[..., Any]:
        SPELLED.append((f"nni.nas.hub.pytorch.{module}", name, method, function))
        return function

    return spelled


@contextlib.contextmanager
def standard_spelling() -> Iterator[None]:
    """While it lasts, methods of the hub's modules that are loaded are those of this file."""
    with contextlib.ExitStack() as undone:
        for module, name, method, function in SPELLED:
            owner = getattr(sys.modules.get(module), name, None)
            if owner is not None:
                undone.callback(setattr, owner, method, getattr(owner, method))
                setattr(owner, method, function)
        yield


@contextlib.contextmanager
def as_written(module: Any) -> Iterator[None]:
    """While it lasts, PyTorch's exporter does not merge equal operators, nor fold batch normalisations, if
    there are cells of NAS-Bench-201 in a module: devices were measured with networks in which the ReLUs of
    several edges stand side by side. (Elsewhere it makes no difference but of time.)"""
    import torch

    cells = getattr(sys.modules.get("nni.nas.hub.pytorch.modules.nasbench201"), "NasBench201Cell", ())
    with contextlib.ExitStack() as undone:
        if any(isinstance(part, cells) for part in module.modules()):
            for name, nothing in MERGING.items():
                undone.callback(setattr, torch._C, name, getattr(torch._C, name))
                setattr(torch._C, name, nothing)
        yield


@_spells("shufflenet", "ShuffleNetBlock", "_channel_shuffle")
def shuffled_halves(_block: Any, x: Any) -> Any:
    """The channels of even and of odd number: NNI takes them as two elements of a tensor of 5 axes."""
    batch, channels, height, width = x.size()
    parted = x.reshape(batch, channels // 2, 2, height, width).transpose(1, 2)
    return parted.reshape(batch, channels, height, width).chunk(2, dim=1)


@_spells("modules.nasbench201", "NasBench201Cell", "forward")
def summed_edges(cell: Any, inputs: Any) -> Any:
    """A cell whose nodes are sums of their edges: NNI stacks these to a tensor with an axis more. Edges
    of the operator `none`, which NNI multiplies by zero, and what only they lead to are not there, as in
    the benchmark's networks."""
    nodes: List[Optional[Any]] = [inputs]
    for edges in cell.layers:
        total = None
        for node, operator in zip(nodes, edges):
            if node is not None and not getattr(operator, "is_zero", False):
                result = operator(node)
                total = result if total is None else total + result
        nodes.append(total)
    return inputs.new_zeros(inputs.shape) if nodes[-1] is None else nodes[-1]
