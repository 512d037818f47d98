"""Many at once: streams held open, first words, and callers of a slow vendor."""

import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop

from benchmarks.gateway.callers import answers, callers, quantile
from benchmarks.gateway.contenders import Served, gateway
from benchmarks.gateway.processes import memory, threads, upstream


def streams(quick: bool) -> None:
    """Memory and threads of many streams at once, and how much later a first word comes."""
    count = 500 if quick else 2000
    # Two words a second each: what is measured is the holding, and this machine also has to play all the callers.
    with _between(gap=0.5, events=20) as (_, served):
        uvloop.run(_held(served.url, served.pid, count))
    with _between(delay=0.05, gap=0.05, events=20) as (vendor, served):
        _first_words(vendor, served.url, 64 if quick else 256)


@contextmanager
def _between(delay: float = 0.0, gap: float = 0.0, events: int = 1) -> Iterator[tuple[str, Served]]:
    """A vendor's address, and the gateway before it."""
    with ExitStack() as stack:
        vendor = stack.enter_context(upstream(delay, gap, events))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        yield vendor, stack.enter_context(gateway(vendor, Path(folder)))


async def _held(url: str, pid: int, count: int) -> None:
    warm = await answers(url, 64, streamed=True)
    assert len(warm) == 64
    before, alone = memory(pid), threads(pid)
    held = await callers(url, count, streamed=True, within=2.0)
    await asyncio.sleep(3.0)
    under_way = sum(1 for caller in held if caller.answered.first and not caller.done.done())
    each = (memory(pid) - before) / count / 1024
    more = threads(pid) - alone
    print(f"\n{count:,} streams at once on one worker: {under_way:,} flowing, {each:.1f} KiB each, {more} threads more")
    ended = await asyncio.gather(*(caller.done for caller in held))
    assert all(answered.good for answered in ended)


def _first_words(vendor: str, url: str, count: int) -> None:
    uvloop.run(answers(url, 16, streamed=True))
    print(f"First word of {count} streams begun over {count / 64:.0f} s, ms")
    medians = {}
    for name, where in (("the vendor directly", vendor), ("creative_services", url)):
        seen = [each.first * 1e3 for each in uvloop.run(answers(where, count, streamed=True, within=count / 64))]
        medians[name] = statistics.median(seen)
        print(f"{name:24}p50 {medians[name]:8.2f}   p99 {quantile(seen, 0.99):8.2f}")
    print(f"delayed by {medians['creative_services'] - medians['the vendor directly']:.2f} ms at the median")


def patience(quick: bool) -> None:
    """500 callers of a vendor that takes half a second."""
    print("\n500 callers of a vendor that takes 500 ms, begun over half a second; ms, the best of the rounds")
    with _between(delay=0.5) as (vendor, served):
        for name, where in (("the vendor directly", vendor), ("creative_services", served.url)):
            uvloop.run(answers(where, 500, streamed=False, within=0.5))
            rounds = [uvloop.run(answers(where, 500, streamed=False, within=0.5)) for _ in range(1 if quick else 3)]
            took = min(([each.last * 1e3 for each in seen] for seen in rounds), key=lambda ms: quantile(ms, 0.99))
            print(f"{name:24}p50 {statistics.median(took):8.1f}   p99 {quantile(took, 0.99):8.1f}")
