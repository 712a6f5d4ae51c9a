"""The package under nn-Meter's name, for code that imports ``nn_meter``."""

import importlib.machinery
import sys
import types

from .predictor import LatencyPredictor, list_latency_predictors, load_latency_predictor


def as_nn_meter() -> types.ModuleType:
    """Puts a module ``nn_meter`` in place that predicts with nnmeter, and returns it.

    Call it before NNI imports ``nn_meter``: NNI's own ``NnMeterProfiler`` (3.0), ``LatencyFilter`` and
    the ProxylessNAS example (2.x) then work as they are. nn-Meter itself need not be installed; where
    it is, this process does not see it any more.
    """
    root = _module("nn_meter")
    inner = _module("nn_meter.predictor")
    for module in (root, inner):
        module.load_latency_predictor = load_latency_predictor
        module.list_latency_predictors = list_latency_predictors
        module.nnMeterPredictor = LatencyPredictor
    root.predictor = inner
    root.__path__ = []
    return root


def _module(name: str) -> types.ModuleType:
    module = types.ModuleType(name, "nnmeter_nni under nn-Meter's name.")
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=name == "nn_meter")
    sys.modules[name] = module
    return module
