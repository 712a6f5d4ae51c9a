"""A cost table that the bridge has loaded: exact samples, counts and expectations under a budget."""

from typing import Any, Dict, List, Optional, Sequence

from . import _bridge
from .errors import UNKNOWN_HANDLE, NnmeterError


class Table:
    """A table, by the request that loads it. Handles say what they are of, so the table is loaded
    again wherever it is not: in another process, or after the bridge has ended."""

    def __init__(self, method: str, **request: Any) -> None:
        self.method = method
        self.request = request
        self.about: Dict[str, Any] = self._load()

    @property
    def handle(self) -> str:
        """What later calls name it by."""
        return self.about["table"]

    def cost(self, sample: Sequence[int]) -> float:
        """The latency of a sample (an option's index for each choice) in milliseconds."""
        return self._call("space.cost", table=self.handle, sample=list(sample))["cost_ms"]

    def sample(
        self, max_ms: float, count: int, seed: int, min_ms: Optional[float] = None
    ) -> List[List[int]]:
        """Samples drawn uniformly from all within the budget."""
        constraints = [self._constraint(max_ms, min_ms)]
        answer = self._call("space.sample", constraints=constraints, count=count, seed=seed)
        return answer["samples"]

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

    def _load(self) -> Dict[str, Any]:
        return _bridge.shared().call(self.method, **self.request)

    def _call(self, method: str, **params: Any) -> Any:
        try:
            return _bridge.shared().call(method, **params)
        except NnmeterError as error:
            if error.code != UNKNOWN_HANDLE:
                raise
        self._load()
        return _bridge.shared().call(method, **params)
