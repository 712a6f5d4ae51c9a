"""The tuner as NNI's configuration names it: a Python class that becomes ``nnmeter-bridge tuner``."""

import json
import os
import shutil
import site
import sysconfig


def find_bridge() -> str:
    """The program: ``$NNMETER_BRIDGE``, or where pip puts programs, or on the PATH."""
    named = os.environ.get("NNMETER_BRIDGE")
    scripts = os.pathsep.join([sysconfig.get_path("scripts"), os.path.join(site.getuserbase(), "bin")])
    found = named or shutil.which("nnmeter-bridge", path=scripts) or shutil.which("nnmeter-bridge")
    if not found:
        raise FileNotFoundError(
            "nnmeter-bridge: is neither among the programs of this Python nor on the PATH; "
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
