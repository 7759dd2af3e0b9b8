"""Fly a stretch of a run that was stopped, and print a hash of all its bytes at every tick.

    python -m tests.stretch CHECKPOINT TICKS

Run twice, compiled and with LEADLINE_INTERPRET=1, it shows whether both computed the same.
"""

import hashlib
import sys
import warnings
from pathlib import Path

from sim.run.loop import RUN, as_rows, fly_ticks


def main(checkpoint: str, ticks: int) -> None:
    """Print one line a tick: its number, the flight mode, the hash of the whole run."""
    warnings.filterwarnings("ignore", "overflow", RuntimeWarning)  # the dice wrap on purpose
    rows = as_rows(RUN.from_bytes(Path(checkpoint).read_bytes()))
    for _ in range(ticks):
        fly_ticks(rows, 1)
        core = rows["state"]["core"]
        mode = int(core["executive"]["mode"][0])
        counts = core["navigation"]["intake"]["verdicts"][0]
        digest = hashlib.sha256(rows.tobytes()).hexdigest()[:16]
        print(rows["world"]["tick"][0], mode, "/".join(map(str, counts)), digest)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
