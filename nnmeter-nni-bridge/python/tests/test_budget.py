"""Budgets as the command line takes them."""

import unittest

from nnmeter_nni.budget import Bounds, asked
from nnmeter_nni.errors import NnmeterError


class Budgets(unittest.TestCase):
    def test_are_read_with_their_units(self):
        for text, bounds in {
            "0.03 s@phone@1.0": ("latency", "phone@1.0", None, 30.0),
            "20ms..30ms@phone": ("latency", "phone", 20.0, 30.0),
            "20ms..@phone": ("latency", "phone", 20.0, None),
            "12mJ@phone": ("energy", "phone", None, 12.0),
            "300Mmacs": ("macs", None, None, 3e8),
            "4Mparams..5Mparams": ("parameters", None, 4e6, 5e6),
        }.items():
            self.assertEqual(Bounds.parse(text), bounds)

    def test_refuse_what_is_none(self):
        for text in ("", "..", "30", "30ms", "30ms@", "30ms..20ms@phone", "1ms..2mJ@phone", "0ms@phone",
                     "3Mmacs@phone", "3Mms@phone", "infms@phone", "latency@phone<=30ms"):
            with self.assertRaises(NnmeterError, msg=text):
                Bounds.parse(text)

    def test_devices_are_told_and_stand_in(self):
        self.assertEqual(asked(["30ms"], ["phone"]), [("latency", "phone", None, 30.0)])
        both = [("latency", "phone", None, 30.0), ("latency", "tablet", None, None)]
        self.assertEqual(asked(["30ms@phone"], ["phone", "tablet"]), both)
        with self.assertRaises(NnmeterError):
            asked(["30ms"], ["phone", "tablet"])


if __name__ == "__main__":
    unittest.main()
