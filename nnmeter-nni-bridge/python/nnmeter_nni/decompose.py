"""Latencies of a whole search space as a sum of small tables, from those of a few architectures.

An architecture's latency is a sum over kernels, and every kernel has a *site*: where in the network it
is. What happens at a site depends on few choices: on those that decide it, and on neighbours as far as
fusion and shapes reach. Random architectures tell on which (the smallest set of choices that explains
all that was seen), further ones what it costs for every combination of their options, and fresh ones
whether that is so: their predictions must equal the tables' sums.

This file knows neither torch nor NNI.
"""

import itertools
import math
import random
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from .errors import NnmeterError

#: A sample: by choice, the index of an option.
Options = Tuple[int, ...]
#: What is seen of a sample: by site, its latency in milliseconds.
Seen = Dict[str, float]

#: Largest relative difference between a sum of tables and a prediction: that of the order of sums.
TOLERANCE = 1e-6
#: How many choices may bear on a site.
MOST_TOGETHER = 4
#: How many choices to blame an error lists.
LISTED = 6


class Factor(NamedTuple):
    """A table over a few choices, in ascending order; costs are in milliseconds, the last choice's
    options adjacent."""

    choices: Tuple[int, ...]
    costs: Tuple[float, ...]


class Limits(NamedTuple):
    """Bounds of the work."""

    predictions: int
    checks: int
    seed: int


