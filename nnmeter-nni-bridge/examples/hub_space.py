"""Latencies of all architectures of a space of NNI's hub, as tables: how well they repeat predictions of whole
networks, and draws from those within a budget.

    pip install nni==3.0 torch pytorch-lightning nnmeter-nni
    python hub_space.py NasBench201
"""

import argparse
import itertools
import json
import random
import time

import torch
from nni.nas.hub.pytorch import MobileNetV3Space, NasBench201, ProxylessNAS, ShuffleNetSpace

from nnmeter_nni import BudgetSampler, LatencyProfiler, ModelLatencyProfiler, NnmeterError

#: The code of errors about exact answers that are too large: spaces of more than 2^128 samples.
TOO_LARGE = 34
#: Spaces, and the extents of the images that they are for.
SPACES = {
    "MobileNetV3Space": (MobileNetV3Space, 224),
    "NasBench201": (NasBench201, 32),
    "ProxylessNAS": (ProxylessNAS, 224),
    "ShuffleNetSpace": (ShuffleNetSpace, 224),
}


def dearest(profiler, max_ms):
    """Of 20 exact draws within a budget, the dearest; None of a space too large for them."""
    try:
        return max(map(profiler.profile, itertools.islice(BudgetSampler(profiler, max_ms), 20)))
    except NnmeterError as error:
        if error.code != TOO_LARGE:
            raise
        return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("space", choices=SPACES)
    parser.add_argument("--device", default="cortexA76cpu_tflite21")
    parser.add_argument("--fresh", type=int, default=8, help="architectures to predict as a whole")
    options = parser.parse_args()

    make, extent = SPACES[options.space]
    space, image = make(), torch.zeros(1, 3, extent, extent)
    start = time.monotonic()
    profiler = LatencyProfiler(space, image, options.device)
    seconds = time.monotonic() - start

    # Of NAS-Bench-201, some do not use their input: they cost nothing, and are left out.
    least_ms, most_ms = (profiler.table.about[key] for key in ("least_ms", "most_ms"))
    drawn = random.Random(1)
    exact = ModelLatencyProfiler(space, image, options.device)
    differences = []
    while len(differences) < options.fresh:
        sample = {label: drawn.choice(choice.values) for label, choice in profiler.choices.items()}
        ms = profiler.profile(sample)
        if ms > 0:
            differences.append(abs(ms / exact.profile(sample) - 1))

    budget_ms = least_ms + 0.3 * (most_ms - least_ms)
    report = {
        "space": options.space,
        "predictions": profiler.predictions,
        "seconds": seconds,
        "largest_difference": max(differences),
        "budget_ms": budget_ms,
        "dearest_draw_ms": dearest(profiler, budget_ms),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
