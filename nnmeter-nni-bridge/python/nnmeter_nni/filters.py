"""Latency budgets for NNI 3.0's strategies: filters, and samples that need none."""

from typing import Any, Dict, Iterator, List, Optional

from nni.nas.oneshot.pytorch.profiler import ProfilerFilter
from nni.nas.oneshot.pytorch.sampling import RandomSamplingLightningModule
from nni.nas.profiler import Profiler
from nni.nas.strategy import RandomOneShot

from .errors import NnmeterError
from .profiler import LatencyProfiler

#: How many samples are drawn at once.
DRAWN = 1024


class LatencyFilter(ProfilerFilter):
    """Lets architectures within a budget pass. It takes samples, for ``RandomOneShot(filter=...)``,
    and models, for ``Chain(strategy, Filter(...))``."""

    def __init__(self, profiler: Profiler, max_ms: float, min_ms: float = 0.0) -> None:
        super().__init__(profiler)
        self.max_ms = max_ms
        self.min_ms = min_ms

    def filter(self, sample: Any) -> bool:
        """Whether the sample, or the model of a sample, is within the budget."""
        sample = getattr(sample, "sample", sample)
        return self.min_ms <= self.profiler.profile(sample) <= self.max_ms


class BudgetSampler:
    """Architectures drawn uniformly from all within a budget: exactly, however few they are.

    Raises :class:`NnmeterError` at once if there are none, with the least latency that one has.
    """

    def __init__(
        self,
        profiler: LatencyProfiler,
        max_ms: float,
        min_ms: Optional[float] = None,
        seed: int = 0,
    ) -> None:
        if not isinstance(profiler, LatencyProfiler):
            found = f"is a {type(profiler).__name__}"
            raise NnmeterError("profiler", found, "a LatencyProfiler, which has the tables to draw from")
        self.profiler = profiler
        self.max_ms = max_ms
        self.min_ms = min_ms
        self.seed = seed
        self._drawn: List[List[int]] = []
        self._draw()

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        return self

    def __next__(self) -> Dict[str, Any]:
        """The next architecture: labels to values."""
        if not self._drawn:
            self._draw()
        return self.profiler.sample_of(self._drawn.pop())

    def _draw(self) -> None:
        table = self.profiler.table
        self._drawn = table.sample(self.max_ms, DRAWN, self.seed, self.min_ms)
        self.seed += 1


class BudgetOneShot(RandomOneShot):
    """NNI's ``RandomOneShot`` (single-path one-shot), where every step trains an architecture of a
    :class:`BudgetSampler` instead of the first of 100 tries that passes a filter."""

    def __init__(self, sampler: BudgetSampler, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sampler = sampler

    def configure_oneshot_module(self, training_module: Any) -> RandomSamplingLightningModule:
        """The supernet's training, which draws from the sampler."""
        return _BudgetModule(training_module, self.sampler)


class _BudgetModule(RandomSamplingLightningModule):
    def __init__(self, training_module: Any, sampler: BudgetSampler) -> None:
        super().__init__(training_module)
        self.sampler = sampler

    def resample(self) -> Dict[str, Any]:
        """Sets all choices of the supernet; modules take what the memo has."""
        sample = next(self.sampler)
        for module in self.supernet_modules():
            module.resample(memo=sample)
        self._sampling_attempt = 1
        return sample
