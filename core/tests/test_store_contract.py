"""The contract of stores holds for the one in memory, and finds what is wrong with others."""

from espalier.studies import MemoryStore
from espalier.testing import TrialStoreContract


class TestMemoryStore(TrialStoreContract):
    lasting = False

    def make(self, folder):
        return MemoryStore()
