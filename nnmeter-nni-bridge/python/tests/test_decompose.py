"""Tables from observations, on spaces whose truth is known. Needs neither torch nor NNI."""

import itertools
import random
import unittest

from nnmeter_nni.decompose import Decomposition, Limits, cost
from nnmeter_nni.errors import NnmeterError


def space(seed, counts, groups):
    """Sites that depend on these groups of choices, with random costs."""
    drawn = random.Random(seed)
    tables = [
        {o: drawn.random() for o in itertools.product(*(range(counts[c]) for c in group))}
        for group in groups
    ]

    def observe(sample):
        return {
            f"site{n}": table[tuple(sample[c] for c in group)]
            for n, (group, table) in enumerate(zip(groups, tables))
        }

    return observe


def run(observe, counts, predictions=500):
    names = [f"choice{n}" for n in range(len(counts))]
    work = Decomposition(names, counts, observe, Limits(predictions, 3, 0))
    return work, work.run()


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
                self.assertAlmostEqual(cost(factors, counts, sample), sum(observe(sample).values()))

    def test_a_site_that_is_there_only_sometimes(self):
        def observe(sample):
            depth, kernel = sample
            return {"stem": 1.0, **({"second": 0.5 + kernel} if depth == 1 else {})}

        _, factors = run(observe, [2, 3])
        self.assertEqual(cost(factors, [2, 3], (0, 2)), 1.0)
        self.assertEqual(cost(factors, [2, 3], (1, 2)), 3.5)

    def test_few_predictions_suffice_for_independent_choices(self):
        counts = [4] * 20
        work, _ = run(space(1, counts, [(c,) for c in range(20)]), counts)
        self.assertLess(len(work.seen), 40)

    def test_what_does_not_decompose_is_refused(self):
        counts = [3] * 8
        with self.assertRaisesRegex(NnmeterError, "more than 4 choices at once"):
            run(lambda sample: {"whole": hash(sample) * 1e-9}, counts)

    def test_too_few_predictions_name_the_choices(self):
        counts = [6, 6, 2]
        with self.assertRaisesRegex(NnmeterError, "'choice0', 'choice1' together") as caught:
            run(space(2, counts, [(0, 1)]), counts, predictions=25)
        self.assertIn("max_predictions", caught.exception.hint)


if __name__ == "__main__":
    unittest.main()
