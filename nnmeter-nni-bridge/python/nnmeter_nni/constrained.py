"""NNI's own tuners under a budget: what they propose is vetoed where its architecture costs too much."""

import json
import logging
import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import nni
from nni.tools.package_utils import create_builtin_class_instance
from nni.tuner import Tuner

from .budget import Bounds, asked
from .errors import NnmeterError
from .table import Table

# Below the logger that NNI writes to its dispatcher.log.
_logger = logging.getLogger("nni.nnmeter")

#: What the only option of a choice starts with that stands for an architecture, as in NnmeterTuner.
PREFIX = "nnmeter:"
#: Between the name of a parameter and that of a choice of its architecture.
WITHIN = "/"


class LatencyConstrainedTuner(Tuner):
    """Any tuner of NNI, with proposals over budget vetoed.

    A parameter ``{"_type": "choice", "_value": ["nnmeter:spos"]}`` of the search space stands for an
    architecture (of a built-in space, or of a JSON file): the inner tuner sees a choice for each of its
    choices, and trials get what those of ``NnmeterTuner`` get. A vetoed proposal is a failed trial to the
    inner tuner. After ``patience`` vetoes in a row, an architecture drawn uniformly from those within
    budget takes the place of the proposed one; what comes of it is imported to the inner tuner as data.

    Parameters
    ----------
    inner
        ``{"name": "TPE", "classArgs": {...}}``.
    budget
        As for NnmeterTuner: ``["60ms@cortexA76cpu_tflite21", "300Mmacs"]``.
    device
        Devices whose latency trials are told even without a bound.
    patience
        How many proposals in a row may be vetoed.
    seed
        Seed of the architectures that replace vetoed ones.
    """

    def __init__(
        self,
        inner: Dict[str, Any],
        budget: Sequence[str],
        device: Sequence[str] = (),
        patience: int = 100,
        seed: int = 0,
    ) -> None:
        self.inner = create_builtin_class_instance(inner["name"], inner.get("classArgs") or {}, "tuners")
        self.budget = asked(budget, device)
        self.patience = patience
        self.seed = seed
        self.vetoed = 0
        self._next = 0
        self._architectures: Dict[str, "Architecture"] = {}
        #: By NNI's number of a trial: the inner tuner's, and what it proposed; no number where the
        #: proposal was replaced.
        self._trials: Dict[int, Tuple[Optional[int], Dict[str, Any]]] = {}

    def update_search_space(self, search_space: Dict[str, Any]) -> None:
        """Hands the inner tuner a search space with the choices of architectures spelt out."""
        expanded: Dict[str, Any] = {}
        self._architectures = {}
        for name, parameter in search_space.items():
            space = _space_of(name, parameter)
            if space is None:
                expanded[name] = parameter
                continue
            architecture = Architecture(name, space, self.budget)
            self._architectures[name] = architecture
            expanded.update(architecture.parameters())
        self.inner.update_search_space(expanded)

    def generate_parameters(self, parameter_id: int, **kwargs: Any) -> Dict[str, Any]:
        """A proposal of the inner tuner within budget."""
        proposal: Dict[str, Any] = {}
        for _ in range(self.patience):
            number, proposal = self._propose()
            folded = self._fold(proposal)
            if all(self._is_within(architecture, folded) for architecture in self._architectures.values()):
                self._trials[parameter_id] = (number, proposal)
                return folded
            self.vetoed += 1
            _logger.info("vetoed (%d so far): %s", self.vetoed, json.dumps(folded))
            self.inner.trial_end(number, False)
        return self._replaced(parameter_id, proposal)

    def receive_trial_result(self, parameter_id: int, parameters: Any, value: Any, **kwargs: Any) -> None:
        """Tells the inner tuner what came of a proposal."""
        number, proposal = self._trials[parameter_id]
        if number is None:
            self.inner.import_data([{"parameter": proposal, "value": value}])
        else:
            self.inner.receive_trial_result(number, proposal, value, **kwargs)

    def trial_end(self, parameter_id: int, success: bool, **kwargs: Any) -> None:
        """Tells the inner tuner that a trial has ended."""
        number, _ = self._trials.get(parameter_id, (None, {}))
        if number is not None:
            self.inner.trial_end(number, success, **kwargs)

    def import_data(self, data: List[Dict[str, Any]]) -> None:
        """Hands results of earlier trials on."""
        self.inner.import_data([{**entry, "parameter": self._unfold(entry["parameter"])} for entry in data])

    def _propose(self) -> Tuple[int, Dict[str, Any]]:
        number, self._next = self._next, self._next + 1
        proposals = self.inner.generate_multiple_parameters([number])
        if not proposals:
            raise nni.NoMoreTrialError("the inner tuner has no more proposals")
        return number, proposals[0]

    def _replaced(self, parameter_id: int, proposal: Dict[str, Any]) -> Dict[str, Any]:
        _logger.warning("%d proposals in a row were over budget: the architecture is drawn", self.patience)
        for architecture in self._architectures.values():
            self.seed += 1
            proposal = {**proposal, **architecture.draw(self.seed)}
        self._trials[parameter_id] = (None, proposal)
        return self._fold(proposal)

    @staticmethod
    def _is_within(architecture: "Architecture", folded: Dict[str, Any]) -> bool:
        costs = [cost["value"] for cost in folded[architecture.name]["costs"]]
        return all(bounds.holds(cost) for bounds, cost in zip(architecture.budget, costs))

    def _fold(self, proposal: Dict[str, Any]) -> Dict[str, Any]:
        folded = dict(proposal)
        for architecture in self._architectures.values():
            folded[architecture.name] = architecture.fold(folded)
        return folded

    def _unfold(self, parameters: Dict[str, Any]) -> Dict[str, Any]:
        unfolded = dict(parameters)
        for name, architecture in self._architectures.items():
            unfolded.update(architecture.unfold(unfolded.pop(name)))
        return unfolded


