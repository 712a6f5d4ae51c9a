"""Latency profilers for NNI 3.0's model spaces.

:class:`LatencyProfiler` has the latency of every architecture as a sum of tables: instant, and
differentiable in expectation. :class:`ModelLatencyProfiler` exports and predicts each architecture it is
asked for: slow, and right for any space.
"""

import functools
import itertools
import logging
import random
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from nni.mutable import Categorical, MutableExpression
from nni.nas.profiler import ExpressionProfiler, Profiler

from . import export, hub
from .bearing import Options
from .decompose import TOLERANCE, Decomposition, Factor, Limits, Seen, cost
from .errors import NnmeterError
from .predictor import LatencyPredictor
from .table import Table
from .workloads import Work, flat


_logger = logging.getLogger(__name__)

#: After how many predictions it is said how many there are: they take a second each.
REPORTED = 25


class Found(NamedTuple):
    """Tables, and how many architectures were predicted for them."""

    factors: List[Factor]
    predictions: int


class Architectures:
    """The architectures of a model space, exported and predicted as a whole, each once."""

    def __init__(self, space: Any, dummy_input: Any, predictor: LatencyPredictor) -> None:
        self.space = space
        self.dummy_input = dummy_input
        self.predictor = predictor

    def predict(self, sample: Dict[str, Any]) -> Dict[str, Any]:
        """What is predicted for the model that ``sample`` freezes the space to."""
        model = self.space.freeze(sample)
        return self.predictor.details(export.onnx_bytes(model, self.dummy_input), workloads=True)


class LatencyProfiler(ExpressionProfiler):
    """The latency of the architectures of a space on a device, in milliseconds, with fusion across
    the borders of blocks.

    Architectures are exported to ONNX and predicted until it is known what decides every kernel
    (:mod:`nnmeter_nni.decompose`); a space in which too many choices do at once is refused, with the
    choices to blame, unless the bridge knows it (:mod:`nnmeter_nni.hub`). ``expression`` is the sum of
    the tables as NNI's expectations and penalties want it; ``table`` is the same in the bridge, for exact
    samples under a budget.

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
        shape = getattr(dummy_input, "shape", ())
        definition = hub.definition(space, self.choices, shape)
        found = None
        if definition is not None:
            found = self._of_definition(definition, architectures, random.Random(seed), checks)
        if found is None:
            found = self._of_kernels(architectures, Limits(max_predictions, checks, seed))
        self.factors, self.predictions = found
        self.table = self._table(type(space).__name__)

    def _of_kernels(self, architectures: Architectures, limits: Limits) -> Found:
        """What the kernels of some architectures tell."""

        predictions = itertools.count(1)

        def observe(options: Options) -> Seen:
            prediction = seen(architectures.predict(self.sample_of(options)))
            number = next(predictions)
            if number % REPORTED == 0:
                _logger.info("%d architectures are predicted", number)
            return prediction

        names, price = list(self.choices), architectures.predictor.kernels
        work = Decomposition(names, self._counts, observe, price, limits)
        return Found(work.run(), len(work.seen))

    def _of_definition(
        self, definition: Dict[str, Any], architectures: Architectures, drawn: random.Random, checks: int
    ) -> Optional[Found]:
        """What the bridge knows of a space by its definition, if whole predictions confirm it."""
        allowed = architectures.predictor.allow_uncovered
        table = Table("space.compile", space=definition, device=self.device, allow_uncovered=allowed)
        samples = list(itertools.product(*map(range, self._counts)))
        factor = Factor(tuple(range(len(self._counts))), tuple(table.costs(samples)))
        # One that does not use its input, as this space has some, costs nothing and confirms nothing.
        costing = [sample for sample, ms in zip(samples, factor.costs) if ms > 0.0]
        for sample in drawn.sample(costing, min(max(checks, 1), len(costing))):
            predicted = architectures.predict(self.sample_of(sample))["total_ms"]
            if abs(cost([factor], self._counts, sample) - predicted) > TOLERANCE * predicted:
                _logger.warning("%s is not as in NNI's hub: its kernels tell", definition["name"])
                return None
        return Found([factor], max(checks, 1))

    def profile(self, sample: Dict[str, Any]) -> float:
        """The latency of a sample in milliseconds."""
        return cost(self.factors, self._counts, self.indices(sample))

    def indices(self, sample: Dict[str, Any]) -> Options:
        """The options of a sample (labels to values) as indices."""
        return tuple(c.values.index(sample[label]) for label, c in self.choices.items())

    def sample_of(self, indices: Sequence[int]) -> Dict[str, Any]:
        """The sample (labels to values) with these options."""
        return {label: c.values[i] for (label, c), i in zip(self.choices.items(), indices)}

    @property
    def _counts(self) -> List[int]:
        return [len(choice.values) for choice in self.choices.values()]

    @functools.cached_property
    def expression(self) -> Any:
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


def seen(prediction: Dict[str, Any]) -> Seen:
    """A prediction by site. A site is the scope of a kernel's first operator, as torch names it
    (``/blocks.3/conv``), with the kind of the kernel and its number among those of the kind there."""
    kernels: Dict[str, Work] = {}
    for kernel in prediction["kernels"]:
        scope, _, _ = kernel["nodes"][0].rpartition("/")
        kinds = "+".join(work["kind"] for work in kernel["workloads"])
        number = 1
        while f"{scope} {kinds} {number}" in kernels:
            number += 1
        kernels[f"{scope} {kinds} {number}"] = flat(kernel["workloads"])
    return Seen(prediction["total_ms"], kernels)
