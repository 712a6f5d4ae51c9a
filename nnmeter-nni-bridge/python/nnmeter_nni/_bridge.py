"""The program ``nnmeter-bridge serve --stdio`` as a child process: started when it is first needed,
and again where it has ended.

The protocol is JSON-RPC 2.0, a message a line. Pickles and copies of a :class:`Bridge` have no process
until they need one, and nor has a forked child. The process ends with this one, however that ends: its
input ends, and it watches for its parent, too.
"""

import atexit
import json
import os
import subprocess
import threading
import warnings
import weakref
from typing import Any, Dict, Optional, Sequence

from .errors import BridgeDied, NnmeterError
from .tuner import find_bridge

#: How long a single call may take, in seconds.
CALL_LIMIT_S = 600
#: How long the process has to end when it is told to, in seconds.
END_S = 5

_all: "weakref.WeakSet[Bridge]" = weakref.WeakSet()


class Bridge:
    """A connection to a process of its own. Calls of several threads wait for each other."""

    def __init__(self, options: Sequence[str] = ()) -> None:
        self.options = tuple(options)
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._process: Optional[subprocess.Popen] = None
        self._next = 0
        _all.add(self)

    def __getstate__(self) -> Dict[str, Any]:
        return {"options": self.options}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.options = state["options"]
        self._reset()

    @property
    def pid(self) -> Optional[int]:
        """The number of the process, if there is one."""
        return self._process.pid if self._process else None

    def call(self, method: str, **params: Any) -> Any:
        """The result of a method; parameters that are ``None`` are left out.

        Raises :class:`NnmeterError` where the answer is an error, and :class:`BridgeDied` where the
        process ended, was started again, and ended again.
        """
        given = {name: value for name, value in params.items() if value is not None}
        with self._lock:
            answer = self._ask(method, given)
            if answer is None:
                warnings.warn(f"{self._obituary()}; it is started again", RuntimeWarning, stacklevel=3)
                self.close()
                answer = self._ask(method, given)
            if answer is None:
                told = self._obituary()
                self.close()
                raise BridgeDied(
                    "nnmeter-bridge",
                    f"{told}, twice during {method}",
                    hint="what it printed to standard error tells why",
                )
        if "error" in answer:
            raise NnmeterError.of_answer(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """Ends the process; the next call starts another."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        _close_pipes(process)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _ask(self, method: str, params: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """The answer, or ``None`` if the process ended before it."""
        if self._process is None:
            self._process = self._start()
        self._next += 1
        request = {"jsonrpc": "2.0", "id": self._next, "method": method, "params": params}
        line = (json.dumps(request, allow_nan=False) + "\n").encode()
        try:
            self._write(line)
            return self._read(self._next)
        except OSError:
            return None

    def _start(self) -> subprocess.Popen:
        command = [find_bridge(), "serve", "--stdio", "--parent-pid", str(os.getpid())]
        command += ["--time-limit-s", str(CALL_LIMIT_S), *self.options]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def _write(self, line: bytes) -> None:
        """Writes a line, or ends the process: half a line would spoil the next."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[self._process.stdin.write(rest) :]
        except BaseException as error:
            if not isinstance(error, OSError):
                self.close()
            raise

    def _read(self, number: int) -> Optional[Dict[str, Any]]:
        """The answer of that number; answers to calls that were interrupted are passed over."""
        while True:
            line = self._line()
            if line is None:
                return None
            answer = json.loads(line)
            if answer.get("id") == number:
                return answer

    def _line(self) -> Optional[bytes]:
        parts = []
        while not parts or not parts[-1].endswith(b"\n"):
            part = self._process.stdout.readline()
            if not part:
                return None
            parts.append(part)
        return b"".join(parts)

    def _obituary(self) -> str:
        process = self._process
        try:
            code = process.wait(END_S)
        except subprocess.TimeoutExpired:
            return f"nnmeter-bridge (process {process.pid}) does not answer any more"
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return f"nnmeter-bridge (process {process.pid}) was ended {how}"


def shared() -> Bridge:
    """The one of this process that predictors and tables use."""
    return _shared


def _close_pipes(process: subprocess.Popen) -> None:
    for pipe in (process.stdin, process.stdout):
        try:
            pipe.close()
        except OSError:
            pass


def _forget() -> None:
    """In a forked child: the process is the parent's, and locks may be held by threads that are
    not here."""
    for bridge in list(_all):
        process = bridge._process
        bridge._reset()
        if process is not None:
            _close_pipes(process)
            process.returncode = 0  # Not ours to wait for.


def _close_all() -> None:
    for bridge in list(_all):
        bridge.close()


_shared = Bridge()
atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
