"""``python -m benchmarks.sdk [imports choice calls streams behaviour cold soak] [--quick]``; all of them by default."""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.sdk.peers import HERE, OURS, ROOT, Peer, prepare
from creative_services.testing.vendors import Fault, VendorServer

DRIVER = HERE / "drivers.py"
ROUNDS = 3


def drivers_of(peer: Peer) -> list[str]:
    """The drivers a peer has."""
    return ["ours_openai", "ours_anthropic", "ours_groq"] if peer is OURS else [peer.name]


def pinned(core: int) -> list[str]:
    """Client and server on a core each, where the system lets us choose."""
    return ["taskset", "-c", str(core)] if shutil.which("taskset") else []


@contextmanager
def vendor(*options: str) -> Iterator[str]:
    """The local vendor as a process of its own."""
    command = [*pinned(1), sys.executable, "-m", "creative_services.testing.vendors", "--port", "0", *options]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert server.stdout
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()


def drive(peer: Peer, name: str, work: str, url: str, count: int) -> dict[str, float | str]:
    """One measurement in the peer's own interpreter."""
    command = [*pinned(0), peer.python, DRIVER, name, work, url, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd="/")
    if done.returncode:
        return {"outcome": done.stderr.strip().splitlines()[-1][:90] if done.stderr else "failed"}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def table(title: str, rows: list[tuple[str, float]], unit: str, base: str) -> None:
    """Figures with their ratio to the row ``base``."""
    print(f"\n{title}\n{'':28}{unit:>12}{'ratio to ' + base:>24}")
    reference = dict(rows).get(base)
    for name, figure in rows:
        ratio = f"{figure / reference:>24.2f}" if reference else ""
        print(f"{name:28}{figure:>12,.1f}{ratio}")


def medians(peers: list[Peer], work: str, url: str, count: int, figure: str = "cpu") -> list[tuple[str, float]]:
    """The median of several rounds, every peer once a round so that the machine's mood is shared."""
    seen: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for peer in peers:
            for name in drivers_of(peer):
                got = drive(peer, name, work, url, count)
                if figure in got:
                    seen.setdefault(name, []).append(float(got[figure]))
                else:
                    print(f"{name}: {got}", file=sys.stderr)
    return [(name, statistics.median(figures)) for name, figures in seen.items()]


def imports(peers: list[Peer], quick: bool) -> None:
    """CPU of a fresh interpreter that imports."""
    rows: dict[str, list[float]] = {}
    for _ in range(3 if quick else 7):
        for name, python, statement in [("bare python", OURS.python, "pass")] + [
            (peer.name, peer.python, peer.statement) for peer in peers
        ]:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([*pinned(0), python, "-c", statement], check=True, cwd="/", capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            rows.setdefault(name, []).append(spent * 1000)
    table("import, CPU", [(n, statistics.median(f)) for n, f in rows.items()], "ms", "bare python")


def microseconds(work: Callable[[], object], rounds: int = 200_000) -> float:
    """The best of five: what it costs when nobody disturbs."""
    return min(timeit.repeat(work, number=rounds)) / rounds * 1e6


def choice(peers: list[Peer], quick: bool) -> None:
    """Look-ups in registries of every size."""
    from creative_services import DictRegistry, LLMEntry, LLMTier

    print("\nlook-up in a registry, wall\n     entries   get_by_tier     get_by_id          build")
    for size in (10, 1_000, 100_000) if quick else (10, 1_000, 100_000, 1_000_000):
        entries = [
            LLMEntry(
                id=n, name="m", provider="p", model="m", tier="standard", cost_per_1k_input=n, cost_per_1k_output=n
            )
            for n in range(size)
        ]
        started = time.perf_counter()
        registry = DictRegistry(entries)
        built = time.perf_counter() - started
        by_tier = microseconds(partial(registry.get_by_tier, LLMTier.STANDARD))
        by_id = microseconds(partial(registry.get_by_id, size // 2))
        print(f"{size:>12,}{by_tier:>11.3f} us{by_id:>11.3f} us{built * 1000:>12.1f} ms")


def calls(peers: list[Peer], quick: bool) -> None:
    """CPU per call, alone, fifty at once, and with a fallback armed."""
    count = 300 if quick else 1000
    with vendor() as url:
        for work, title in (("calls", "one call"), ("calls50", "fifty at once"), ("armed", "fallback armed")):
            rows = medians(peers, work, url, count)
            for base in ("openai", "anthropic", "groq"):
                mine = comparable(rows, base)
                table(f"{title}, {base} shape, CPU of the client", mine, "us", base)


def comparable(rows: list[tuple[str, float]], base: str) -> list[tuple[str, float]]:
    """The rows that speak the shape of ``base``; the general libraries are measured in OpenAI's."""
    general = ("pydantic_ai", "langchain", "any_llm", "litellm") if base == "openai" else ()
    return [row for row in rows if row[0] in (base, f"ours_{base}", *general)]


def streams(peers: list[Peer], quick: bool) -> None:
    """CPU per piece."""
    with vendor("--chunks", "100", "--text", "word " * 100) as url:
        rows = medians(peers, "pieces", url, 2_000 if quick else 10_000)
        for base in ("openai", "anthropic", "groq"):
            mine = comparable(rows, base)
            table(f"streaming, {base} shape, CPU per piece", mine, "us", base)


def behaviour(peers: list[Peer], quick: bool) -> None:
    """Seconds until the caller knows."""
    print("\nuntil the caller knows, wall seconds\n" + f"{'':28}{'429, then healthy':>26}{'hang, timeout=0.5':>26}")
    with VendorServer() as server:
        for peer in peers:
            for name in drivers_of(peer):
                # Enough 429s for the most stubborn retrier.
                server.script_for("busy", *[Fault.status(429, retry_after=7)] * 12)
                got = [drive(peer, name, work, server.url, 1) for work in ("handover", "timeout")]
                cells = [f"{g.get('seconds', 0):>8.3f} {g.get('outcome', '')!s:>17}" for g in got]
                print(f"{name:28}{cells[0]}{cells[1]}")
                server.clear()


def cold(peers: list[Peer], quick: bool) -> None:
    """A fresh process until its first answer."""
    rows: dict[str, list[float]] = {}
    with vendor() as url:
        for _ in range(3 if quick else 7):
            for peer in peers:
                for name in drivers_of(peer):
                    started = time.perf_counter()
                    if "outcome" not in drive(peer, name, "first", url, 1):
                        rows.setdefault(name, []).append((time.perf_counter() - started) * 1000)
    table("cold process to first answer, wall", [(n, statistics.median(f)) for n, f in rows.items()], "ms", "openai")


def soak(peers: list[Peer], quick: bool) -> None:
    """Memory and descriptors over many calls."""
    script = Path(__file__).with_name("soak.py")
    with vendor() as url:
        subprocess.run([*pinned(0), OURS.python, script, url, "5000" if quick else "50000"], check=True, cwd="/")


WORKS = {work.__name__: work for work in (imports, choice, calls, streams, behaviour, cold, soak)}


def main() -> None:
    """Prepare the peers, then measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sdk", description=__doc__)
    parser.add_argument("works", nargs="*", choices=[*WORKS, []], help="what to measure (default: everything)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args()
    peers = prepare()
    for name in options.works or WORKS:
        WORKS[name](peers, options.quick)


if __name__ == "__main__":
    main()
