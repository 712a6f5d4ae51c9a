"""Spaces of NNI's hub that are known as search spaces of the bridge, because their choices are tied together
too much to be told from a few architectures. That the definitions are right is for those who use them to
verify: a space may have been changed.

This file has definitions as JSON (the form is that of `nnmeter space show --json`) and knows no latency.
"""

import sys
from typing import Any, Dict, List, Optional, Sequence

Step = Dict[str, Any]

#: By NNI's name of an operator: the steps that it is, for so many channels.
OPERATORS = {
    "none": lambda channels: [{"op": "zero"}],
    "skip_connect": lambda channels: [],
    "conv_1x1": lambda channels: relu_conv(channels, 1),
    "conv_3x3": lambda channels: relu_conv(channels, 3),
    "avg_pool_3x3": lambda channels: [{"op": "avgpool", "kernel": 3}],
}


def definition(space: Any, choices: Dict[str, Any], input_shape: Sequence[int]) -> Optional[Dict[str, Any]]:
    """A space, whose choices are these by label, for inputs of that shape; None where it is not known."""
    known = getattr(sys.modules.get("nni.nas.hub.pytorch.nasbench201"), "NasBench201", None)
    if known is None or type(space) is not known or len(input_shape) != 4:
        return None
    values = [value for choice in choices.values() for value in choice.values]
    if len(choices) != 6 or any(value not in OPERATORS for value in values):
        return None
    options = [{"name": label, "options": list(choice.values)} for label, choice in choices.items()]
    body = nasbench201(options, space.channels, space.num_modules, space.num_labels)
    return {"name": "NasBench201", "input": list(input_shape), "choices": options, "body": body}


def nasbench201(edges: List[Dict[str, Any]], channels: int, cells: int, classes: int) -> List[Step]:
    """NAS-Bench-201: three stages of cells, the second and third behind a residual block that halves the
    extents; ``edges`` are the choices of a cell, ordered by the node that they lead to."""
    steps: List[Step] = [{"op": "conv", "channels": channels, "kernel": 3}, {"op": "bn"}]
    for stage in range(3):
        width = channels << stage
        if stage:
            steps += reduction(width, as_value(steps, f"stage {stage}"))
        for cell in range(cells):
            steps += cell_of(edges, width, as_value(steps, f"cell {stage} {cell}"))
    head = [{"op": "bn"}, {"op": "relu"}, {"op": "gap"}]
    return [*steps, *head, {"op": "fc", "channels": classes, "bias": True}]


def as_value(steps: List[Step], name: str) -> str:
    """Names what the last of the steps gives."""
    steps[-1]["as"] = name
    return name


def cell_of(edges: List[Dict[str, Any]], channels: int, start: str) -> List[Step]:
    """A cell: every node after the first is the sum of an edge from each node before it."""
    nodes, steps, left = [start], [], iter(edges)
    while len(nodes) < 4:
        total = None
        for node in nodes:
            edge = next(left)
            candidates = [OPERATORS[value](channels) for value in edge["options"]]
            steps.append({"op": "choose", "choice": edge["name"], "candidates": candidates, "from": [node]})
            result = as_value(steps, f"{start} {edge['name']}")
            if total is not None:
                steps.append({"op": "add", "from": [total, result]})
                result = as_value(steps, f"{result} sum")
            total = result
        nodes = [*nodes, total]
    return steps


def reduction(channels: int, start: str) -> List[Step]:
    """The residual block that halves the extents."""
    main = relu_conv(channels, 3, stride=2) + relu_conv(channels, 3)
    main[0]["from"] = [start]
    end = as_value(main, f"{start} main")
    pool = {"op": "avgpool", "kernel": 2, "stride": 2, "from": [start]}
    shortcut = [pool, {"op": "conv", "channels": channels, "kernel": 1, "as": f"{start} shortcut"}]
    return [*main, *shortcut, {"op": "add", "from": [f"{start} shortcut", end]}]


def relu_conv(channels: int, kernel: int, stride: int = 1) -> List[Step]:
    """A ReLU, a convolution and a batch normalisation."""
    conv = {"op": "conv", "channels": channels, "kernel": kernel, "stride": stride}
    return [{"op": "relu"}, conv, {"op": "bn"}]
