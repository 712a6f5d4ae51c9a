"""Predictors with nn-Meter's interface. Needs neither torch nor NNI."""

import copy
import json
import pickle
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import nnmeter_nni
from nnmeter_nni import NnmeterError, load_latency_predictor
from nnmeter_nni.workloads import flat

DEVICE = "cortexA76cpu_tflite21"
CONV = {
    "type": "Conv2D",
    "output_shape": [[1, 32, 32, 8]],
    "attr": {
        "kernel_shape": [3, 3],
        "strides": [1, 1],
        "padding": "SAME",
        "weight_shape": [3, 3, 3, 8],
    },
}
GRAPH = {
    "input": {"attr": {"type": "Placeholder", "output_shape": [[1, 32, 32, 3]]}, "inbounds": []},
    "conv": {"attr": CONV, "inbounds": ["input"]},
}


class Predictor(unittest.TestCase):
    def setUp(self):
        self.predictor = load_latency_predictor(DEVICE)

    def test_takes_graphs_text_and_paths(self):
        ms = self.predictor.predict(GRAPH, "nnmeter-ir")
        self.assertAlmostEqual(ms, 0.053994, places=5)
        self.assertEqual(self.predictor.predict(json.dumps(GRAPH), "nnmeter-ir"), ms)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "graph.json"
            path.write_text(json.dumps(GRAPH))
            self.assertEqual(self.predictor.predict(path, model_type="nnmeter-ir"), ms)
            self.assertEqual(self.predictor.predict(str(path), model_type="nnmeter-ir"), ms)

    def test_kernels_cost_by_their_workloads_what_predictions_say(self):
        models = Path(__file__).parents[3] / "tests/models"
        kinds = set()
        for device in (DEVICE, "adreno640gpu_tflite21", "myriadvpu_openvino2019r2"):
            predictor = load_latency_predictor(device)
            for name in ("mobilenet_v3_small", "nb201_bn", "resnet18"):
                told = predictor.details(models / f"{name}.onnx", workloads=True)["kernels"]
                works = [flat(kernel["workloads"]) for kernel in told]
                self.assertEqual(predictor.kernels(works), [kernel["ms"] for kernel in told])
                kinds.update(kernel["kind"] for kernel in told)
        self.assertGreater(len(kinds), 10)

    def test_survives_copies_and_pickles(self):
        ms = self.predictor.predict(GRAPH, "nnmeter-ir")
        for other in (copy.deepcopy(self.predictor), pickle.loads(pickle.dumps(self.predictor))):
            self.assertEqual(other.predict(GRAPH, "nnmeter-ir"), ms)

    def test_versions_are_named_as_nn_meter_does(self):
        card = load_latency_predictor(DEVICE, 1.0).card()
        self.assertEqual(card["name"], DEVICE)
        with self.assertRaises(NnmeterError):
            load_latency_predictor(DEVICE, 99.0)

    def test_what_cannot_be_read_is_an_error(self):
        cases = [
            (GRAPH, "keras", "one of onnx, pb, torch"),
            (b"\0\1", "onnx", "model"),
            ("no/such/file.onnx", "onnx", "no/such/file.onnx"),
            (42, "nnmeter-ir", "is a int"),
        ]
        for model, model_type, text in cases:
            with self.assertRaisesRegex(NnmeterError, text):
                self.predictor.predict(model, model_type)

    def test_operators_without_a_price_are_refused_or_told(self):
        odd = {**GRAPH, "odd": {"attr": {**CONV, "type": "Erf"}, "inbounds": ["conv"]}}
        with self.assertRaises(NnmeterError):
            self.predictor.predict(odd, "nnmeter-ir")


class AsNnMeter(unittest.TestCase):
    def test_code_written_for_nn_meter_runs(self):
        script = (
            "import nnmeter_nni; nnmeter_nni.as_nn_meter()\n"
            "import importlib.util; assert importlib.util.find_spec('nn_meter')\n"
            "from nn_meter import load_latency_predictor, nnMeterPredictor\n"
            "from nn_meter.predictor import list_latency_predictors\n"
            f"p = load_latency_predictor('{DEVICE}')\n"
            "assert isinstance(p, nnMeterPredictor)\n"
            "import pickle; assert pickle.loads(pickle.dumps(p)).name == p.name\n"
            "assert p.name in [d['name'] for d in list_latency_predictors()]\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


class Lazy(unittest.TestCase):
    def test_neither_torch_nor_nni_is_imported(self):
        script = (
            "import sys, nnmeter_nni\n"
            f"nnmeter_nni.load_latency_predictor('{DEVICE}')\n"
            "assert not {'torch', 'nni', 'onnx'} & set(sys.modules)\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True, timeout=60)

    def test_names_that_are_not_there(self):
        with self.assertRaises(AttributeError):
            nnmeter_nni.no_such_name


if __name__ == "__main__":
    unittest.main()
