"""The bridge as a child process: lazily started, copied, forked, killed. Needs neither torch nor NNI."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import unittest
import warnings

from nnmeter_nni import _bridge
from nnmeter_nni.errors import BridgeDied, NnmeterError
from nnmeter_nni.table import Table


def exists(pid):
    """Whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for_end(pid, seconds=10):
    deadline = time.monotonic() + seconds
    while exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not exists(pid)


class Lifetime(unittest.TestCase):
    def setUp(self):
        self.bridge = _bridge.Bridge()
        self.addCleanup(self.bridge.close)

    def test_starts_with_the_first_call_and_again_after_it_was_closed(self):
        self.assertIsNone(self.bridge.pid)
        self.assertIn("predict", self.bridge.call("version")["methods"])
        first = self.bridge.pid
        self.bridge.close()
        self.assertTrue(wait_for_end(first))
        self.bridge.call("version")
        self.assertNotEqual(self.bridge.pid, first)

    def test_a_killed_process_is_replaced_and_said_so(self):
        for _ in range(3):
            self.bridge.call("version")
            before = self.bridge.pid
            os.kill(before, signal.SIGKILL)
            with self.assertWarnsRegex(RuntimeWarning, "ended by signal 9; it is started again"):
                self.bridge.call("version")
            self.assertNotEqual(self.bridge.pid, before)

    def test_what_ends_twice_in_a_call_is_an_error(self):
        bridge = _bridge.Bridge(["--devices", "no-such-device"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with self.assertRaises(BridgeDied):
                bridge.call("version")

    def test_copies_have_processes_of_their_own(self):
        self.bridge.call("version")
        for other in (copy.deepcopy(self.bridge), pickle.loads(pickle.dumps(self.bridge))):
            self.assertIsNone(other.pid)
            other.call("version")
            self.assertNotEqual(other.pid, self.bridge.pid)
            other.close()

    def test_a_forked_child_has_its_own_and_leaves_the_parents(self):
        self.bridge.call("version")
        before = self.bridge.pid
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                self.bridge.call("version")
                os.write(writer, str(self.bridge.pid).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            theirs = int(pipe.read())
        os.waitpid(child, 0)
        self.assertNotEqual(theirs, before)
        self.assertTrue(wait_for_end(theirs), "outlives the forked child")
        self.bridge.call("version")
        self.assertEqual(self.bridge.pid, before)

    def test_threads_get_their_own_answers(self):
        errors = []

        def ask(name):
            for _ in range(50):
                try:
                    self.bridge.call("devices.card", device=name)
                except NnmeterError as error:
                    if name not in error.subject:
                        errors.append((name, error))

        threads = [threading.Thread(target=ask, args=(f"device-{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])

    def test_does_not_outlive_the_interpreter(self):
        for end in ("pass", "import os; os._exit(1)", "import os, signal; os.kill(os.getpid(), 9)"):
            script = (
                "from nnmeter_nni import _bridge; b = _bridge.shared(); b.call('version');"
                f"print(b.pid, flush=True); {end}"
            )
            done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, timeout=60)
            self.assertTrue(wait_for_end(int(done.stdout)), end)


class Errors(unittest.TestCase):
    def test_have_all_that_the_service_says(self):
        with self.assertRaises(NnmeterError) as caught:
            _bridge.shared().call("devices.card", device="cortexA76")
        error = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual(error.code, 1)
        self.assertEqual(error.subject, 'device "cortexA76"')
        self.assertIn("did you mean cortexA76cpu_tflite21?", str(error))

    def test_of_parameters_that_are_no_json(self):
        with self.assertRaises(ValueError):
            _bridge.shared().call("version", x=float("nan"))


class Tables(unittest.TestCase):
    def setUp(self):
        choices = [{"name": "a", "options": ["0", "1"]}, {"name": "b", "options": ["0", "1", "2"]}]
        factors = [
            {"choices": [], "costs": [1.0]},
            {"choices": [0, 1], "costs": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]},
        ]
        device = "cortexA76cpu_tflite21"
        self.table = Table("space.table", name="t", choices=choices, factors=factors, device=device)

    def test_samples_are_within_the_budget_and_all_that_are(self):
        drawn = {tuple(sample) for sample in self.table.sample(3.5, 200, seed=1)}
        self.assertEqual(drawn, {(0, 0), (0, 1), (0, 2)})
        self.assertEqual(self.table.count(3.5)["possible"], "3")
        with self.assertRaisesRegex(NnmeterError, "needs 1 ms or more"):
            self.table.sample(0.5, 1, seed=1)

    def test_is_loaded_again_where_it_is_not(self):
        copied = pickle.loads(pickle.dumps(self.table))
        _bridge.shared().close()
        self.assertEqual(copied.cost([1, 2]), 6.0)
        self.assertEqual(self.table.expect([[0.5, 0.5], [1, 0, 0]])["expected_ms"], 2.5)


if __name__ == "__main__":
    unittest.main()
