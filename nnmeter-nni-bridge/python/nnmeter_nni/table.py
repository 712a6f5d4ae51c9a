"""A cost table that the bridge has loaded: exact samples, counts and expectations under a budget."""

import base64
import itertools
from typing import Any, Dict, List, Optional, Sequence

from . import _bridge
from .errors import UNKNOWN_HANDLE, NnmeterError


class Table:
    """A table, by the request that loads it. Handles say what they are of, so the table is loaded
    again wherever it is not: in another process, or after the bridge has ended."""

    def __init__(self, method: str, **request: Any) -> None:
        self.method = method
        self.request = request
        self.about: Dict[str, Any] = self.load()

    @property
    def handle(self) -> str:
        """What later calls name it by."""
        return self.about["table"]

    @staticmethod
    def load_space(space: Any) -> Dict[str, Any]:
        """What is in a space: a built-in one's name, or one as JSON."""
        return _bridge.shared().call("space.load", space=space)

    def cost(self, sample: Any) -> float:
        """What a sample costs, in the table's unit: an option's index for each choice, or names of
        options by names of choices."""
        answer = self._call("space.cost", table=self.handle, sample=sample)
        return next(iter(answer.values()))

    def costs(self, samples: Sequence[Sequence[int]]) -> List[float]:
        """What samples cost, in the table's unit; of options' indices."""
        packed = base64.b64encode(bytes(itertools.chain.from_iterable(samples))).decode()
        return next(iter(self._call("space.cost", table=self.handle, samples=packed).values()))

    def sample(
        self, max_ms: float, count: int, seed: int, min_ms: Optional[float] = None
    ) -> List[List[int]]:
        """Samples drawn uniformly from all within the budget."""
        constraints = [self._constraint(max_ms, min_ms)]
        answer = self._call("space.sample", constraints=constraints, count=count, seed=seed)
        return answer["samples"]

    def draw(self, constraints: List[Dict[str, Any]], seed: int) -> List[int]:
        """A sample drawn uniformly from all within constraints on tables of the same space."""
        return self._call("space.sample", constraints=constraints, count=1, seed=seed)["samples"][0]

    def count(self, max_ms: float, min_ms: Optional[float] = None) -> Dict[str, Any]:
        """How many samples are within the budget: ``certain`` at least, ``possible`` at most."""
        return self._call("space.count", constraints=[self._constraint(max_ms, min_ms)])

    def expect(self, probabilities: Sequence[Sequence[float]]) -> Dict[str, Any]:
        """The expected latency, and its derivative by every probability."""
        return self._call("space.expect", table=self.handle, probabilities=probabilities)

    def _constraint(self, max_ms: float, min_ms: Optional[float]) -> Dict[str, Any]:
        constraint = {"table": self.handle, "at_most_ms": max_ms}
        if min_ms is not None:
            constraint["at_least_ms"] = min_ms
        return constraint

    def load(self) -> Dict[str, Any]:
        """Loads the table where it is not; what the service tells of it."""
        return _bridge.shared().call(self.method, **self.request)

    def _call(self, method: str, **params: Any) -> Any:
        try:
            return _bridge.shared().call(method, **params)
        except NnmeterError as error:
            if error.code != UNKNOWN_HANDLE:
                raise
        self.load()
        return _bridge.shared().call(method, **params)
