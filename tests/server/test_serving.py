"""``creative-services serve`` as processes: workers, a drain, and deaths without warning."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from creative_services.testing.vendors import Reply, VendorServer
from tests.server.house import KEY, MESSAGES
from tests.server.served import HEADERS, ROOT, Served

pytestmark = pytest.mark.thorough


@pytest.fixture
def serve(vendor: VendorServer, tmp_path: Path) -> Iterator[Any]:
    started: list[Served] = []

    def start(*, workers: int = 1, **environ: str) -> Served:
        started.append(Served(vendor, tmp_path / "state", workers=workers, **environ))
        return started[-1]

    yield start
    for each in started:
        each.close()


async def ask(session: aiohttp.ClientSession, served: Served, request_id: str, **members: Any) -> Mapping[str, Any]:
    body = {"model": "economy", "messages": MESSAGES, **members}
    async with session.post(
        f"{served.url}/v1/chat/completions", json=body, headers={**HEADERS, "x-request-id": request_id}
    ) as response:
        content = await response.read()
        return {"status": response.status, "body": content, "connection": response.headers.get("connection", "")}


async def test_a_call_answered_by_a_worker_is_in_the_ledger_file(serve: Any) -> None:
    served: Served = serve(workers=2)
    async with aiohttp.ClientSession() as session:
        await served.ready(session)
        for number in range(10):
            assert (await ask(session, served, f"call-{number}"))["status"] == 200
        async with session.get(f"{served.url}/metrics") as response:
            page = await response.text()
    assert served.stop() == 0
    assert sorted(record.request_id for record in served.ledger()) == sorted(f"call-{number}" for number in range(10))
    assert {record.key_id for record in served.ledger()} == {"tests"}
    assert "creative_services_gateway_calls_total{" in page
    assert not list((served.state / "spool").glob("*/*")), "the spools are not empty"


async def test_its_log_is_json_and_holds_no_key_and_no_prompt(serve: Any, vendor: VendorServer) -> None:
    served: Served = serve()
    async with aiohttp.ClientSession() as session:
        await served.ready(session)
        await ask(session, served, "a", messages=[{"role": "user", "content": "the secret of the pyramids"}])
        await ask(session, served, "b", model="nonsense")
    served.stop()
    lines = [json.loads(line) for line in served.said().splitlines()]
    assert any(f"Listening on {served.url}" in line["message"] for line in lines)
    for secret in (KEY, "sk-upstream", "pyramids"):
        assert secret not in served.said()


@pytest.mark.parametrize("streamed", [False, True])
async def test_sigterm_under_load_cuts_no_request(serve: Any, vendor: VendorServer, streamed: bool) -> None:
    served: Served = serve(workers=2)
    vendor.default = Reply(text="one two three four five", delay=0.05, gap=0.05 if streamed else 0.0)
    answered: list[str] = []
    refused = 0
    stopping = asyncio.Event()

    async def caller(number: int) -> None:
        nonlocal refused
        async with aiohttp.ClientSession() as session:
            for count in range(10_000):
                request_id = f"{number}-{count}"
                try:
                    said = await ask(session, served, request_id, stream=streamed)
                except aiohttp.ClientConnectorError:
                    # Nobody listens any more, and nothing was asked.
                    assert stopping.is_set()
                    refused += 1
                    return
                assert said["status"] == 200
                assert b"[DONE]" in said["body"] if streamed else json.loads(said["body"])
                answered.append(request_id)

    async with aiohttp.ClientSession() as session:
        await served.ready(session)
    callers = [asyncio.create_task(caller(number)) for number in range(20)]
    await asyncio.sleep(0.7)
    stopping.set()
    served.process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(asyncio.gather(*callers), 60)
    assert await asyncio.to_thread(served.process.wait, 60) == 0
    assert refused == 20
    assert sorted(record.request_id for record in served.ledger()) == sorted(answered)


async def test_workers_killed_at_random_lose_no_answered_call_and_double_none(serve: Any, vendor: VendorServer) -> None:
    served: Served = serve(workers=2)
    random, answered = Random(3), set[str]()
    over = asyncio.Event()

    async def caller(number: int) -> None:
        async with aiohttp.ClientSession() as session:
            count = 0
            while not over.is_set():
                count += 1
                with suppress(aiohttp.ClientError):
                    said = await ask(session, served, f"{number}-{count}", stream=count % 4 == 0)
                    if said["status"] == 200:
                        answered.add(f"{number}-{count}")

    async with aiohttp.ClientSession() as session:
        await served.ready(session)
    callers = [asyncio.create_task(caller(number)) for number in range(8)]
    for _ in range(4):
        await asyncio.sleep(random.uniform(0.2, 0.5))
        os.kill(random.choice(served.workers()), signal.SIGKILL)
        await asyncio.sleep(0.3)
    async with aiohttp.ClientSession() as session:
        await served.ready(session)
    over.set()
    await asyncio.gather(*callers)
    assert await asyncio.to_thread(served.stop) == 0
    recorded = [record.request_id for record in served.ledger()]
    assert len(answered) > 100
    assert len(recorded) == len(set(recorded)), "a call was counted twice"
    assert answered <= set(recorded), "an answered call is missing"


async def test_a_killed_worker_is_replaced(serve: Any) -> None:
    served: Served = serve(workers=1)
    async with aiohttp.ClientSession() as session:
        await served.ready(session)
        (first,) = served.workers()
        os.kill(first, signal.SIGKILL)
        await asyncio.sleep(0.5)
        await served.ready(session)
        assert served.workers() != [first]
        assert (await ask(session, served, "x"))["status"] == 200


@pytest.mark.parametrize(
    ("environ", "options", "words"),
    [
        ({"CREATIVE_SERVICES_GATEWAY_KEYS": ""}, ["--host", "0.0.0.0"], "listens on this machine only"),
        ({"CREATIVE_SERVICES_GATEWAY_KEYS": "short"}, [], "at least 16"),
        ({"CREATIVE_SERVICES_GATEWAY_KEYS": "a-long-enough-key;rpm=x"}, [], "rpm='x' cannot be read"),
        ({"CREATIVE_SERVICES_GATEWAY_KEYS": "a-long-enough-key;rpm=0"}, [], "lets nothing through"),
        ({"CREATIVE_SERVICES_GATEWAY_KEYS": "a-long-enough-key;tiers=gold"}, [], "tiers=economy+local"),
        ({"CREATIVE_SERVICES_GATEWAY_KEYS": " , "}, ["--host", "0.0.0.0"], "names no key"),
        ({"CREATIVE_SERVICES_GATEWAY_CALLS": "-5"}, [], "is no number above 0"),
        ({"CREATIVE_SERVICES_GATEWAY_TIMEOUT": "inf"}, [], "is no number above 0"),
        ({"CREATIVE_SERVICES_GATEWAY_TIMOUT": "5"}, [], "Did you mean 'CREATIVE_SERVICES_GATEWAY_TIMEOUT'?"),
        ({"CREATIVE_SERVICES_STATE_DIR": "/proc/no-such"}, [], "CREATIVE_SERVICES_STATE_DIR names another place"),
        ({"CREATIVE_SERVICES_LEDGER": "/proc/no-such/l.sqlite3"}, [], "CREATIVE_SERVICES_LEDGER names another place"),
        ({"REDIS_URL": "localhost:6379"}, [], "begins with redis://"),
        ({}, ["--host", "203.0.113.7"], "Cannot listen"),
        ({}, ["--workers", "0"], "--workers"),
    ],
)
def test_a_mistake_is_one_sentence_and_no_traceback(
    environ: dict[str, str], options: list[str], words: str, tmp_path: Path
) -> None:
    given = {
        "OPENAI_API_KEY": "sk-0123456789abcdef", "CREATIVE_SERVICES_GATEWAY_KEYS": "a-long-enough-key",
        "OLLAMA_HOST": "",
        "CREATIVE_SERVICES_STATE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environ,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "creative_services", "serve", "--port", "0", *options],
        env={**os.environ, **given}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert words in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
