"""``python -m benchmarks.gateway [throughput latency streams callers ledger legs] [--quick]``; all of them by default.

The server under measurement has one core, everything else the other. Read ratios: they were taken in one run.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable

from benchmarks.gateway.crowds import patience, streams
from benchmarks.gateway.deaths import deaths
from benchmarks.gateway.processes import OTHER_CORE
from benchmarks.gateway.rates import latency, legs, throughput

PARTS: dict[str, Callable[[bool], None]] = {
    "throughput": throughput, "latency": latency, "streams": streams, "callers": patience, "ledger": deaths,
    "legs": legs,
}  # fmt: skip


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    parser.add_argument("--quick", action="store_true", help="shorter runs, for a look")
    given = parser.parse_args()
    os.sched_setaffinity(0, {OTHER_CORE})
    load, began = ", ".join(f"{each:.1f}" for each in os.getloadavg()), time.monotonic()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load before: {load}")
    for name in given.parts or PARTS:
        PARTS[name](given.quick)
    print(f"\n{time.monotonic() - began:.0f} s in all")


main()
