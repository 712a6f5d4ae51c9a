"""Which choices of a search space bear on something, by what was seen of random architectures.

This file knows neither what is seen nor how it is used.
"""

import itertools
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

#: A sample: by choice, the index of an option.
Options = Tuple[int, ...]

#: How many choices may bear on one thing.
MOST_TOGETHER = 4
#: Sets of choices up to this size are all tried; larger ones are grown.
ALL_UP_TO = 2


class Bearing:
    """The values that something had, the choices that explain them, and how often each combination of
    their options was shown."""

    def __init__(self) -> None:
        self.samples: List[Options] = []
        self.values: List[Any] = []
        self.choices: Tuple[int, ...] = ()
        self.by_combination: Dict[Options, Any] = {}
        self.shown: Dict[Options, int] = {}
        self.is_settled = True

    def add(self, sample: Options, value: Any) -> None:
        """Something more was seen; where the choices do not explain it, :meth:`settle` has to find
        others."""
        self.samples.append(sample)
        self.values.append(value)
        if self.is_settled:
            self._count(sample, value)

    def settle(self, cardinalities: Sequence[int], known: Dict[Any, Any]) -> bool:
        """Finds choices that explain all values; False where too many bear on it. ``known`` has what was
        found in the same pass, because many things vary together."""
        if self.is_settled:
            return True
        pattern = (tuple(self.samples), _pattern(self.values))
        if pattern not in known:
            known[pattern] = explaining(self.samples, pattern[1], cardinalities)
        if known[pattern] is None:
            return False
        self.choices = known[pattern]
        self.by_combination, self.shown, self.is_settled = {}, {}, True
        for sample, value in zip(self.samples, self.values):
            self._count(sample, value)
        return True

    def at(self, sample: Options) -> Any:
        """The value of a sample; KeyError where its combination was not shown."""
        return self.by_combination[tuple(sample[c] for c in self.choices)]

    def _count(self, sample: Options, value: Any) -> None:
        combination = tuple(sample[c] for c in self.choices)
        self.is_settled = self.by_combination.setdefault(combination, value) == value
        self.shown[combination] = self.shown.get(combination, 0) + 1


def explaining(
    samples: Sequence[Options], values: Sequence[Any], cardinalities: Sequence[int]
) -> Optional[Tuple[int, ...]]:
    """The choices whose options explain the values: of all small sets that do, the one of which fewest
    combinations were needed, so that most values confirm it; or else a larger one."""
    choices = [c for c, count in enumerate(cardinalities) if count > 1]
    found = [
        (len({tuple(sample[c] for c in tried) for sample in samples}), tried)
        for size in range(min(ALL_UP_TO, len(choices)) + 1)
        for tried in itertools.combinations(choices, size)
        if _explains(samples, values, tried)
    ]
    return min(found)[1] if found else _grown(samples, values, choices)


def _grown(
    samples: Sequence[Options], values: Sequence[Any], choices: Iterable[int]
) -> Optional[Tuple[int, ...]]:
    """All larger sets are too many to try, so choices are added one by one, the one that explains most
    first, and those that turn out to be idle are left out again."""
    chosen: Tuple[int, ...] = ()
    rest = list(choices)
    while rest and len(chosen) < MOST_TOGETHER:
        left, best = min((_conflicts(samples, values, chosen + (c,)), c) for c in rest)
        chosen += (best,)
        rest.remove(best)
        if left == 0:
            for choice in chosen[:-1]:
                fewer = tuple(c for c in chosen if c != choice)
                chosen = fewer if _explains(samples, values, fewer) else chosen
            return tuple(sorted(chosen))
    return None


def _explains(samples: Sequence[Options], values: Sequence[Any], choices: Tuple[int, ...]) -> bool:
    """Whether samples with the same options have the same value."""
    seen: Dict[Options, Any] = {}
    for sample, value in zip(samples, values):
        if seen.setdefault(tuple([sample[c] for c in choices]), value) != value:
            return False
    return True


def _conflicts(samples: Sequence[Options], values: Sequence[Any], choices: Tuple[int, ...]) -> int:
    """How many different values there are beyond one for every combination of options."""
    combinations = [tuple(sample[c] for c in choices) for sample in samples]
    return len(set(zip(combinations, values))) - len(set(combinations))


def _pattern(values: Sequence[Any]) -> Tuple[int, ...]:
    """Which of the values are equal."""
    numbers: Dict[Any, int] = {}
    return tuple(numbers.setdefault(value, len(numbers)) for value in values)
