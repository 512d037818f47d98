"""DjangoLLMRegistry beside the ORM: a look-up, a whole load, and how long an edit takes to be seen elsewhere.

::

    python -m benchmarks.django_registry                      # SQLite
    python -m benchmarks.django_registry postgresql://user:password@host:port/database
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings

ROWS = 10_000
MODELS = 500  # all vendors together offer fewer; ten thousand rows are these with many keys and endpoints
URL = os.environ.get("BENCHMARK_DATABASE", next(iter(sys.argv[1:2]), ""))


def database(url: str, directory: str) -> dict[str, Any]:
    if not url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{directory}/benchmark.sqlite3"}
    parts = urlsplit(url)
    where = {"HOST": parts.hostname, "PORT": parts.port, "USER": parts.username, "PASSWORD": parts.password or ""}
    return {"ENGINE": "django.db.backends.postgresql", "NAME": parts.path.strip("/"), **where}


def set_up(directory: str) -> None:
    apps = ["django.contrib.auth", "django.contrib.contenttypes", "django_app.llms"]
    settings.configure(DATABASES={"default": database(URL, directory)}, INSTALLED_APPS=apps, USE_TZ=True)
    django.setup()


def fill() -> None:
    from django_app.llms.models import Llms

    tiers = ("economy", "standard", "premium", "local")
    Llms.objects.all().delete()
    Llms.objects.bulk_create(
        [
            Llms(
                name=f"Model {number}",
                provider="ollama",
                model_name=f"model-{number % MODELS}",
                tier=tiers[number % 4],
                cost_per_1k_input=Decimal(1 + number % MODELS * 7919 % MODELS) / 10_000,
                cost_per_1k_output=Decimal(1 + number % MODELS * 104_729 % MODELS) / 10_000,
                capabilities=["chat", "tools"],
            )
            for number in range(ROWS)
        ],
        batch_size=500,
    )


def timed(act: Callable[[], Any], times: int, inner: int = 1) -> list[float]:
    """Microseconds of one call, for each of ``times`` samples."""
    samples = []
    for _ in range(times):
        started = time.perf_counter()
        for _ in range(inner):
            act()
        samples.append((time.perf_counter() - started) / inner * 1e6)
    return samples


async def timed_in_loop(act: Callable[[], Any], times: int) -> list[float]:
    samples = []
    for _ in range(times):
        started = time.perf_counter()
        await act()
        samples.append((time.perf_counter() - started) * 1e6)
    return samples


def shown(name: str, samples: list[float], unit: str = "µs", scale: float = 1.0) -> None:
    p50, p99 = median(samples) * scale, quantiles(samples, n=100)[-1] * scale
    print(f"{name:48} P50 {p50:12.3f} {unit}   P99 {p99:12.3f} {unit}")


def look_ups() -> None:
    from creative_services import LLMTier
    from creative_services.adapters import DjangoLLMRegistry
    from django_app.llms.models import Llms

    registry = DjangoLLMRegistry()
    registry.get_by_tier(LLMTier.STANDARD)
    query = Llms.objects.filter(tier="standard", is_active=True).order_by(
        "cost_per_1k_input", "cost_per_1k_output", "id"
    )
    print(f"\nget_by_tier, {ROWS:,} rows")
    fast = timed(lambda: registry.get_by_tier(LLMTier.STANDARD), 200, 10_000)
    slow = timed(query.first, 300)
    shown("DjangoLLMRegistry.get_by_tier", fast)
    shown("DjangoLLMRegistry.get_by_id", timed(lambda: registry.get_by_id(5), 200, 10_000))
    shown("ORM .first()", slow)
    shown("ORM await .afirst()", asyncio.run(timed_in_loop(query.afirst, 300)))
    print(f"{'ratio of the medians':48} {median(slow) / median(fast):,.0f} times")


def loads() -> None:
    from creative_services.adapters.django_reading import Held
    from creative_services.system_clock import SystemClock
    from django_app.llms.models import Llms
    from django_app.llms.source import LlmsSource

    def load(source: LlmsSource, *, refresh: bool = False) -> None:
        Held.of(source.read(source.revision(), refresh=refresh), SystemClock().utcnow())

    print(f"\nsnapshot of {ROWS:,} rows, in the feed's thread")
    warm = LlmsSource("default")
    load(warm)
    first = timed(lambda: load(LlmsSource("default")), 20)
    shown("first load, every entry built", first, "ms", 1e-3)
    shown("reload, entries of unchanged rows kept", timed(lambda: load(warm), 20), "ms", 1e-3)
    objects = timed(lambda: list(Llms.objects.all()), 20)
    shown("for comparison: list(Llms.objects.all())", objects, "ms", 1e-3)
    # Machines differ fivefold; the share of the ORM's own work does not.
    print(f"{'first load as a share of the ORM objects':48} {median(first) / median(objects):.2f}")
    shown("a poll that finds no news", timed(warm.revision, 500))


WATCHER = """
import sys, time, os, tempfile
from benchmarks import django_registry as benchmark
benchmark.set_up(sys.argv[1])
from creative_services.adapters import DjangoLLMRegistry
registry, seen = DjangoLLMRegistry(), None
while True:
    entry = registry.get_by_name("edited")
    price = entry and entry.cost_per_1k_input
    if price != seen:
        print(price, time.time(), flush=True)
        seen = price
    time.sleep(0.0005)
"""


@contextmanager
def watcher(directory: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "BENCHMARK_DATABASE": URL}
    command = [sys.executable, "-c", WATCHER, directory]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def edits(directory: str) -> None:
    from django_app.llms.models import Llms

    Llms.objects.all().delete()
    row = Llms.objects.create(name="edited", provider="ollama", model_name="m", tier="local", cost_per_1k_input=1)
    print("\nan edit, from the call of save() until another process uses it")
    samples = []
    with watcher(directory) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for number in range(2, 22):
            row.cost_per_1k_input = Decimal(number)
            began = time.time()
            row.save()
            price, moment = process.stdout.readline().split()
            assert Decimal(price) == number
            samples.append((float(moment) - began) * 1e6)
            time.sleep(0.137)  # out of step with the poll
    shown("NOTIFY" if URL else "poll every 0.5 s", samples, "ms", 1e-3)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        set_up(directory)
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        print(f"Django {django.__version__}, {'PostgreSQL' if URL else 'SQLite'}")
        fill()
        look_ups()
        loads()
        edits(directory)


if __name__ == "__main__":
    main()
