"""Latency profilers for NNI 3.0's model spaces.

:class:`LatencyProfiler` has the latency of every architecture as a sum of tables: instant, and
differentiable in expectation. :class:`ModelLatencyProfiler` exports and predicts each architecture it is
asked for: slow, and right for any space.
"""

import math
from typing import Any, Callable, Dict, List, Optional, Sequence

from nni.mutable import Categorical, MutableExpression
from nni.nas.profiler import ExpressionProfiler, Profiler

from . import export
from .decompose import Decomposition, Factor, Limits, Options
from .errors import NnmeterError
from .predictor import LatencyPredictor
from .table import Table


class Architectures:
    """The architectures of a model space, exported and predicted as a whole, each once."""

    def __init__(self, space: Any, dummy_input: Any, predictor: LatencyPredictor) -> None:
        self.space = space
        self.dummy_input = dummy_input
        self.predictor = predictor

    def predict(self, sample: Dict[str, Any]) -> Dict[str, Any]:
        """What is predicted for the model that ``sample`` freezes the space to."""
        model = self.space.freeze(sample)
        return self.predictor.details(export.onnx_bytes(model, self.dummy_input))


class LatencyProfiler(ExpressionProfiler):
    """The latency of the architectures of a space on a device, in milliseconds, with fusion across
    the borders of blocks.

    Architectures are exported to ONNX and predicted until tables explain them all
    (:mod:`nnmeter_nni.decompose`); a space whose latencies are no sum of small tables is refused, with
    the choices to blame. ``expression`` is the sum of the tables as NNI's expectations and penalties
    want it; ``table`` is the same in the bridge, for exact samples under a budget.

    Parameters
    ----------
    space
        The model space.
    dummy_input
        An input of the model, or a tuple of inputs.
    device
        ``NAME`` or ``NAME@VERSION``, as ``nnmeter devices`` lists them.
    allow_uncovered
        Leave operators without a price out of latencies, with a warning each, instead of refusing.
    max_predictions
        How many architectures may be exported.
    checks
        How many fresh architectures must agree with the tables in the end.
    seed
        Seed of the architectures that are tried.
    """

    def __init__(
        self,
        space: Any,
        dummy_input: Any,
        device: str,
        *,
        allow_uncovered: bool = False,
        max_predictions: int = 400,
        checks: int = 3,
        seed: int = 0,
    ) -> None:
        super().__init__(space)
        self.device = device
        self.choices = choices_of(space)
        predictor = LatencyPredictor(device, allow_uncovered=allow_uncovered)
        architectures = Architectures(space, dummy_input, predictor)
        names, counts = list(self.choices), [len(c.values) for c in self.choices.values()]
        observe = self._observer(architectures)
        work = Decomposition(names, counts, observe, Limits(max_predictions, checks, seed))
        self.factors: List[Factor] = work.run()
        self.predictions = len(work.seen)
        self.expression = self._expression()
        self.table = self._table(type(space).__name__)

    def profile(self, sample: Dict[str, Any]) -> float:
        """The latency of a sample in milliseconds."""
        total = 0.0
        options = self.indices(sample)
        for factor in self.factors:
            index = 0
            for choice in factor.choices:
                index = index * len(self._values[choice]) + options[choice]
            total += factor.costs[index]
        return total

    def indices(self, sample: Dict[str, Any]) -> Options:
        """The options of a sample (labels to values) as indices."""
        return tuple(c.values.index(sample[label]) for label, c in self.choices.items())

    def sample_of(self, indices: Sequence[int]) -> Dict[str, Any]:
        """The sample (labels to values) with these options."""
        return {label: c.values[i] for (label, c), i in zip(self.choices.items(), indices)}

    @property
    def _values(self) -> List[List[Any]]:
        return [choice.values for choice in self.choices.values()]

    def _observer(self, architectures: Architectures) -> Callable[[Options], Dict[str, float]]:
        def observe(options: Options) -> Dict[str, float]:
            answer = architectures.predict(self.sample_of(options))
            return by_site(answer["kernels"])

        return observe

    def _expression(self) -> Any:
        """A sum of one ``switch_case`` for each table, tables over several choices nested."""
        labels = list(self.choices)
        total: Any = 0.0
        for factor in self.factors:
            total = total + self._switch([labels[c] for c in factor.choices], list(factor.costs))
        return total

    def _switch(self, labels: List[str], costs: List[float]) -> Any:
        if not labels:
            return costs[0]
        choice = self.choices[labels[0]]
        size = len(costs) // len(choice.values)
        parts = [costs[i * size : (i + 1) * size] for i in range(len(choice.values))]
        cases = {v: self._switch(labels[1:], part) for v, part in zip(choice.values, parts)}
        return MutableExpression.switch_case(choice, cases)

    def _table(self, name: str) -> Table:
        choices = [
            {"name": label, "options": [repr(value) for value in choice.values]}
            for label, choice in self.choices.items()
        ]
        factors = [{"choices": f.choices, "costs": f.costs} for f in self.factors]
        return Table("space.table", name=name, choices=choices, factors=factors, device=self.device)


class ModelLatencyProfiler(Profiler):
    """The latency of the architectures of any space, each exported and predicted as a whole (in one
    or two seconds) and then remembered: for filters in search, where :class:`LatencyProfiler`
    refuses a space. Parameters are as there."""

    def __init__(
        self, space: Any, dummy_input: Any, device: str, *, allow_uncovered: bool = False
    ) -> None:
        super().__init__(space)
        predictor = LatencyPredictor(device, allow_uncovered=allow_uncovered)
        self._architectures = Architectures(space, dummy_input, predictor)
        self._known: Dict[str, float] = {}

    def profile(self, sample: Dict[str, Any]) -> float:
        """The latency of a sample in milliseconds."""
        key = repr(sorted(sample.items()))
        if key not in self._known:
            self._known[key] = self._architectures.predict(sample)["total_ms"]
        return self._known[key]


def choices_of(space: Any) -> Dict[str, Categorical]:
    """The choices of a space by label. Raises :class:`NnmeterError` for what is no choice of one
    option."""
    choices = space.simplify()
    for label, choice in choices.items():
        if not isinstance(choice, Categorical):
            raise NnmeterError(
                f"mutable {label!r}",
                f"is a {type(choice).__name__}",
                "choices of one option among several",
                "use ModelLatencyProfiler, which takes any space",
            )
    return choices


def by_site(kernels: Sequence[Dict[str, Any]]) -> Dict[str, float]:
    """Latencies by the scope of a kernel's first operator, as torch names it: ``/blocks.3/conv``.
    Sums are those of the same kernels in any order."""
    sites: Dict[str, List[float]] = {}
    for kernel in kernels:
        scope, _, _ = kernel["nodes"][0].rpartition("/")
        sites.setdefault(scope, []).append(kernel["ms"])
    return {scope: math.fsum(costs) for scope, costs in sites.items()}
