"""Latency in architecture search with NNI 2.10: a filter of a multi-trial search, and ProxylessNAS with its own
latency estimator, which ask nn-Meter and get nnmeter.

    pip install nni==2.10 torch pytorch-lightning==1.7.7 nnmeter-nni
    python nni2.py filter
    python nni2.py proxyless

The data are random images.
"""

import argparse
import functools
import json

import torch
import torch.nn.functional as F

import nnmeter_nni

nnmeter_nni.as_nn_meter()  # what `import nn_meter` gives from here on

import nni  # noqa: E402
import nni.retiarii.nn.pytorch as nn  # noqa: E402
from nni.retiarii import model_wrapper  # noqa: E402

DEVICE = "cortexA76cpu_tflite21"
CLASSES = 10


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


class Layer(nn.Module):
    """A layer of four kinds. (NNI 2.x finds one choice in a module.)"""

    def __init__(self, index):
        super().__init__()
        kinds = [block(k, e, 16) for k in (3, 7) for e in (1, 4)]
        self.kind = nn.LayerChoice(kinds, label=f"layer_{index}")

    def forward(self, x):
        return self.kind(x)


@model_wrapper
class Space(nn.Module):
    """Three layers."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
        self.layers = nn.Sequential(Layer(0), Layer(1), Layer(2))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x):
        x = self.pool(self.layers(self.stem(x)))
        return self.head(torch.flatten(x, 1))


class LatencyFilter:
    """Models that are predicted to take less than ``threshold`` ms: with the arguments of the class in NNI
    2.x's examples."""

    def __init__(self, threshold, predictor, predictor_version=None, reverse=False):
        import nn_meter

        self.predictor = nn_meter.load_latency_predictor(predictor, predictor_version)
        self.threshold, self.reverse = threshold, reverse
        self.latencies = []

    def __call__(self, ir_model):
        latency = self.predictor.predict(ir_model, "nni-ir")
        self.latencies.append(latency)
        return (latency > self.threshold) if self.reverse else (latency < self.threshold)


def score(model_cls):
    """A trial: one step, and a made-up result."""
    model = model_cls()
    model(torch.randn(2, 3, 32, 32)).sum().backward()
    nni.report_final_result(sum(weight.numel() for weight in model.parameters()) / 1e6)


def let_checkpoints_be_large():
    """NNI 2.10 writes its mutators with the graph of the space, and refuses what has over 4 KiB
    (`PayloadTooLarge`)."""
    from nni.nas.experiment import pytorch

    pytorch.dump = functools.partial(pytorch.dump, pickle_size_limit=1 << 30)


def filtered(options):
    """A search by NNI's manager whose strategy submits what the filter lets pass."""
    from nni.retiarii.evaluator import FunctionalEvaluator
    from nni.retiarii.experiment.pytorch import RetiariiExeConfig, RetiariiExperiment
    from nni.retiarii.strategy import Random

    let_checkpoints_be_large()
    within = LatencyFilter(options.max_ms, DEVICE)
    experiment = RetiariiExperiment(Space(), FunctionalEvaluator(score), [], Random(model_filter=within))
    config = RetiariiExeConfig("local", execution_engine="base")
    config.execution_engine.dummy_input = [1, 3, 32, 32]
    config.experiment_name = "nnmeter"
    config.max_trial_number, config.trial_concurrency = options.models, 1
    config.trial_gpu_number = 0
    experiment.run(config, options.port)
    models = len(experiment.export_top_models(options.models, formatter="dict"))
    passed = [latency for latency in within.latencies if latency < options.max_ms]
    return {"models": models, "passed_ms": passed, "tried": len(within.latencies), "max_ms": options.max_ms}


def proxyless(options):
    """NNI's own trainer with a latency estimator: a table of every candidate, and of the rest."""
    from nni.retiarii.oneshot.pytorch import ProxylessTrainer

    model = Space()
    images = torch.utils.data.TensorDataset(torch.randn(64, 3, 32, 32), torch.randint(CLASSES, (64,)))
    trainer = ProxylessTrainer(
        model,
        loss=F.cross_entropy,
        metrics=lambda output, target: {},
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01),
        num_epochs=1,
        dataset=images,
        batch_size=8,
        workers=0,
        grad_reg_loss_type="add#linear",
        grad_reg_loss_params={"lambda": 0.1},
        applied_hardware=DEVICE,  # --applied_hardware of NNI's example
        ref_latency=options.max_ms,  # --reference_latency
        dummy_input=(1, 3, 32, 32),
    )
    trainer.fit()
    best = trainer.export()
    table = trainer.latency_estimator.block_latency_table
    return {"best": best, "ms": trainer.latency_estimator.export_latency(best), "table": table}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("search", choices=["filter", "proxyless"])
    parser.add_argument("--max-ms", type=float, default=1.0)
    parser.add_argument("--models", type=int, default=2)
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args()
    report = filtered(options) if options.search == "filter" else proxyless(options)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
