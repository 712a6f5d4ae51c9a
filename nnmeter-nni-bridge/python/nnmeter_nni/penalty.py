"""The expected latency of a supernet as a penalty that its architecture parameters feel.

NNI 3.0 hands its penalties probabilities as plain numbers, so no gradient reaches the parameters. This
one asks the supernet's modules for them again, as tensors that are still in the graph.
"""

from typing import Any, Dict, Iterator

import torch
from nni.nas.oneshot.pytorch.profiler import ExpectationProfilerPenalty
from nni.nas.oneshot.pytorch.supermodule.base import BaseSuperNetModule

from .errors import NnmeterError
from .profiler import LatencyProfiler


class LatencyPenalty(ExpectationProfilerPenalty):
    """For ``DARTS``, ``GumbelDARTS`` and ``Proxyless``: ``penalty=LatencyPenalty(...)``.

    The loss becomes ``loss + scale * (E / baseline - 1)``, where ``E`` is the expected latency; other
    forms as in NNI's ``ExpectationProfilerPenalty``.

    Parameters
    ----------
    profiler
        The latencies, by tables.
    space
        The model space of the experiment, which the strategy turns into a supernet.
    baseline
        The reference latency in milliseconds.
    scale, nonlinear, aggregate
        As NNI has them.
    """

    def __init__(
        self, profiler: LatencyProfiler, space: Any, baseline: float, scale: float = 1.0, **options: Any
    ) -> None:
        if not isinstance(profiler, LatencyProfiler):
            found = f"is a {type(profiler).__name__}"
            raise NnmeterError("profiler", found, "a LatencyProfiler, which has the tables to average")
        super().__init__(profiler, baseline, scale, **options)
        # In a list: the space is no part of this module, whose parameters would be its own.
        self._space = [space]

    def profile(self, sample: Dict[str, Any]) -> torch.Tensor:
        """The expected latency in milliseconds; its gradient reaches the architecture parameters.
        Choices that are no part of the supernet have the probabilities of ``sample``."""
        return expected_ms(self.profiler, {**sample, **probabilities(self._space[0])})


def expected_ms(profiler: LatencyProfiler, weights: Dict[str, Dict[Any, Any]]) -> torch.Tensor:
    """The expected latency where every choice (by label) takes its values independently, with these
    probabilities."""
    vectors = [
        torch.stack([torch.as_tensor(weights[label][value], dtype=torch.float64) for value in c.values])
        for label, c in profiler.choices.items()
    ]
    total = torch.zeros((), dtype=torch.float64)
    for factor in profiler.factors:
        shape = [len(vectors[choice]) for choice in factor.choices]
        expected = torch.tensor(factor.costs, dtype=torch.float64).reshape(shape)
        for choice in factor.choices:
            vector = vectors[choice]
            expected = torch.tensordot(vector, expected.to(vector.device), dims=1)
        total = total.to(expected.device) + expected.reshape(())
    return total


def probabilities(supernet: Any) -> Dict[str, Dict[Any, torch.Tensor]]:
    """By label and value: what the modules of a supernet give every value, within the graph."""
    result: Dict[str, Dict[Any, torch.Tensor]] = {}
    for module in supernet.modules():
        if not isinstance(module, BaseSuperNetModule):
            continue
        with _in_graph(module):
            try:
                exported = module.export_probs(memo=result)
            except NotImplementedError:
                continue
        for label, weights in exported.items():
            result[label] = {value: _plain(weight) for value, weight in weights.items()}
    return result


class _InGraph(torch.Tensor):
    """A tensor whose ``tolist`` has tensors, so that what NNI makes plain stays in the graph."""

    def tolist(self) -> Any:
        return list(self.unbind(-1))


def _plain(weight: Any) -> torch.Tensor:
    return weight.as_subclass(torch.Tensor) if isinstance(weight, torch.Tensor) else torch.tensor(weight)


class _in_graph:
    """While it lasts, what the softmax functions in a module give is :class:`_InGraph`."""

    def __init__(self, module: Any) -> None:
        self.functions = {id(m): m for m in _softmaxes(module)}.values()

    def __enter__(self) -> None:
        def keep(_module: Any, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
            return output.as_subclass(_InGraph)

        self.hooks = [function.register_forward_hook(keep) for function in self.functions]

    def __exit__(self, *_error: Any) -> None:
        for hook in self.hooks:
            hook.remove()


def _softmaxes(module: Any) -> Iterator[Any]:
    for inner in module.modules():
        function = getattr(inner, "_softmax", None)
        if isinstance(function, torch.nn.Module):
            yield function
