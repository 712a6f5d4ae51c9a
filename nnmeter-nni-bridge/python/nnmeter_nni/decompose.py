"""Costs of a whole search space as a sum of small tables, from the kernels of a few architectures.

An architecture's cost is a sum over kernels, and every kernel has a *site*: where in the network it is.
Few choices decide whether there is a kernel at a site and of which form, and fewer still decide each of
its numbers: the channels of a depthwise convolution follow from a width and an expansion, its window from
a choice of its own. Random architectures tell which choices these are (:mod:`nnmeter_nni.bearing`),
further ones every number, and fresh ones whether that is so: their kernels must be those that follow.
What a kernel costs depends on its numbers alone, so kernels that no architecture has shown are priced
by their numbers.

This file knows neither torch nor NNI.
"""

import itertools
import math
import random
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from .bearing import MOST_TOGETHER, Bearing, Options
from .errors import NnmeterError
from .site import Site
from .workloads import Work

#: Options of some choices.
Assignment = Dict[int, int]

#: Largest relative difference between a sum of tables and a prediction: that of the order of sums.
TOLERANCE = 1e-6
#: How often every combination of options has to be shown: once to tell it, and once more, with other
#: options elsewhere, so that choices that do not bear on it are found out.
SHOWN = 2
#: Of so many samples that would show combinations, the one that shows most is predicted.
TRIED = 8
#: How many choices to blame an error lists.
LISTED = 6
#: How many entries a table may have.
MOST_ENTRIES = 1 << 20


class Seen(NamedTuple):
    """What is predicted of a sample: its cost, and by site its kernels."""

    total: float
    kernels: Dict[str, Work]


class Factor(NamedTuple):
    """A table over a few choices, in ascending order; the last choice's options are adjacent."""

    choices: Tuple[int, ...]
    costs: Tuple[float, ...]


class Limits(NamedTuple):
    """Bounds of the work."""

    predictions: int
    checks: int
    seed: int


class Need(NamedTuple):
    """A combination of options that is to be shown: ways to do that, and the choices it is for."""

    ways: List[Assignment]
    choices: Tuple[int, ...]


