"""Constraints as ``nnmeter-bridge tuner`` takes them: ``latency@cortexA76cpu_tflite21<=30ms``."""

import re
from typing import Any, Dict, NamedTuple, Optional

from .errors import NnmeterError
from .table import Table

#: By metric: the suffix of keys in the service, and how many of that a unit is.
UNITS = {
    "latency": ("ms", {"us": 1e-3, "ms": 1.0, "s": 1e3}),
    "energy": ("mj", {"uJ": 1e-3, "mJ": 1.0, "J": 1e3}),
    "macs": ("macs", {"": 1.0}),
    "flops": ("flops", {"": 1.0}),
    "parameters": ("parameters", {"": 1.0}),
}

_COST = re.compile(r"\s*(\w+)(?:@([^<>=\s]+))?\s*(?:(<=|>=)\s*(.+))?")
_BOUND = re.compile(r"([-+.\deE]*\d\.?)\s*([A-Za-z]*)\s*")


class Constraint(NamedTuple):
    """A cost, and its bound in the unit of the service's tables: without one, the cost is told and
    nothing is vetoed."""

    metric: str
    device: Optional[str]
    is_most: bool
    bound: Optional[float]

    @classmethod
    def parse(cls, text: str) -> "Constraint":
        """Raises :class:`NnmeterError` for what is no constraint."""
        found = _COST.fullmatch(text)
        if found is None or found[1] not in UNITS:
            raise _bad(text)
        metric, device, sign, bound = found.groups()
        if (device is not None) != (metric in ("latency", "energy")):
            raise _bad(text)
        return cls(metric, device, sign == "<=", None if bound is None else _value(text, metric, bound))

    @property
    def suffix(self) -> str:
        """Of keys: ``at_most_ms``."""
        return UNITS[self.metric][0]

    def table(self, space: Any) -> Table:
        """What the architectures of a space cost."""
        request = {"space": space, "metric": self.metric}
        if self.device is not None:
            request["device"] = self.device
        return Table("space.compile", **request)

    def limit(self, table: Table) -> Dict[str, Any]:
        """The constraint as the service takes it; there has to be a bound."""
        side = "at_most" if self.is_most else "at_least"
        return {"table": table.handle, f"{side}_{self.suffix}": self.bound}

    def holds(self, cost: float) -> bool:
        """Whether a cost is within the bound."""
        if self.bound is None:
            return True
        return cost <= self.bound if self.is_most else cost >= self.bound

    def told(self, cost: float) -> Dict[str, Any]:
        """A cost as trials are told it."""
        metric = f"{self.metric}_{self.suffix}" if self.device else self.metric
        device = None if self.device is None else self.device.split("@")[0]
        return {"metric": metric, "device": device, "value": cost}


def _value(text: str, metric: str, bound: str) -> float:
    found = _BOUND.fullmatch(bound)
    if found is None or found[2] not in UNITS[metric][1]:
        raise _bad(text)
    try:
        return float(found[1]) * UNITS[metric][1][found[2]]
    except ValueError:
        raise _bad(text) from None


def _bad(text: str) -> NnmeterError:
    return NnmeterError(
        f"constraint {text!r}",
        "cannot be read",
        "COST, COST<=BOUND or COST>=BOUND, where COST is latency@DEVICE, energy@DEVICE, macs, flops or "
        "parameters, and BOUND has a unit for latency (us, ms, s) and energy (uJ, mJ, J)",
    )
