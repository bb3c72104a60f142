"""Seeded documents of the language for fuzzing, for the comparison with a peer, and for the benchmarks.

The same seed gives the same documents, on every machine. `valid` follows the reference, not what either side takes;
so whatever one of them refuses of it is news.
"""

from tests.generate.faults import with_fault
from tests.generate.mixed import mixed
from tests.generate.mutate import mutated
from tests.generate.pairs import Pair, pairs
from tests.generate.sections import STRATEGIES
from tests.generate.specs import Case, document, documents, text_of

__all__ = [
    "STRATEGIES",
    "Case",
    "Pair",
    "document",
    "documents",
    "mixed",
    "mutated",
    "pairs",
    "text_of",
    "with_fault",
]
