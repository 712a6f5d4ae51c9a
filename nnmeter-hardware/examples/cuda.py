#!/usr/bin/env python3
"""Measures models on an NVIDIA GPU: ONNX Runtime's CUDA provider, latency and energy.

A program for nnmeter's backend `command` (docs/command-backend.md):

    pip install onnxruntime-gpu nvidia-ml-py numpy
    nnmeter measure models/ --backend 'command:python3 cuda.py' --rounds 5

Options: device=0 (its number), seconds=1 (how long a round lasts; the GPU counts energy in steps of some
tens of milliseconds, so a short round knows it badly).

It is no benchmark of data transfer: inputs and outputs stay on the GPU. Nothing runs on the processor
beside it: a model with operators that the provider lacks is refused.
"""

import json
import sys
import time

WARM_UP = 10


class Refusal(Exception):
    """Something to be told, and whether it is the model that cannot run."""

    def __init__(self, text, unsupported=False):
        super().__init__(text)
        self.unsupported = unsupported


def libraries():
    try:
        import numpy
        import onnxruntime
        import pynvml
    except ImportError as error:
        raise Refusal(f"{error}; expected the packages onnxruntime-gpu, nvidia-ml-py and numpy")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise Refusal("this onnxruntime has no CUDA provider; expected the package onnxruntime-gpu alone")
    return numpy, onnxruntime, pynvml


def gpu(pynvml, number):
    try:
        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetHandleByIndex(number)
    except pynvml.NVMLError as error:
        raise Refusal(f"NVIDIA GPU {number} cannot be reached: {error}")


def energy_mj(pynvml, handle):
    """What the GPU has used since its driver was loaded, in millijoules."""
    try:
        return pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError as error:
        raise Refusal(f"the GPU does not count its energy: {error}; expected one of Volta's generation or later")


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def identity(options):
    _, onnxruntime, pynvml = libraries()
    handle = gpu(pynvml, options["device"])
    cuda = pynvml.nvmlSystemGetCudaDriverVersion()
    driver = text(pynvml.nvmlSystemGetDriverVersion())
    clock = pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_SM)
    return {
        "chip": text(pynvml.nvmlDeviceGetName(handle)),
        "clock": f"up to {clock} MHz",
        "threads": 1,
        "runtime": "ONNX Runtime CUDA",
        "version": onnxruntime.__version__,
        "build": f"CUDA {cuda // 1000}.{cuda % 1000 // 10}, driver {driver}, TF32 off",
        "metrics": ["latency_ms", "energy_mj"],
    }


def session(onnxruntime, file, number):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    provider = ("CUDAExecutionProvider", {"device_id": number, "use_tf32": 0})
    try:
        return onnxruntime.InferenceSession(file, options, providers=[provider])
    except Exception as error:
        raise Refusal(str(error), unsupported=True)


def bound(numpy, onnxruntime, model, number):
    """Inputs of made-up data and outputs, all on the GPU."""
    binding = model.io_binding()
    types = {"tensor(float)": numpy.float32, "tensor(float16)": numpy.float16, "tensor(double)": numpy.float64,
             "tensor(int64)": numpy.int64, "tensor(int32)": numpy.int32, "tensor(bool)": numpy.bool_}
    for value in model.get_inputs():
        if value.type not in types or not all(isinstance(dim, int) for dim in value.shape):
            raise Refusal(f"input {value.name!r} is {value.type} of extents {value.shape}", unsupported=True)
        count = int(numpy.prod(value.shape, dtype=numpy.int64))
        data = numpy.arange(count) % 251 / 251 + 1 / 512 if "int" not in value.type else numpy.ones(count)
        data = data.astype(types[value.type]).reshape(value.shape)
        binding.bind_ortvalue_input(value.name, onnxruntime.OrtValue.ortvalue_from_numpy(data, "cuda", number))
    for value in model.get_outputs():
        binding.bind_output(value.name, "cuda", number)
    return binding


def measure(file, options):
    numpy, onnxruntime, pynvml = libraries()
    handle = gpu(pynvml, options["device"])
    model = session(onnxruntime, file, options["device"])
    binding = bound(numpy, onnxruntime, model, options["device"])

    def run():
        model.run_with_iobinding(binding)
        binding.synchronize_outputs()

    for _ in range(WARM_UP):
        run()
    figures, end = [], time.monotonic() + options["seconds"]
    before = energy_mj(pynvml, handle)
    while not figures or time.monotonic() < end:
        start = time.perf_counter()
        run()
        figures.append(1e3 * (time.perf_counter() - start))
    energy = energy_mj(pynvml, handle) - before
    if energy <= 0:
        raise Refusal("the GPU's counter of energy stands still; expected a longer round (seconds=...)")
    return {"latency_ms": figures, "energy_mj": energy / len(figures)}


def parsed(words):
    options = {"device": 0, "seconds": 1.0}
    for word in words:
        name, _, value = word.partition("=")
        if name not in options:
            raise Refusal(f"option {name!r} is not known; expected one of {', '.join(options)}")
        try:
            options[name] = type(options[name])(value)
        except ValueError:
            raise Refusal(f"option {name!r} is {value!r}; expected a number")
    return options


def main(arguments):
    try:
        verb, words = (arguments[0], arguments[1:]) if arguments else ("", [])
        if verb == "identity":
            answer = identity(parsed(words))
        elif verb == "measure" and words:
            answer = measure(words[0], parsed(words[1:]))
        else:
            raise Refusal("expected `identity NAME=VALUE...` or `measure FILE NAME=VALUE...`")
    except Refusal as refusal:
        print(json.dumps({"error": str(refusal), "unsupported": refusal.unsupported}))
        return 1
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
