"""Requests per second, added latency, and the ways to a vendor compared: closed loops, everyone in turn each round."""

import os
import statistics
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.gateway.contenders import Served, gateway, others, own
from benchmarks.gateway.legs import LEGS
from benchmarks.gateway.load import Rate, hammer
from benchmarks.gateway.processes import upstream

OURS = "creative_services"
DIRECTLY = "the vendor directly"


def _rounds(
    served: Mapping[str, Served], *, connections: int, seconds: int, rounds: int, streamed: bool = False
) -> dict[str, list[Rate]]:
    for each in served.values():  # what is loaded or compiled at the first call is loaded now
        hammer(each.url, each.pid, connections=connections, seconds=1, streamed=streamed)
    # Each in turn once a round, so that what else the machine does meets all of them.
    seen: dict[str, list[Rate]] = {name: [] for name in served}
    for _ in range(rounds):
        for name, each in served.items():
            seen[name].append(hammer(each.url, each.pid, connections=connections, seconds=seconds, streamed=streamed))
    return seen


def throughput(quick: bool) -> None:
    """At 64 connections, beside the same server's static answer, a bare relay, nginx, Rust routers and LiteLLM."""
    seconds, rounds = (1, 1) if quick else (2, 3)
    with ExitStack() as stack:
        vendor = stack.enter_context(upstream())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        served = {
            OURS: stack.enter_context(gateway(vendor, folder)),
            "our relay, bare": stack.enter_context(own("relay", vendor)),
            "our server, static": stack.enter_context(own("static", vendor)),
            **others(stack, vendor, folder),
        }
        seen = _rounds(served, connections=64, seconds=seconds, rounds=rounds)
    print("\nPlain answers at 64 connections, one core; of the rounds the best (requests/s) and the cheapest (CPU)")
    print(f"{'':24}{'requests/s':>11}{'ours is':>10}{'CPU us':>9}{'p50 ms':>9}{'p99 ms':>9}")
    ours = max(rate.per_second for rate in seen[OURS])
    for name, runs in seen.items():
        best = max(runs, key=lambda rate: rate.per_second)
        cheapest = min(rate.cpu for rate in runs) * 1e6
        print(
            f"{name:24}{best.per_second:>11,.0f}{ours / max(1.0, best.per_second):>9.2f}x{cheapest:>9.1f}"
            f"{best.p50 * 1e3:>9.2f}{best.p99 * 1e3:>9.2f}" + (f"  {best.bad} were no answers" if best.bad else "")
        )


def latency(quick: bool) -> None:
    """What one connection waits longer for than without anybody between."""
    seconds, rounds = (1, 2) if quick else (2, 4)
    with ExitStack() as stack:
        vendor = stack.enter_context(upstream())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        served = {
            DIRECTLY: Served(url=vendor, pid=os.getpid()),
            OURS: stack.enter_context(gateway(vendor, folder)),
            **others(stack, vendor, folder),
        }
        seen = _rounds(served, connections=1, seconds=seconds, rounds=rounds)
    direct = {name: statistics.median(getattr(rate, name) for rate in seen[DIRECTLY]) for name in ("p50", "p99")}
    print("\nAdded latency at one connection, ms; medians of the rounds (nginx: what any process on another core adds)")
    print(f"{'':24}{'p50':>9}{'p99':>9}{'added p50':>12}{'added p99':>12}")
    for name, runs in seen.items():
        told = {each: statistics.median(getattr(rate, each) for rate in runs) for each in ("p50", "p99")}
        added = "".join(f"{(told[each] - direct[each]) * 1e3:>12.3f}" for each in ("p50", "p99"))
        print(f"{name:24}{told['p50'] * 1e3:>9.3f}{told['p99'] * 1e3:>9.3f}{added}")


def legs(quick: bool) -> None:
    """The gateway with each way to a vendor, by what an answer costs; wall time says little on a busy machine."""
    seconds, rounds = (1, 1) if quick else (1, 5)
    shapes = (("plain, 1 connection", 1, False), ("plain, 64", 64, False), ("streams of 100 events, 16", 16, True))
    with ExitStack() as stack:
        vendor = stack.enter_context(upstream())
        served = {name: stack.enter_context(own(name, vendor)) for name in LEGS}
        print(
            "\nThe gateway's work over each way to a vendor; of the rounds the cheapest (CPU) and the best (requests/s)"
        )
        print(f"{'':28}" + "".join(f"{name + ' CPU us':>18}{'/s':>8}" for name in LEGS))
        for words, connections, streamed in shapes:
            seen = _rounds(served, connections=connections, seconds=seconds, rounds=rounds, streamed=streamed)
            cells = [
                f"{min(rate.cpu for rate in runs) * 1e6:>18.1f}{max(rate.per_second for rate in runs):>8,.0f}"
                for runs in seen.values()
            ]
            print(f"{words:28}" + "".join(cells))