class Architecture:
    """A parameter that stands for an architecture."""

    def __init__(self, name: str, space: str, budget: List[Bounds]) -> None:
        self.name = name
        self.space = space
        self.budget = budget
        definition: Any = json.loads(Path(space).read_text()) if Path(space).is_file() else space
        self.tables = [bounds.table(definition) for bounds in budget]
        self.choices: List[Dict[str, Any]] = Table.load_space(definition)["choices"]
        self.draw(0)

    def parameters(self) -> Dict[str, Any]:
        """The choices, in NNI's words."""
        return {
            self._key(choice): {"_type": "choice", "_value": choice["options"]} for choice in self.choices
        }

    def fold(self, proposal: Dict[str, Any]) -> Dict[str, Any]:
        """Takes the options of all choices out of a proposal; as a trial gets them."""
        sample = {choice["name"]: proposal.pop(self._key(choice)) for choice in self.choices}
        pairs = zip(self.budget, self.tables)
        costs = [bounds.told(table.cost(sample)) for bounds, table in pairs]
        return {"space": self.space, "sample": sample, "costs": costs}

    def unfold(self, folded: Dict[str, Any]) -> Dict[str, Any]:
        """As the inner tuner knows an architecture that a trial got."""
        sample = folded["sample"]
        return {self._key(c): str(sample.get(c["name"], c["options"][0])) for c in self.choices}

    def draw(self, seed: int) -> Dict[str, Any]:
        """An architecture within budget. Raises :class:`NnmeterError` if there is none."""
        for table in self.tables:
            table.load()
        pairs = zip(self.budget, self.tables)
        limits = [bounds.limit(table) for bounds, table in pairs if bounds.is_bound]
        indices = self.tables[0].draw(limits, seed)
        return {self._key(c): c["options"][index] for c, index in zip(self.choices, indices)}

    def _key(self, choice: Dict[str, Any]) -> str:
        return f"{self.name}{WITHIN}{choice['name']}"


def _space_of(name: str, parameter: Dict[str, Any]) -> Optional[str]:
    """The space of architectures that a parameter stands for, if it does."""
    values = parameter.get("_value")
    told = [v for v in values if isinstance(v, str) and v.startswith(PREFIX)] if values else []
    if not told:
        return None
    if len(values) != 1 or parameter.get("_type") != "choice":
        raise NnmeterError(
            f"parameter {name!r}", f"has {told[0]!r} among others", "a choice of it alone"
        )
    return os.path.expanduser(told[0][len(PREFIX) :])