class Decomposition:
    """Finds the tables of a space. ``observe`` predicts a sample, ``price`` what kernels cost."""

    def __init__(
        self,
        names: Sequence[str],
        cardinalities: Sequence[int],
        observe: Callable[[Options], Seen],
        price: Callable[[List[Work]], List[float]],
        limits: Limits,
    ) -> None:
        self.names = names
        self.cardinalities = cardinalities
        self.observe = observe
        self.price = price
        self.limits = limits
        self.random = random.Random(limits.seed)
        self.seen: Dict[Options, Seen] = {}
        self.sites: Dict[str, Site] = {}

    def run(self) -> List[Factor]:
        """The tables. Raises :class:`NnmeterError` where there are none of the size allowed."""
        wanted = min(math.prod(self.cardinalities), max(8, 4 * max(self.cardinalities, default=1)))
        while len(self.seen) < wanted:
            self._look(self._random())
        checked = 0
        while True:
            self._settle()
            needs = list(self._needs())
            if needs:
                checked = 0
                self._look(self._cover(needs))
            elif checked >= self.limits.checks or self._is_complete():
                return self._factors()
            else:
                checked = checked + 1 if self._agrees() else 0

    def _random(self) -> Options:
        return tuple(self.random.randrange(count) for count in self.cardinalities)

    def _look(self, sample: Options) -> None:
        if sample in self.seen:
            return
        if len(self.seen) == self.limits.predictions:
            raise self._too_many()
        before = list(self.seen)
        seen = self.seen[sample] = self.observe(sample)
        for name in seen.kernels:
            if name not in self.sites:
                self.sites[name] = Site(before)
        for name, site in self.sites.items():
            site.add(sample, seen.kernels.get(name))

    def _is_complete(self) -> bool:
        return len(self.seen) == math.prod(self.cardinalities)

    def _settle(self) -> None:
        """Finds the choices that bear on everything that was seen."""
        known: Dict[Any, Any] = {}
        for name, site in self.sites.items():
            if not all(bearing.settle(self.cardinalities, known) for bearing in site.bearings()):
                raise _entangled(name)

    def _needs(self) -> Iterator[Need]:
        """What has not been shown often enough."""
        done: Set[Any] = set()
        for site in self.sites.values():
            form = site.form
            yield from self._unshown(form, (), [()], done)
            for numbers, there in site.together():
                for number in numbers:
                    yield from self._unshown(number, form.choices, there, done)

    def _unshown(
        self, bearing: Bearing, where: Tuple[int, ...], there: List[Options], done: Set[Any]
    ) -> Iterator[Need]:
        """Combinations of a bearing's options that are to be shown, where there is something: at these
        options of the choices ``where``."""
        key = (bearing.choices, where, tuple(there))
        if key in done:
            return
        done.add(key)
        choices = tuple(sorted({*bearing.choices, *where}))
        others = math.prod(count for c, count in enumerate(self.cardinalities) if c not in choices)
        for combination in self._combinations(bearing.choices):
            shown = bearing.shown.get(combination, 0)
            if shown >= SHOWN:
                continue
            own = dict(zip(bearing.choices, combination))
            found = [dict(zip(where, options)) for options in there]
            ways = [{**way, **own} for way in found if _fit(way, own)]
            if shown < min(SHOWN, others * len(ways)):
                yield Need(ways, choices)

    def _combinations(self, choices: Tuple[int, ...]) -> Iterator[Options]:
        return itertools.product(*(range(self.cardinalities[c]) for c in choices))

    def _cover(self, needs: List[Need]) -> Options:
        """A sample that shows as many of the combinations as fit together, and was not seen."""
        while True:
            tried = [self._showing(needs) for _ in range(TRIED)]
            decided = max(tried, key=lambda one: one[0])[1]
            sample = tuple(decided.get(c, option) for c, option in enumerate(self._random()))
            if sample not in self.seen:
                return sample
            needs = [self.random.choice(needs)]

    def _showing(self, needs: List[Need]) -> Tuple[int, Assignment]:
        """Options that show combinations, in random order as long as they fit, and how many they show."""
        decided: Assignment = {}
        shown = 0
        for need in self.random.sample(needs, len(needs)):
            ways = [way for way in need.ways if _fit(way, decided)]
            if ways:
                decided.update(self.random.choice(ways))
                shown += 1
        return shown, decided

    def _agrees(self) -> bool:
        """Whether the kernels of a fresh sample are those that follow."""
        sample = self._random()
        while sample in self.seen:
            sample = self._random()
        follows = {name: site.at(sample) for name, site in self.sites.items()}
        self._look(sample)
        return self.seen[sample].kernels == {name: w for name, w in follows.items() if w is not None}

    def _factors(self) -> List[Factor]:
        """The tables: one for all sites that the same choices, or some of them, bear on."""
        kernels = {name: self._kernels(site) for name, site in self.sites.items()}
        works = list({work: None for of_site in kernels.values() for work in of_site if work is not None})
        prices: Dict[Optional[Work], float] = {None: 0.0, **dict(zip(works, self.price(works)))}
        tables: Dict[Tuple[int, ...], List[List[float]]] = {}
        for choices in sorted({site.choices for site in self.sites.values()}, key=len, reverse=True):
            wider = (table for table in tables if set(choices) <= set(table))
            table = next(wider, choices)
            for name, site in self.sites.items():
                if site.choices == choices:
                    costs = [prices[work] for work in kernels[name]]
                    tables.setdefault(table, []).append(self._spread(costs, choices, table))
        factors = [Factor(c, tuple(map(math.fsum, zip(*costs)))) for c, costs in sorted(tables.items())]
        self._compare(factors)
        return factors

    def _kernels(self, site: Site) -> List[Optional[Work]]:
        """The kernels of a site by combination of the options that bear on it."""
        choices = site.choices
        if math.prod(self.cardinalities[c] for c in choices) > MOST_ENTRIES:
            raise _entangled(next(name for name, other in self.sites.items() if other is site))
        sample = [0] * len(self.cardinalities)
        kernels = []
        for combination in self._combinations(choices):
            for choice, option in zip(choices, combination):
                sample[choice] = option
            kernels.append(site.at(sample))
        return kernels

    def _spread(self, costs: List[float], choices: Tuple[int, ...], over: Tuple[int, ...]) -> List[float]:
        """Costs by combination of some choices, by combination of more."""
        if choices == over:
            return costs
        by_combination = dict(zip(self._combinations(choices), costs))
        places = [over.index(choice) for choice in choices]
        return [by_combination[tuple(c[place] for place in places)] for c in self._combinations(over)]

    def _compare(self, factors: List[Factor]) -> None:
        """Raises an error unless the tables' sums are what was predicted."""
        for sample, seen in self.seen.items():
            by_tables = cost(factors, self.cardinalities, sample)
            if abs(by_tables - seen.total) > TOLERANCE * abs(seen.total):
                raise NnmeterError(
                    "prices of kernels",
                    f"add up to {by_tables} where {seen.total} is predicted",
                    "kernels whose numbers tell what they cost",
                    "use ModelLatencyProfiler, and report this with the space",
                )

    def _too_many(self) -> NnmeterError:
        self._settle()
        needs = list(self._needs()) or [Need([], ())]
        entries = lambda choices: math.prod(self.cardinalities[c] for c in choices)
        choices = max((need.choices for need in needs), key=entries)
        named = ", ".join(repr(self.names[choice]) for choice in choices[:LISTED])
        return NnmeterError(
            "kernels of the space",
            f"depend on the choices {named} together",
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


def _fit(one: Assignment, other: Assignment) -> bool:
    """Whether both can hold at once."""
    return all(other.get(choice, option) == option for choice, option in one.items())


def _entangled(site: str) -> NnmeterError:
    return NnmeterError(
        f"the kernel at {site}",
        f"depends on more than {MOST_TOGETHER} choices at once",
        "kernels of which few choices decide each number",
        "use ModelLatencyProfiler, which predicts every architecture as a whole",
    )
