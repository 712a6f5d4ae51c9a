"""Latency predictors with the interface of nn-Meter's."""

import base64
import json
import logging
import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Set, Union

from . import _bridge
from .errors import NnmeterError
from .workloads import Work, unflattened

_logger = logging.getLogger(__name__)

#: nn-Meter's names of model types, and the format that the service calls them.
FORMATS = {
    "onnx": "onnx",
    "pb": "tensorflow",
    "torch": "onnx",
    "nnmeter-ir": "nn-meter-ir",
    "nni-ir": "nni-ir",
}

Shape = Union[Sequence[int], Dict[str, Sequence[int]]]


class LatencyPredictor:
    """Predicts latencies on one device. Its state is the device's name alone, so it can be pickled,
    copied, and used after a fork.

    An operator without a price is an error, unless ``allow_uncovered``: it is then left out of the
    latency, with a warning.
    """

    #: What a predictor does that is not told; :func:`nnmeter_nni.as_nn_meter` may change it.
    allow_uncovered = False

    def __init__(
        self,
        name: str,
        version: Optional[Union[str, float]] = None,
        allow_uncovered: Optional[bool] = None,
    ) -> None:
        self.name = name
        self.version = None if version is None else str(version)
        if allow_uncovered is not None:
            self.allow_uncovered = allow_uncovered
        self._told: Set[str] = set()
        self.card()

    @property
    def device(self) -> str:
        """``NAME`` or ``NAME@VERSION``."""
        return self.name if self.version is None else f"{self.name}@{self.version}"

    def card(self) -> Dict[str, Any]:
        """What is known of the device and its predictor."""
        return _bridge.shared().call("devices.card", device=self.device)

    def predict(
        self,
        model: Any,
        model_type: str = "onnx",
        input_shape: Shape = (1, 3, 224, 224),
        apply_nni: bool = False,
    ) -> float:
        """The latency of a model in milliseconds.

        ``model`` is a path, or what ``model_type`` says: ``onnx`` an ``onnx.ModelProto`` or its bytes,
        ``pb`` the bytes of a frozen TensorFlow graph, ``torch`` an ``nn.Module``, ``nnmeter-ir`` and
        ``nni-ir`` the graph as a dictionary, JSON text, or (NNI's) an object with ``_dump``.

        ``input_shape`` is that of a ``torch`` module's input; for models of files that leave extents
        open, a dictionary of shapes by the inputs' names. ``apply_nni`` is nn-Meter's: modules with
        NNI's layers are exported like any other, so it makes no difference.

        Raises :class:`NnmeterError`, also where an operator has no price: nothing counts as zero.
        """
        return self.details(model, model_type, input_shape)["total_ms"]

    def details(
        self,
        model: Any,
        model_type: str = "onnx",
        input_shape: Shape = (1, 3, 224, 224),
        workloads: bool = False,
    ) -> Dict[str, Any]:
        """All that is predicted: ``total_ms``, its interval, what every kernel costs, and what has no
        price. With ``workloads`` also all that kernels are priced by."""
        answer = _bridge.shared().call(
            "predict",
            device=self.device,
            model=_packed(model, model_type, input_shape),
            allow_uncovered=self.allow_uncovered,
            workloads=workloads,
        )
        for left_out in answer["uncovered"]:
            self._tell(left_out["op"])
        return answer

    def kernels(self, works: Sequence[Work]) -> List[float]:
        """What kernels cost, in milliseconds, by workloads as
        :func:`nnmeter_nni.workloads.flat` has them."""
        kernels = [unflattened(work) for work in works]
        return _bridge.shared().call("predict_kernels", device=self.device, kernels=kernels)["costs_ms"]

    def _tell(self, operator: str) -> None:
        """Warns of an operator without a price, once each."""
        if operator not in self._told:
            self._told.add(operator)
            _logger.warning("%s has no price on %s: latencies are without it", operator, self.device)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.device!r})"


def load_latency_predictor(
    predictor_name: str, predictor_version: Optional[Union[str, float]] = None
) -> LatencyPredictor:
    """The predictor of a device, by nn-Meter's name and version of it."""
    return LatencyPredictor(predictor_name, predictor_version)


def list_latency_predictors() -> List[Dict[str, Any]]:
    """The cards of all devices."""
    return _bridge.shared().call("devices.list")["devices"]


def _packed(model: Any, model_type: str, input_shape: Shape) -> Dict[str, Any]:
    """A model as the service takes it."""
    if model_type not in FORMATS:
        known = ", ".join(FORMATS)
        raise NnmeterError("model_type", f"is {model_type!r}", f"one of {known}")
    packed = _content(model, model_type, input_shape)
    packed["format"] = FORMATS[model_type]
    if isinstance(input_shape, dict) and model_type != "torch":
        packed["input_shapes"] = {name: list(shape) for name, shape in input_shape.items()}
    return packed


def _content(model: Any, model_type: str, input_shape: Shape) -> Dict[str, Any]:
    if model_type == "torch":
        from . import export

        return _bytes(export.onnx_bytes(model, export.zeros(input_shape)))
    if isinstance(model, os.PathLike) or (isinstance(model, str) and not _is_json(model)):
        return {"path": str(Path(model).absolute())}
    if hasattr(model, "SerializeToString"):
        return _bytes(model.SerializeToString())
    if isinstance(model, (bytes, bytearray, memoryview)):
        return _bytes(model)
    if hasattr(model, "_dump"):
        model = _dumped(model)
    graph = json.loads(model) if isinstance(model, str) else model
    if not isinstance(graph, dict):
        found = f"is a {type(model).__name__}"
        raise NnmeterError(f"model of type {model_type!r}", found, "a path or what predict() lists")
    # Attributes that are no JSON (NNI's dumps have some) do not bear on shapes.
    return {"graph": json.loads(json.dumps(graph, default=str))}


def _dumped(model: Any) -> Dict[str, Any]:
    """NNI's graphs, of which the root may have another name (NNI 2.x prices candidates so)."""
    graphs = model._dump()
    root = getattr(model, "_root_graph_name", "_model")
    if root != "_model" and root in graphs:
        graphs["_model"] = graphs[root]
    if "_model" in graphs:
        graphs["_model"] = _closed(graphs["_model"])
    return graphs


def _closed(graph: Dict[str, Any]) -> Dict[str, Any]:
    """A graph in which what reads nothing reads an input of its own: NNI 2.x prices what is around choices
    by a graph that they were taken out of."""
    inputs, edges = list(graph.get("inputs") or []), list(graph["edges"])
    fed = {edge["tail"][0] for edge in edges}
    for name, node in graph["nodes"].items():
        shapes = (node["operation"].get("attributes") or {}).get("input_shape") or ()
        for slot in range(len(shapes) if name not in fed else 0):
            edges.append({"head": ["_inputs", len(inputs)], "tail": [name, slot if len(shapes) > 1 else None]})
            inputs.append(f"{name}_{slot}")
    return {**graph, "inputs": inputs, "edges": edges}


def _is_json(text: str) -> bool:
    return text.lstrip().startswith("{")


def _bytes(content: Any) -> Dict[str, Any]:
    return {"base64": base64.b64encode(content).decode()}
