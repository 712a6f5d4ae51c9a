"""nnmeter for NNI experiments: latencies of networks on devices that are not at hand.

The work is done by the program ``nnmeter-bridge``, which this package starts itself. What needs NNI or
torch is imported when it is first used.
"""

import importlib
from typing import Any

from .tuner import NnmeterTuner

#: By name: the module that has it.
_LATER = {
    "BridgeDied": "errors",
    "BudgetOneShot": "filters",
    "BudgetSampler": "filters",
    "LatencyConstrainedTuner": "constrained",
    "LatencyFilter": "filters",
    "LatencyPenalty": "penalty",
    "LatencyPredictor": "predictor",
    "LatencyProfiler": "profiler",
    "ModelLatencyProfiler": "profiler",
    "NnmeterError": "errors",
    "as_nn_meter": "compat",
    "list_latency_predictors": "predictor",
    "load_latency_predictor": "predictor",
}

__all__ = ["NnmeterTuner", *_LATER]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_LATER[name]}", __name__), name)
