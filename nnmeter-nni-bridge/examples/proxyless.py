"""ProxylessNAS, DARTS or GumbelDARTS with NNI 3.0 on a space of one's own: the expected latency falls towards a
reference.

    pip install nni==3.0 torch pytorch-lightning nnmeter-nni
    python proxyless.py                      # --strategy darts, --strategy gumbel

The data are random images; yours go into `data()`.
"""

import argparse
import json

import nni
import torch
from nni.nas.evaluator.pytorch import ClassificationModule, DataLoader, Lightning, Trainer
from nni.nas.experiment import NasExperiment
from nni.nas.nn.pytorch import LayerChoice, ModelSpace
from nni.nas.strategy import DARTS, GumbelDARTS, Proxyless
from torch import nn

from nnmeter_nni import LatencyPenalty, LatencyProfiler, ModelLatencyProfiler

CLASSES = 10
STRATEGIES = {"proxyless": Proxyless, "darts": DARTS, "gumbel": GumbelDARTS}


def block(kernel, expansion, width):
    """An inverted residual without the residual."""
    inner = width * expansion
    return nn.Sequential(
        nn.Conv2d(width, inner, 1, bias=False),
        nn.BatchNorm2d(inner),
        nn.ReLU(),
        nn.Conv2d(inner, inner, kernel, padding=kernel // 2, groups=inner, bias=False),
        nn.BatchNorm2d(inner),
        nn.ReLU(),
        nn.Conv2d(inner, width, 1, bias=False),
        nn.BatchNorm2d(width),
    )


class Space(ModelSpace):
    """Six layers of four kinds."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.layers = nn.ModuleList(
            LayerChoice(
                {f"k{k}_e{e}": block(k, e, 16) for k in (3, 7) for e in (1, 4)}, label=f"layer_{index}"
            )
            for index in range(6)
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x):
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.pool(x).flatten(1))


def data(count):
    """Random images."""
    images = torch.randn(count, 3, 32, 32)
    return DataLoader(
        nni.trace(torch.utils.data.TensorDataset)(images, torch.randint(CLASSES, (count,))), batch_size=8
    )


class Watched(LatencyPenalty):
    """Keeps what the search went through; a search of yours needs `LatencyPenalty` alone."""

    expected_ms = []
    gradients = []

    def forward(self, loss, sample):
        loss, details = super().forward(loss, sample)
        self.expected_ms.append(float(details["penalty"]))
        parameters = self._space[0].named_parameters()
        alphas = [alpha for name, alpha in parameters if name.endswith("_arch_alpha")]
        slopes = torch.autograd.grad(details["penalty"], alphas, retain_graph=True)
        self.gradients.append(min(float(slope.abs().max()) for slope in slopes))
        return loss, details


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cortexA76cpu_tflite21")
    parser.add_argument("--reference-ms", type=float, help="the cheapest architecture's if left out")
    parser.add_argument("--strategy", choices=STRATEGIES, default="proxyless")
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()

    torch.manual_seed(0)
    space = Space()
    image = torch.zeros(1, 3, 32, 32)
    profiler = LatencyProfiler(space, image, options.device)
    reference_ms = options.reference_ms or profiler.table.about["least_ms"]
    penalty = Watched(profiler, space, baseline=reference_ms, scale=5.0)

    evaluator = Lightning(
        ClassificationModule(num_classes=CLASSES),
        Trainer(
            max_epochs=options.epochs,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        ),
        train_dataloaders=data(64),
        val_dataloaders=data(64),
    )
    strategy = STRATEGIES[options.strategy](penalty=penalty, arc_learning_rate=0.05)
    experiment = NasExperiment(space, evaluator, strategy)
    experiment.run()

    best = experiment.export_top_models(formatter="dict")[0]
    exact = ModelLatencyProfiler(Space(), image, options.device)
    report = {
        "best": best,
        "ms": profiler.profile(best),
        "predicted_ms": exact.profile(best),
        "reference_ms": reference_ms,
        "expected_ms": Watched.expected_ms,
        "least_gradient": min(Watched.gradients),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
