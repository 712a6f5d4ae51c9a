"""The package under nn-Meter's name, for code that imports ``nn_meter``."""

import importlib.machinery
import sys
import types

from .predictor import LatencyPredictor, list_latency_predictors


def as_nn_meter(allow_uncovered: bool = False) -> types.ModuleType:
    """Puts a module ``nn_meter`` in place that predicts with nnmeter, and returns it.

    Call it before NNI imports ``nn_meter``: NNI's own ``NnMeterProfiler`` (3.0), ``LatencyFilter`` and
    the ProxylessNAS example (2.x) then work as they are. nn-Meter itself need not be installed; where
    it is, this process does not see it any more.

    nn-Meter leaves out of the sum what it has no predictor for, such as a batch norm on its own, and
    ``NnMeterProfiler`` asks for just that. Here it is an error, unless ``allow_uncovered``: then it is a
    warning.
    """
    members = {"__module__": "nn_meter", "allow_uncovered": allow_uncovered}
    predictor = type("nnMeterPredictor", (LatencyPredictor,), members)
    root = _module("nn_meter")
    inner = _module("nn_meter.predictor")
    for module in (root, inner):
        module.load_latency_predictor = predictor
        module.list_latency_predictors = list_latency_predictors
        module.nnMeterPredictor = predictor
    root.predictor = inner
    root.__path__ = []
    return root


def _module(name: str) -> types.ModuleType:
    module = types.ModuleType(name, "nnmeter_nni under nn-Meter's name.")
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=name == "nn_meter")
    sys.modules[name] = module
    return module
