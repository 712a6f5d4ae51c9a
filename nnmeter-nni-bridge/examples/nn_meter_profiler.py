"""NNI's own `NnMeterProfiler`, as it is, on nnmeter's predictors.

    pip install nni==3.0 torch pytorch-lightning onnx onnxruntime onnxsim nnmeter-nni
    python nn_meter_profiler.py

It prices every leaf module alone, so what a runtime fuses counts as several kernels, and what is no
module (additions, concatenations) as none: `LatencyProfiler` is nearer to the truth.
"""

import argparse
import json

import nnmeter_nni

nnmeter_nni.as_nn_meter(allow_uncovered=True)

import torch  # noqa: E402
from nni.nas.profiler.pytorch.nn_meter import NnMeterProfiler  # noqa: E402
from proxyless import Space  # noqa: E402

from nnmeter_nni import LatencyProfiler  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cortexA76cpu_tflite21")
    options = parser.parse_args()

    space, image = Space(), torch.zeros(1, 3, 32, 32)
    sample = {label: choice.values[0] for label, choice in space.simplify().items()}
    by_module = NnMeterProfiler(space, image, options.device)
    by_kernel = LatencyProfiler(space, image, options.device)
    print(
        json.dumps(
            {
                "sample": sample,
                "by_module_ms": by_module.profile(sample),
                "by_kernel_ms": by_kernel.profile(sample),
            }
        )
    )


if __name__ == "__main__":
    main()
