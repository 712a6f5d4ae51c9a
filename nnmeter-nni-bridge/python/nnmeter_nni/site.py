"""What was seen at one place of a network, architecture by architecture."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

from .bearing import Bearing, Options
from .workloads import Work


class Site:
    """What is known of one site: the form of its kernel (the names of all members, and the values of
    those that are no numbers; None where there is no kernel), and every number."""

    def __init__(self, before: Sequence[Options]) -> None:
        self.form = Bearing()
        self.numbers: Dict[Any, Bearing] = {}
        for sample in before:
            self.form.add(sample, None)

    def add(self, sample: Options, work: Optional[Work]) -> None:
        self.form.add(sample, None if work is None else _form(work))
        for name, value in work or ():
            if not isinstance(value, str):
                self.numbers.setdefault(name, Bearing()).add(sample, value)

    def at(self, sample: Options) -> Optional[Work]:
        """The kernel of a sample; KeyError where that was not shown."""
        form = self.form.at(sample)
        if form is None:
            return None
        number = lambda name: self.numbers[name].at(sample)
        return tuple((name, number(name) if value is None else value) for name, value in form)

    def bearings(self) -> List[Bearing]:
        return [self.form, *self.numbers.values()]

    def together(self) -> List[Tuple[List[Bearing], List[Options]]]:
        """Numbers that are there at the same options of the form's choices, one for each set of choices
        that bear on some, with these options."""
        by_member: Dict[Any, List[Options]] = {}
        for combination, form in self.form.by_combination.items():
            for member, _ in form or ():
                by_member.setdefault(member, []).append(combination)
        groups: Dict[Tuple[Options, ...], Dict[Tuple[int, ...], Bearing]] = {}
        for name, number in self.numbers.items():
            groups.setdefault(tuple(by_member[name]), {}).setdefault(number.choices, number)
        return [(list(numbers.values()), list(there)) for there, numbers in groups.items()]

    @property
    def choices(self) -> Tuple[int, ...]:
        """All that bear on it."""
        return tuple(sorted({choice for bearing in self.bearings() for choice in bearing.choices}))


def _form(work: Work) -> Tuple[Tuple[Any, Optional[str]], ...]:
    return tuple((name, value if isinstance(value, str) else None) for name, value in work)
