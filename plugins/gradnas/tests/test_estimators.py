"""Importance by gradients, as every importance."""

from espalier.testing import ImportanceContract
from espalier_gradnas.estimators import MaskGradient, Taylor


class TestMaskGradient(ImportanceContract):
    def make(self):
        return MaskGradient


class TestTaylor(ImportanceContract):
    def make(self):
        return Taylor
