"""nnmeter for NNI experiments. The work is done by the program ``nnmeter-bridge``."""

from .tuner import NnmeterTuner

__all__ = ["NnmeterTuner"]
