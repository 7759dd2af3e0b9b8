"""Random draws of a campaign, addressed by seed, stream and number; no run uses these streams."""

import numpy as np

from fsw.framework.codes import Code
from fsw.framework.kernel import kernel
from sim.common.random_streams import stream_key, uniform, word

# shift that leaves 51 bits of a word, so many as a seed may have
SEED_SHIFT = np.uint64(13)


class CampaignStream(Code):
    """Random streams of a campaign's sampling."""

    SEEDS = 4090
    DRAWS = 4091
    SEQUENCE = 4092
    SHUFFLE = 4093


@kernel
def run_seed(master, index):
    """Seed of a run: a hash of the campaign's seed and the run's index, below 2**51."""
    return np.int64(word(stream_key(master, CampaignStream.SEEDS), index) >> SEED_SHIFT)


@kernel
def draw_uniform(seed, stream, n):
    """Draw n of a stream of a seed, uniform in [0, 1)."""
    return uniform(stream_key(seed, stream), n)
