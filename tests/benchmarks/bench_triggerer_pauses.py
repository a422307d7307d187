"""Notes every long garbage collection. The benchmarked Airflow loads it as its ``airflow_local_settings``."""

import gc
import os
import sys
import time
from pathlib import Path

_LONG_SECONDS = 0.05


def note(phase: str, info: dict[str, int]) -> None:
    """Write down the process, the generation, and the seconds on the clock and of the processor."""
    now = time.perf_counter(), time.thread_time()
    if phase == "start":
        _begun[:] = now
    elif now[0] - _begun[0] > _LONG_SECONDS:
        seconds, of_processor = (end - start for start, end in zip(_begun, now, strict=True))
        with Path(os.environ["AIRFLOW_HOME"], "pauses.txt").open("a") as file:
            file.write(f"{os.getpid()} {info['generation']} {seconds:.3f} {of_processor:.3f}\n")


_begun = [0.0, 0.0]
if "triggerer" in sys.argv:
    gc.callbacks.append(note)
