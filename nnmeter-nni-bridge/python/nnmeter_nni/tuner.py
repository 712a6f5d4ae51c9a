"""The tuner as NNI's configuration names it: a Python class that becomes ``nnmeter-bridge tuner``."""

import json
import os
import shutil
from pathlib import Path


def find_bridge() -> str:
    """The program: ``$NNMETER_BRIDGE``, or beside this file, or on the PATH."""
    named = os.environ.get("NNMETER_BRIDGE")
    beside = Path(__file__).with_name("nnmeter-bridge")
    found = named or (str(beside) if beside.is_file() else shutil.which("nnmeter-bridge"))
    if not found:
        raise FileNotFoundError(
            "nnmeter-bridge: is neither beside the package nnmeter_nni nor on the PATH; "
            "set NNMETER_BRIDGE to its path"
        )
    return found


class NnmeterTuner:
    """Proposes parameters, and architectures within a budget. Its arguments are the options that
    ``nnmeter-bridge tuner --help`` lists; this process becomes that program."""

    def __init__(self, **class_args):
        bridge = find_bridge()
        os.environ["NNMETER_TUNER_ARGS"] = json.dumps(class_args)
        os.execv(bridge, [bridge, "tuner"])