class Decomposition:
    """Finds the tables of a space. ``observe`` predicts a sample."""

    def __init__(
        self,
        names: Sequence[str],
        cardinalities: Sequence[int],
        observe: Callable[[Options], Seen],
        limits: Limits,
    ) -> None:
        self.names = names
        self.cardinalities = cardinalities
        self.observe = observe
        self.limits = limits
        self.random = random.Random(limits.seed)
        self.seen: Dict[Options, Seen] = {}
        self.bearing: Dict[str, Tuple[int, ...]] = {}

    def run(self) -> List[Factor]:
        """The tables. Raises :class:`NnmeterError` where there are none of the size allowed."""
        wanted = min(math.prod(self.cardinalities), max(8, 4 * max(self.cardinalities, default=1)))
        while len(self.seen) < wanted:
            self._look(self._random())
        checked = 0
        while True:
            sites = self._sites()
            missing = self._missing(sites)
            if missing:
                checked = 0
                self._look(self._cover(missing))
            elif checked == self.limits.checks or self._is_complete():
                return self._factors(sites)
            else:
                checked = checked + 1 if self._agrees(sites) else 0

    def _random(self) -> Options:
        return tuple(self.random.randrange(count) for count in self.cardinalities)

    def _look(self, sample: Options) -> None:
        if sample in self.seen:
            return
        if len(self.seen) == self.limits.predictions:
            raise self._too_many()
        self.seen[sample] = self.observe(sample)

    def _is_complete(self) -> bool:
        return len(self.seen) == math.prod(self.cardinalities)

    def _sites(self) -> Dict[str, Tuple[int, ...]]:
        """By site: the choices that bear on it. What still explains all that was seen stays."""
        names = {site for seen in self.seen.values() for site in seen}
        samples = list(self.seen)
        known: Dict[Tuple[float, ...], Tuple[int, ...]] = {}
        for name in sorted(names):
            costs = tuple(seen.get(name, 0.0) for seen in self.seen.values())
            before = self.bearing.get(name)
            if before is not None and _conflicts(samples, costs, before) == 0:
                continue
            if costs not in known:
                found = self._bearing(costs)
                if found is None:
                    raise self._entangled(name)
                known[costs] = found
            self.bearing[name] = known[costs]
        return dict(self.bearing)

    def _bearing(self, costs: Tuple[float, ...]) -> Optional[Tuple[int, ...]]:
        """The smallest set of choices whose options explain the costs."""
        samples = list(self.seen)
        choices = range(len(self.cardinalities))
        for size in range(min(2, len(choices)) + 1):
            for tried in itertools.combinations(choices, size):
                if _conflicts(samples, costs, tried) == 0:
                    return tried
        return self._grown(samples, costs)

    def _grown(self, samples: List[Options], costs: Tuple[float, ...]) -> Optional[Tuple[int, ...]]:
        """Larger sets: all are too many to try, so choices are added one by one, the one that explains
        most first, and those that turn out to be idle are left out again."""
        chosen: Tuple[int, ...] = ()
        while len(chosen) < min(MOST_TOGETHER, len(self.cardinalities)):
            rest = [c for c in range(len(self.cardinalities)) if c not in chosen]
            left, best = min((_conflicts(samples, costs, chosen + (c,)), c) for c in rest)
            chosen += (best,)
            if left == 0:
                for choice in chosen[:-1]:
                    fewer = tuple(c for c in chosen if c != choice)
                    chosen = fewer if _conflicts(samples, costs, fewer) == 0 else chosen
                return tuple(sorted(chosen))
        return None

    def _missing(self, sites: Dict[str, Tuple[int, ...]]) -> List[Dict[int, int]]:
        """Combinations of options that no sample has shown yet."""
        missing = []
        for choices in sorted(set(sites.values())):
            shown = {tuple(sample[c] for c in choices) for sample in self.seen}
            for combination in self._combinations(choices):
                if combination not in shown:
                    missing.append(dict(zip(choices, combination)))
        return missing

    def _combinations(self, choices: Tuple[int, ...]) -> "itertools.product":
        return itertools.product(*(range(self.cardinalities[c]) for c in choices))

    def _cover(self, missing: List[Dict[int, int]]) -> Options:
        """A sample with as many of the combinations as fit together."""
        decided: Dict[int, int] = {}
        for combination in self.random.sample(missing, len(missing)):
            if all(decided.get(choice, option) == option for choice, option in combination.items()):
                decided.update(combination)
        return tuple(decided.get(c, option) for c, option in enumerate(self._random()))

    def _agrees(self, sites: Dict[str, Tuple[int, ...]]) -> bool:
        """Whether a fresh sample costs what the tables say, site by site."""
        sample = self._random()
        while sample in self.seen:
            sample = self._random()
        factors = self._factors(sites)
        self._look(sample)
        by_tables = cost(factors, self.cardinalities, sample)
        predicted = sum(self.seen[sample].values())
        if abs(by_tables - predicted) > TOLERANCE * abs(predicted):
            return False
        return self._sites() == sites

    def _factors(self, sites: Dict[str, Tuple[int, ...]]) -> List[Factor]:
        by_choices: Dict[Tuple[int, ...], List[str]] = {}
        for site, choices in sites.items():
            by_choices.setdefault(choices, []).append(site)
        factors = []
        for choices, names in sorted(by_choices.items()):
            shown = {tuple(sample[c] for c in choices): seen for sample, seen in self.seen.items()}
            costs = [
                math.fsum(shown[combination].get(name, 0.0) for name in names)
                for combination in self._combinations(choices)
            ]
            factors.append(Factor(choices, tuple(costs)))
        return factors

    def _entangled(self, site: str) -> NnmeterError:
        return NnmeterError(
            f"latency at {site}",
            f"depends on more than {MOST_TOGETHER} choices at once",
            "kernels that few choices bear on",
            "use ModelLatencyProfiler, which predicts every architecture as a whole",
        )

    def _too_many(self) -> NnmeterError:
        sites = self._sites()
        choices = max(sites.values(), key=lambda c: math.prod(self.cardinalities[i] for i in c))
        named = ", ".join(repr(self.names[choice]) for choice in choices[:LISTED])
        site = min(name for name, bearing in sites.items() if bearing == choices)
        return NnmeterError(
            f"latency at {site}",
            f"depends on the choices {named} together",
            f"what {self.limits.predictions} predictions of architectures can tell",
            "raise max_predictions, or use ModelLatencyProfiler, which predicts every architecture "
            "as a whole",
        )


def cost(factors: Sequence[Factor], cardinalities: Sequence[int], sample: Options) -> float:
    """The sum of the tables' entries for a sample."""
    total = 0.0
    for factor in factors:
        index = 0
        for choice in factor.choices:
            index = index * cardinalities[choice] + sample[choice]
        total += factor.costs[index]
    return total


def _conflicts(samples: List[Options], costs: Tuple[float, ...], choices: Tuple[int, ...]) -> int:
    """How many different costs there are beyond one for every combination of options."""
    seen: Set[Tuple[Options, float]] = set()
    combinations: Set[Options] = set()
    for sample, value in zip(samples, costs):
        combination = tuple(sample[c] for c in choices)
        seen.add((combination, value))
        combinations.add(combination)
    return len(seen) - len(combinations)
