"""Tables from observations, on spaces whose truth is known. Needs neither torch nor NNI."""

import itertools
import random
import unittest

from nnmeter_nni.decompose import Decomposition, Limits, Seen, cost
from nnmeter_nni.errors import NnmeterError
from nnmeter_nni.workloads import flat, unflattened


def price(work):
    """A price that no sum of the numbers gives."""
    numbers = [value for _, value in work if not isinstance(value, str)]
    result = 1.0 + len(work)
    for number in numbers:
        result = result * 1.37 + number * number
    return result


def seen(kernels):
    """An observation of kernels: by site, a kind and numbers."""
    works = {s: (("kind", kind), *enumerate(numbers)) for s, (kind, *numbers) in kernels.items()}
    works = {site: tuple((str(name), value) for name, value in work) for site, work in works.items()}
    return Seen(sum(map(price, works.values())), works)


def space(seed, counts, groups):
    """Sites with a number that depends on these groups of choices, at random."""
    drawn = random.Random(seed)
    tables = [
        {o: drawn.random() for o in itertools.product(*(range(counts[c]) for c in group))}
        for group in groups
    ]

    def observe(sample):
        numbers = [table[tuple(sample[c] for c in group)] for group, table in zip(groups, tables)]
        return seen({f"site{n}": ("conv", number) for n, number in enumerate(numbers)})

    return observe


def run(observe, counts, predictions=500):
    names = [f"choice{n}" for n in range(len(counts))]
    prices = lambda works: [price(work) for work in works]
    work = Decomposition(names, counts, observe, prices, Limits(predictions, 3, 0))
    return work, work.run()


class Mobile:
    """Stages of elastic width and depth, and blocks with an expansion, a window and perhaps a gate, as in
    NNI's MobileNetV3Space: 7 widths and 6 expansions decide channels together."""

    WIDTHS = (8, 10, 12, 16, 20, 24, 32)

    def __init__(self, stages, depth):
        self.stages, self.depth = stages, depth
        self.counts = [7] * (stages + 1)
        self.block = len(self.counts) + stages
        self.counts += [depth] * stages + [6, 3, 2] * stages * depth

    def observe(self, sample):
        widths = [self.WIDTHS[option] for option in sample]
        kernels = {"stem": ("conv", 3, widths[0])}
        for stage in range(self.stages):
            for index in range(1 + sample[self.stages + 1 + stage]):
                start = widths[stage] if index == 0 else widths[stage + 1]
                at = self.block + 3 * (stage * self.depth + index)
                kernels.update(self.kernels(f"{stage}.{index}.", start, widths[stage + 1], sample[at : at + 3]))
        return seen(kernels)

    @staticmethod
    def kernels(name, start, end, options):
        expansion, window, gate = options
        inner = start * (1 + expansion)
        kernels = {name + "grow": ("conv", start, inner), name + "deep": ("dwconv", inner, 3 + 2 * window)}
        if gate:
            kernels[name + "gate"] = ("se", inner, inner // 4)
        kernels[name + "shrink"] = ("conv", inner, end)
        return {**kernels, **({name + "add": ("add", end)} if start == end else {})}


class Tables(unittest.TestCase):
    def test_equal_predictions_everywhere(self):
        chain = [(c, c + 1) for c in range(9)]
        cases = [
            ([], []),
            ([1, 1], [()]),
            ([4] * 10, [(c,) for c in range(10)] + [()]),
            ([3] * 10, chain),
            ([2, 5, 3, 2, 4, 3], [(0, 2, 5), (1,), (3, 4)]),
        ]
        for seed, (counts, groups) in enumerate(cases):
            observe = space(seed, counts, groups)
            _, factors = run(observe, counts)
            drawn = random.Random(seed)
            for _ in range(200):
                sample = tuple(drawn.randrange(count) for count in counts)
                self.assertAlmostEqual(cost(factors, counts, sample), observe(sample).total)

    def test_a_site_that_is_there_only_sometimes(self):
        def observe(sample):
            depth, kernel = sample
            return seen({"stem": ("conv", 1), **({"second": ("conv", kernel)} if depth == 1 else {})})

        _, factors = run(observe, [2, 3])
        for sample in itertools.product(range(2), range(3)):
            self.assertAlmostEqual(cost(factors, [2, 3], sample), observe(sample).total)

    def test_numbers_are_told_apart_where_they_are_tied_together(self):
        """A table of 294 entries (two widths and an expansion) and one of 252, from far fewer
        predictions: by site alone, each entry would take one."""
        mobile = Mobile(stages=3, depth=2)
        work, factors = run(mobile.observe, mobile.counts)
        self.assertGreater(max(len(factor.costs) for factor in factors), 250)
        self.assertLess(len(work.seen), 200)
        drawn = random.Random(1)
        for _ in range(300):
            sample = tuple(drawn.randrange(count) for count in mobile.counts)
            self.assertAlmostEqual(cost(factors, mobile.counts, sample) / mobile.observe(sample).total, 1)

    def test_few_predictions_suffice_for_independent_choices(self):
        counts = [4] * 20
        work, _ = run(space(1, counts, [(c,) for c in range(20)]), counts)
        self.assertLess(len(work.seen), 40)

    def test_what_does_not_decompose_is_refused(self):
        counts = [3] * 8
        with self.assertRaisesRegex(NnmeterError, "more than 4 choices at once"):
            run(lambda sample: seen({"whole": ("conv", hash(sample))}), counts)

    def test_too_few_predictions_name_the_choices(self):
        counts = [6, 6, 2]
        with self.assertRaisesRegex(NnmeterError, "'choice0', 'choice1' together") as caught:
            run(space(2, counts, [(0, 1)]), counts, predictions=25)
        self.assertIn("max_predictions", caught.exception.hint)

    def test_prices_that_numbers_do_not_tell_are_found_out(self):
        def observe(sample):
            told = seen({"site": ("conv", sample[0])})
            return Seen(told.total + sample[1], told.kernels)

        with self.assertRaisesRegex(NnmeterError, "prices of kernels: add up to"):
            run(observe, [3, 3])


class Workloads(unittest.TestCase):
    def test_are_flat_and_back(self):
        workloads = [{"kind": "conv", "input": [1, 56, 56], "pooled": {"window": [3, 3]}}, {"cin": 8}]
        self.assertEqual(unflattened(flat(workloads)), workloads)
        self.assertIn(((0, "pooled", "window", 1), 3), flat(workloads))


if __name__ == "__main__":
    unittest.main()
