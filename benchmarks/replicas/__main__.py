"""``python -m benchmarks.replicas [roster choice failover route registrations simulation] [--quick]``.

LITEREGISTRY_PYTHON names an interpreter that has literegistry 1.0.63; without it only ours is measured.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.replicas.load import Held, rate, register
from benchmarks.replicas.simulation import CHOOSERS, mean_of

# Other programs run here too: each case in turn, several times, and the least disturbed round is told.
ROUNDS = 3
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SIDES = {"ours": sys.executable, **({"theirs": p} if (p := os.environ.get("LITEREGISTRY_PYTHON")) else {})}


def pinned(core: int) -> list[str]:
    """Client and server on a core each, where the system lets us choose."""
    return ["taskset", "-c", str(core)] if shutil.which("taskset") else []


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def running(*command: str, core: int = 1, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server as a process of its own, once it takes connections."""
    import socket

    process = subprocess.Popen(
        [*pinned(core), *command], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait()


def drive(side: str, work: str, where: str, count: int, *uris: str) -> dict[str, float]:
    """One measurement in its own interpreter."""
    command = [*pinned(0), SIDES[side], str(HERE / "drivers.py"), side, work, where, str(count), *uris]
    environment = {**os.environ, "PYTHONPATH": str(ROOT) if side == "ours" else ""}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environment, cwd="/")
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


@contextmanager
def places() -> Iterator[dict[str, Any]]:
    """A fresh place of each kind of store, as often as asked."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        redis = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with running(*redis, port=port):
            numbers = iter(range(100))
            yield {
                "redis": lambda: f"redis://127.0.0.1:{port}/{next(numbers) % 16}",
                "files": lambda: f"file://{folder}/{next(numbers)}",
                "sqlite": lambda: f"sqlite:///{folder}/{next(numbers)}.db",
            }


def roster(quick: bool) -> None:
    """A roster of a thousand servers, from each store."""
    print("\nA roster of 1,000 servers, ms")
    with places() as stores:
        for name, place in stores.items():
            figures = {side: drive(side, "roster", place(), 1000)["ms"] for side in SIDES}
            print(f"  {name:8}" + "".join(f"{side:>10} {figure:8.2f}" for side, figure in figures.items()))


def choice(quick: bool) -> None:
    """A choice among a thousand known servers."""
    print("\nA cached choice among 1,000 servers, us")
    with places() as stores:
        for side in SIDES:
            print(f"  {side:8}{drive(side, 'choice', stores['files'](), 1000)['us']:10.2f}")


def failover(quick: bool) -> None:
    """One of two replicas broken."""
    count = 2000 if quick else 10_200
    good, bad, gone = (free_port() for _ in range(3))
    cases = {"healthy alone": (good,), "the other answers 503": (good, bad), "the other refuses": (good, gone)}
    print(f"\n{count} calls, 16 at once: failed, per second, p99 ms")
    backend = (sys.executable, "-m", "benchmarks.replicas.backends")
    with (
        places() as stores,
        running(*backend, str(good), "200", port=good),
        running(*backend, str(bad), "503", port=bad),
    ):
        for side in SIDES:
            rounds: dict[str, list[dict[str, float]]] = {case: [] for case in cases}
            for case, ports in [each for _ in range(ROUNDS) for each in cases.items()]:
                # Theirs sleeps seconds between the tries when a server refuses connections.
                number = count // ROUNDS if side == "ours" or case == "healthy alone" else count // 60
                uris = (f"http://127.0.0.1:{port}" for port in ports)
                rounds[case].append({**drive(side, "calls", stores["files"](), number, *uris), "calls": number})
            for case, told in rounds.items():
                failed, calls = (sum(each[name] for each in told) for name in ("failed", "calls"))
                fastest, calmest = max(each["per_second"] for each in told), min(each["p99_ms"] for each in told)
                print(f"  {side:8}{case:24}{failed:6.0f} of {calls:<6.0f}{fastest:10.0f}{calmest:10.1f}")


@contextmanager
def service() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The routing service."""
    port = free_port()
    serve = (sys.executable, "-m", "creative_services", "replicas", "serve", "--port", str(port))
    with running(*serve, core=0, port=port) as process:
        yield port, process


def memory_of(process: subprocess.Popen[bytes]) -> int:
    """KiB that a process holds in memory."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def processor_seconds(process: subprocess.Popen[bytes]) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def route(quick: bool) -> None:
    """/route over HTTP with few and with many replicas."""
    seconds = 2.0 if quick else 5.0
    # Per second of the server's own processor time: what one core does when nobody else wants it.
    print("\n/route over HTTP: per second of one core, per second here and now, p50 ms, p99 ms")

    async def measure() -> None:
        with service() as (port, process):
            held: list[Held] = []
            for many in (1, 1000, 10_000):
                held += await register(port, many - len(held), len(held))
                path = "/route?model=m0&type=chat"
                before = processor_seconds(process)
                told = await rate(port, path, seconds=seconds)
                per_core = told.answers / (processor_seconds(process) - before)
                figures = f"{per_core:10.0f}{told.per_second:10.0f}{told.p50 * 1e3:8.2f}{told.p99 * 1e3:8.2f}"
                print(f"  {many:6} replicas{figures}  bad {told.bad}")

    asyncio.run(measure())


def registrations(quick: bool) -> None:
    """Many open registrations, and many that end at once."""
    many = 2500 if quick else 10_000

    async def measure() -> None:
        with service() as (port, process):
            before = memory_of(process)
            started = time.perf_counter()
            held = await register(port, many)
            spent = time.perf_counter() - started
            each = (memory_of(process) - before) / many
            print(f"\n{many} open registrations: {each:.1f} KiB each, {many / spent:.0f} registered per second")
            worked = processor_seconds(process)
            started = time.perf_counter()
            for one in held[:2000]:
                one.transport.abort()  # type: ignore[attr-defined]  # a TCP transport
            while len(await known(port)) > many - 2000:
                await asyncio.sleep(0.1)
            spent, worked = time.perf_counter() - started, processor_seconds(process) - worked
            print(f"2,000 dropped at once are gone after {spent:.2f} s, {worked:.2f} s of the server's processor time")

    asyncio.run(measure())


async def known(port: int) -> list[Any]:
    """Who is registered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /registry HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    answer = await reader.read(-1)
    writer.close()
    found: list[Any] = json.loads(answer.partition(b"\r\n\r\n")[2])["replicas"]
    return found


def simulation(quick: bool) -> None:
    """The replayed queueing simulation."""
    print("\nMean latency of a simulated minute, s")
    for name in CHOOSERS:
        print(f"  {name:34}{mean_of(name):8.3f}")


WORKS = {work.__name__: work for work in (roster, choice, failover, route, registrations, simulation)}


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", choices=[[], *WORKS], default=[])
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    for name in asked.works or WORKS:
        WORKS[name](asked.quick)


if __name__ == "__main__":
    main()
