"""Single-path one-shot search on NNI's ShuffleNetSpace under a latency budget.

    pip install nni==3.0 torch pytorch-lightning nnmeter-nni
    python spos.py

A supernet is trained on architectures within the budget alone, and evolution looks for the best of them.
The data are random images; yours go into `data()`.
"""

import argparse
import json

import nni
import torch
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.evaluator.pytorch import ClassificationModule, DataLoader, Lightning, Trainer
from nni.nas.experiment import NasExperiment
from nni.nas.hub.pytorch import ShuffleNetSpace
from nni.nas.oneshot.pytorch.supermodule.operation import MixedConv2d
from nni.nas.strategy import RandomOneShot, RegularizedEvolution
from nni.nas.strategy.middleware import Chain, Filter

from nnmeter_nni import BudgetOneShot, BudgetSampler, LatencyFilter, LatencyProfiler, ModelLatencyProfiler

CLASSES = 10


def data(count):
    """Random images of the size that the network is for."""
    images = torch.randn(count, 3, 64, 64)
    return DataLoader(
        nni.trace(torch.utils.data.TensorDataset)(images, torch.randint(CLASSES, (count,))), batch_size=8
    )


def keep_missing_biases_out():
    """NNI 3.0 cannot freeze a supernet whose convolutions have no bias: it hands their `None` to
    `load_state_dict` ("Unexpected key(s) in state_dict: bias")."""
    original = MixedConv2d.freeze_weight

    def freeze_weight(self, **arguments):
        weights = original(self, **arguments)
        return {name: weight for name, weight in weights.items() if weight is not None}

    MixedConv2d.freeze_weight = freeze_weight


def supernet_training(epochs):
    """Trains the supernet for so many epochs."""
    return Lightning(
        ClassificationModule(num_classes=CLASSES),
        Trainer(
            max_epochs=epochs,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        ),
        train_dataloaders=data(32),
        val_dataloaders=data(16),
    )


def accuracy(model):
    """Of a model with the supernet's weights, after the statistics of its own batch norms are taken."""
    right = total = 0
    with torch.no_grad():
        model.train()
        for images, _ in data(16):
            model(images)
        model.eval()
        for images, labels in data(32):
            right += int((model(images).argmax(1) == labels).sum())
            total += len(labels)
    nni.report_final_result(right / total)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cortexA76cpu_tflite21")
    parser.add_argument("--max-ms", type=float, default=5.0)
    parser.add_argument("--models", type=int, default=6, help="how many the search may try")
    parser.add_argument("--filter", action="store_true", help="NNI's 100 tries instead of exact samples")
    options = parser.parse_args()

    keep_missing_biases_out()
    space = ShuffleNetSpace(num_labels=CLASSES)
    image = torch.zeros(1, 3, 64, 64)
    profiler = LatencyProfiler(space, image, options.device)
    within = LatencyFilter(profiler, options.max_ms)

    # The supernet: exact samples under the budget, or `RandomOneShot(filter=within)`, which gives up
    # after 100 tries where few architectures are within it.
    if options.filter:
        training = RandomOneShot(filter=within)
    else:
        training = BudgetOneShot(BudgetSampler(profiler, options.max_ms))
    NasExperiment(space, supernet_training(epochs=1), training).run()

    # The search, with the supernet's weights.
    search = RegularizedEvolution(population_size=4, sample_size=2)
    strategy = Chain(search, Filter(within, patience=10_000))
    experiment = NasExperiment(space, FunctionalEvaluator(accuracy), strategy)
    experiment.config.execution_engine.max_model_count = options.models
    experiment.run()

    best = experiment.export_top_models(formatter="dict")[0]
    exact = ModelLatencyProfiler(ShuffleNetSpace(num_labels=CLASSES), image, options.device)
    print(json.dumps({"best": best, "ms": profiler.profile(best), "predicted_ms": exact.profile(best)}))


if __name__ == "__main__":
    main()
