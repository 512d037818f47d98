"""What pages cost the calls beside them: the same Django in the gateway's loop, in its threads, in its own process.

::

    python -m benchmarks.planes            every arrangement under every load, about a minute and a half
    python -m benchmarks.planes process    only this one

Calls are answered by the offline provider, one every 5 ms; meanwhile four visitors ask for pages again and again.
"""

import asyncio
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

CALL = {"model": "economy", "messages": [{"role": "user", "content": "Hello"}]}
SECONDS = 3.0
VISITORS = 4


# The pages: one that computes, one whose database is stuck, one that streams a long table.


def busy(_: Any) -> Any:
    from django.http import HttpResponse
    from django.template import engines

    template = engines["django"].from_string("{% for n in numbers %}<tr><td>{{ n|add:1 }}</td></tr>{% endfor %}")
    return HttpResponse(template.render({"numbers": range(10_000)}))


def stuck(_: Any) -> Any:
    from django.http import HttpResponse

    time.sleep(1.0)
    return HttpResponse("at last")


def table(_: Any) -> Any:
    from django.http import StreamingHttpResponse

    rows = (f"{number},{number * number},{'x' * 60}\n" for number in range(100_000))
    return StreamingHttpResponse(rows, content_type="text/csv")


PAGES: dict[str, Callable[[Any], Any]] = {"busy": busy, "stuck": stuck, "table": table}


def django_wsgi() -> Any:
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.urls import path

    urls = type("urls", (), {"urlpatterns": [path(name, page) for name, page in PAGES.items()]})
    templates = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
    settings.configure(ROOT_URLCONF=urls, ALLOWED_HOSTS=["*"], SECRET_KEY="benchmark", TEMPLATES=templates)
    return get_wsgi_application()


# The arrangements


def in_threads() -> Any:
    from creative_services.server.control.bridge import Bridge

    return Bridge(django_wsgi())


def in_threads_switching_often() -> Any:
    sys.setswitchinterval(0.0005)
    return in_threads()


def in_a2wsgi() -> Any:
    from a2wsgi import WSGIMiddleware

    return WSGIMiddleware(django_wsgi(), workers=8)


def in_the_loop() -> Any:
    from django.core.asgi import get_asgi_application

    django_wsgi()
    return get_asgi_application()


ARRANGEMENTS: dict[str, Callable[[], Any] | None] = {
    "asgi": in_the_loop,
    "a2wsgi": in_a2wsgi,
    "threads": in_threads,
    "threads, 0.5 ms": in_threads_switching_often,
    "process": None,
}


def data_plane(name: str, control: str, state: str) -> Any:
    from creative_services.cli.demo import demo_entries
    from creative_services.llms.dict_registry import DictRegistry
    from creative_services.server.build import Parts, build
    from creative_services.server.control.away import Away
    from creative_services.server.settings import Settings

    make = ARRANGEMENTS[name]
    settings = Settings(state=Path(state), ledger=Path(state), drain_seconds=0.1)
    return build(
        Parts(registry=DictRegistry(demo_entries()), settings=settings, beside=make() if make else Away(control))
    )


# Measuring


async def watch(port: int, page: str) -> tuple[list[float], int]:
    """Milliseconds of each call, and how many pages were had meanwhile."""
    import aiohttp

    pages = 0

    async def visit(session: aiohttp.ClientSession) -> None:
        nonlocal pages
        while True:
            async with session.get(f"http://127.0.0.1:{port}/{page}") as answer:
                assert answer.status == 200, answer.status
                await answer.read()
            pages += 1

    async with aiohttp.ClientSession() as session, aiohttp.ClientSession() as others:
        visitors = [asyncio.create_task(visit(others)) for _ in range(VISITORS if page else 0)]
        await asyncio.sleep(0.5)
        pages, end, times = 0, time.perf_counter() + SECONDS, []
        while (begun := time.perf_counter()) < end:
            async with session.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=CALL) as answer:
                assert answer.status == 200
                await answer.read()
            times.append((time.perf_counter() - begun) * 1e3)
            await asyncio.sleep(0.005)
        for visitor in visitors:
            visitor.cancel()
    return times, pages


def served(name: str) -> Iterator[int]:
    from creative_services.server.control import process
    from creative_services.server.serve import work
    from creative_services.server.settings import Settings

    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as state, socket.create_server(("127.0.0.1", 0)) as listener:
        control = f"{state}/control.sock"
        settings = Settings(state=Path(state), ledger=None, drain_seconds=0.1)
        mains = [partial(work, partial(data_plane, name, control, state), settings, listener)]
        if ARRANGEMENTS[name] is None:
            mains.append(partial(process.run, in_threads, process.listening(control)))
        running = [spawn.Process(target=main) for main in mains]
        for each in running:
            each.start()
        yield listener.getsockname()[1]
        for each in running:
            os.kill(each.pid or 0, signal.SIGTERM)
            each.join(5)
            each.kill()


def main() -> None:
    wanted = sys.argv[1:] or list(ARRANGEMENTS)
    print(f"{'arrangement':<18}{'pages':<8}{'p50 ms':>8}{'p99 ms':>8}{'max ms':>8}{'pages/s':>9}")
    for name in wanted:
        for port in served(name):
            for page in ("", *PAGES):
                with suppress(ConnectionError):
                    times, pages = asyncio.run(watch(port, page))
                    times.sort()
                    middle, late, last = times[len(times) // 2], times[int(len(times) * 0.99)], times[-1]
                    print(f"{name:<18}{page or 'none':<8}{middle:8.2f}{late:8.2f}{last:8.1f}{pages / SECONDS:9.1f}")


if __name__ == "__main__":
    main()
