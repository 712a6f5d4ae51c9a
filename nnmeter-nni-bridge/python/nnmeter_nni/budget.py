"""Budgets as ``nnmeter`` and ``nnmeter-bridge tuner`` take them: ``30ms@DEVICE``, ``20ms..30ms@DEVICE``,
``300Mmacs``."""

import math
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .errors import NnmeterError
from .table import Table

#: By unit: the metric, and how many of the unit of its tables one is; a suffix of another comes after it.
UNITS: Dict[str, Tuple[str, float]] = {
    "macs": ("macs", 1.0),
    "flops": ("flops", 1.0),
    "params": ("parameters", 1.0),
    "parameters": ("parameters", 1.0),
    "us": ("latency", 1e-3),
    "\u00b5s": ("latency", 1e-3),
    "ms": ("latency", 1.0),
    "s": ("latency", 1e3),
    "uJ": ("energy", 1e-3),
    "\u00b5J": ("energy", 1e-3),
    "mJ": ("energy", 1.0),
    "J": ("energy", 1e3),
}

#: Prefixes of the units of counts.
PREFIXES = {"k": 1e3, "M": 1e6, "G": 1e9}

#: By metric of a device: the suffix of keys in the service. Counts are their own.
SUFFIXES = {"latency": "ms", "energy": "mj"}


class Bounds(NamedTuple):
    """A cost, and its bounds in the unit of the service's tables: without any, the cost is told and
    nothing is vetoed."""

    metric: str
    device: Optional[str]
    lower: Optional[float] = None
    upper: Optional[float] = None

    @classmethod
    def parse(cls, text: str, device: Optional[str] = None) -> "Bounds":
        """``[LOW..]HIGH[@DEVICE]``; ``device`` is that of bounds that name none. Raises
        :class:`NnmeterError` for what is no budget."""
        bounds, _, named = text.partition("@")
        low, dots, high = bounds.rpartition("..")
        sides = [_amount(text, side) for side in (low, high)]
        metrics = {side[0] for side in sides if side is not None}
        if len(metrics) != 1 or "@" in text and not named:
            raise _bad(text)
        metric = metrics.pop()
        if metric not in SUFFIXES:
            device = None
        if named and metric not in SUFFIXES or not (named or device) and metric in SUFFIXES:
            raise _bad(text)
        lower, upper = (side and side[1] for side in sides)
        if upper is not None and upper <= (lower or 0.0):
            raise _bad(text)
        return cls(metric, named or device, lower, upper)

    @property
    def suffix(self) -> str:
        """Of keys: ``at_most_ms``."""
        return SUFFIXES.get(self.metric, self.metric)

    @property
    def is_bound(self) -> bool:
        """Whether there is any bound."""
        return self.lower is not None or self.upper is not None

    def table(self, space: Any) -> Table:
        """What the architectures of a space cost."""
        request = {"space": space, "metric": self.metric}
        if self.device is not None:
            request["device"] = self.device
        return Table("space.compile", **request)

    def limit(self, table: Table) -> Dict[str, Any]:
        """The bounds as the service takes them."""
        bounds = {f"at_least_{self.suffix}": self.lower, f"at_most_{self.suffix}": self.upper}
        return {"table": table.handle, **{key: bound for key, bound in bounds.items() if bound is not None}}

    def holds(self, cost: float) -> bool:
        """Whether a cost is within the bounds."""
        return (self.lower is None or cost >= self.lower) and (self.upper is None or cost <= self.upper)

    def told(self, cost: float) -> Dict[str, Any]:
        """A cost as trials are told it."""
        metric = f"{self.metric}_{self.suffix}" if self.device else self.metric
        device = None if self.device is None else self.device.split("@")[0]
        return {"metric": metric, "device": device, "value": cost}


def asked(budget: Sequence[str], devices: Sequence[str]) -> List[Bounds]:
    """All bounds, and the latency on the devices that have none. One device alone is that of bounds that
    name none."""
    only = devices[0] if len(devices) == 1 else None
    bounds = [Bounds.parse(text, only) for text in budget]
    named = {bound.device for bound in bounds}
    return bounds + [Bounds("latency", device) for device in devices if device not in named]


def _amount(text: str, side: str) -> Optional[Tuple[str, float]]:
    """The metric and the number in its unit of one side; None of an empty one."""
    side = side.strip()
    if not side:
        return None
    unit = next((unit for unit in UNITS if side.endswith(unit)), None)
    if unit is None:
        raise _bad(text)
    metric, factor = UNITS[unit]
    number = side[: -len(unit)]
    if metric not in SUFFIXES and number[-1:] in PREFIXES:
        number, factor = number[:-1], PREFIXES[number[-1]]
    try:
        value = float(number) * factor
    except ValueError:
        raise _bad(text) from None
    if not math.isfinite(value):
        raise _bad(text)
    return metric, value


def _bad(text: str) -> NnmeterError:
    return NnmeterError(
        f"budget {text!r}",
        "cannot be read",
        "[LOW..]HIGH[@DEVICE] as in 30ms@DEVICE, 20ms..30ms@DEVICE, 12mJ@DEVICE (one `device` may name it), "
        "300Mmacs, 600Mflops or 5Mparams",
    )
