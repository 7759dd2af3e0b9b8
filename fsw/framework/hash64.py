"""A hash of a record, the same on every machine, by which two ends compare their state.

FNV-1a taken over 64-bit words instead of bytes (Fowler, Noll, Vo; RFC 9923 gives offset and
prime). Multiplication by an odd prime is a bijection of the 64-bit integers, so a record that
differs in a single word always hashes differently; this is no defence against malice. The
product carries upwards only, so the upper half is folded down after it: two flipped signs, of
which a quaternion and its negative make four, would cancel otherwise.
"""

import numpy as np

from fsw.framework.kernel import kernel
from fsw.framework.kernel_cache import INTERPRETED

if INTERPRETED:
    # a hash wraps around, of which NumPy's scalars warn
    np.seterr(over="ignore")

HASH_OFFSET = np.uint64(0xCBF29CE484222325)
HASH_PRIME = np.uint64(0x00000100000001B3)
HASH_FOLD = np.uint64(32)


@kernel
def hash_words(words, first, count, seed):
    """Hash of `count` uint64 words from `first` on, continuing from `seed` (HASH_OFFSET to begin).

    Continuing is exact: the hash of a whole is the hash of its end seeded by that of its start.
    """
    h = seed
    for i in range(first, first + count):
        h = (h ^ words[i]) * HASH_PRIME
        h = h ^ (h >> HASH_FOLD)
    return h
