"""Connections belong to loops, threads and processes, and end with them: quietly, without anybody closing them."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

from creative_services.core.completions import Request
from creative_services.core.llm_registry import LLMEntry
from creative_services.providers import load_provider
from creative_services.testing.vendors import Fault, VendorServer
from tests.providers.conftest import EVERY_PROVIDER, MakeEntry

ASKING = Request(messages=({"role": "user", "content": "hi"},))


def _gone(server: VendorServer) -> bool:
    """Whether the server sees every connection closed; it learns of that a moment later."""
    for _ in range(200):
        if not server.open_connections:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("name", EVERY_PROVIDER)
def test_a_hundred_loops_in_a_row_leave_nothing_open(name: str, server: VendorServer, make_entry: MakeEntry) -> None:
    provider, entry = load_provider(name), make_entry(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(100):
            assert asyncio.run(provider.generate(entry, ASKING)).content
        gc.collect()
    assert _gone(server)
    assert len(server.requests) == 100


@pytest.mark.parametrize("name", EVERY_PROVIDER)
def test_one_loop_reuses_its_connection(name: str, server: VendorServer, make_entry: MakeEntry) -> None:
    async def main() -> int:
        provider, entry = load_provider(name), make_entry(name)
        for _ in range(5):
            await provider.generate(entry, ASKING)
            async for _ in provider.stream(entry, ASKING):
                pass
        return server.open_connections

    assert asyncio.run(main()) == 1


CLOSED_WITHOUT_CEREMONY = """
import asyncio, gc, sys
from creative_services.core.completions import Request
from creative_services.core.llm_registry import LLMEntry
from creative_services.providers import load_provider

name, url = sys.argv[1:]
provider = load_provider(name)
entry = LLMEntry(
    id=1, name="m", provider=name, model="m", tier="economy", api_key="sk-test-0123456789", api_endpoint=url
)
asking = Request(messages=({"role": "user", "content": "hi"},))
for _ in range(3):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(provider.generate(entry, asking))
    loop.close()
    del loop
    gc.collect()
"""


@pytest.mark.parametrize("name", EVERY_PROVIDER)
def test_loops_closed_without_ceremony_make_no_noise(name: str, make_entry: MakeEntry) -> None:
    # With -X dev asyncio itself remarks that such a loop had open transports, which is true and its user's doing.
    run = _python(CLOSED_WITHOUT_CEREMONY, name, str(make_entry(name).api_endpoint))
    assert (run.returncode, run.stderr) == (0, "")


def test_threads_have_their_own(server: VendorServer, make_entry: MakeEntry) -> None:
    provider, entry = load_provider("openai"), make_entry()
    answers: list[str] = []

    def work() -> None:
        for _ in range(5):
            answers.append(asyncio.run(provider.generate(entry, ASKING)).content)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["Hello from model."] * 40
    assert _gone(server)


def test_a_dropped_provider_closes_its_connections(server: VendorServer, make_entry: MakeEntry) -> None:
    async def main() -> None:
        provider = load_provider("openai")
        await provider.generate(make_entry(), ASKING)
        assert server.open_connections == 1
        del provider
        gc.collect()
        for _ in range(200):
            if not server.open_connections:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the connection is still open")

    asyncio.run(main())


def test_aclose_closes_and_the_next_call_opens_again(server: VendorServer, make_entry: MakeEntry) -> None:
    async def main() -> None:
        provider, entry = load_provider("openai"), make_entry()
        await provider.generate(entry, ASKING)
        await provider.aclose()
        await provider.aclose()
        assert (await provider.generate(entry, ASKING)).content

    asyncio.run(main())
    assert _gone(server)


def test_two_providers_on_one_loop_do_not_close_each_other(make_entry: MakeEntry) -> None:
    async def main() -> str:
        one, other = load_provider("openai"), load_provider("openai")
        await one.generate(make_entry(), ASKING)
        await other.generate(make_entry(), ASKING)
        await one.aclose()
        return (await other.generate(make_entry(), ASKING)).content

    assert asyncio.run(main()) == "Hello from model."


@pytest.mark.parametrize("edit", [{"api_key": "sk-another-key-0123"}, {"options": {"headers": {"x-team": "blue"}}}])
def test_an_edit_closes_the_connections_of_before(
    edit: dict[str, object], server: VendorServer, make_entry: MakeEntry
) -> None:
    async def main() -> None:
        provider, entry = load_provider("openai"), make_entry()
        await provider.generate(entry, ASKING)
        await provider.generate(entry.using(**edit), ASKING)
        assert await _open_within(server, 1)

    asyncio.run(main())


async def _open_within(server: VendorServer, wanted: int) -> bool:
    for _ in range(200):
        if server.open_connections == wanted:
            return True
        await asyncio.sleep(0.01)
    return False


def test_what_another_entry_uses_stays_open(server: VendorServer, make_entry: MakeEntry) -> None:
    async def main() -> None:
        provider, entry = load_provider("openai"), make_entry()
        await provider.generate(entry, ASKING)
        await provider.generate(entry.using(id=2), ASKING)
        assert server.open_connections == 1, "two entries with one key share a connection"
        await provider.generate(entry.using(api_key="sk-another-key-0123"), ASKING)
        await asyncio.sleep(0.05)
        assert server.open_connections == 2, "entry 2 still uses the first"

    asyncio.run(main())


def test_a_call_under_way_survives_the_edit(server: VendorServer, make_entry: MakeEntry) -> None:
    async def main() -> str:
        provider, entry = load_provider("openai"), make_entry()
        server.script(Fault.slow(0.3))
        before = asyncio.ensure_future(provider.generate(entry, ASKING))
        while not server.requests:
            await asyncio.sleep(0.005)
        await provider.generate(entry.using(api_key="sk-another-key-0123"), ASKING)
        answer = (await before).content
        assert await _open_within(server, 1)
        return answer

    assert asyncio.run(main()) == "Hello from model."


def test_a_key_per_user_does_not_pile_up(server: VendorServer, make_entry: MakeEntry) -> None:
    async def main() -> None:
        provider = load_provider("compatible")
        for number in range(130):
            entry = make_entry("compatible", id=number, api_key=f"sk-user-{number:010}")
            await provider.generate(entry, ASKING)
        assert server.open_connections <= 101

    asyncio.run(main())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_starts_afresh(server: VendorServer, make_entry: MakeEntry) -> None:
    run = _python(FORKING, "openai", str(make_entry().api_endpoint))
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == ["child:Hello", "from", "m.", "parent:Hello", "from", "m."]


FORKING = """
import asyncio, os, sys, warnings
from creative_services.core.completions import Request
from creative_services.core.llm_registry import LLMEntry
from creative_services.providers import load_provider

# Python 3.12 and later warn of every fork beside a thread, and a name is looked up on one.
warnings.filterwarnings("ignore", "This process", DeprecationWarning)
name, url = sys.argv[1:]
provider = load_provider(name)
entry = LLMEntry(
    id=1, name="m", provider=name, model="m", tier="economy", api_key="sk-test-0123456789", api_endpoint=url
)
asking = Request(messages=({"role": "user", "content": "hi"},))
loop = asyncio.new_event_loop()
loop.run_until_complete(provider.generate(entry, asking))
child = os.fork()
if not child:
    print("child:" + asyncio.run(provider.generate(entry, asking)).content, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print("parent:" + loop.run_until_complete(provider.generate(entry, asking)).content)
loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()
"""


def test_a_local_entry_knows_no_proxy(make_entry: MakeEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)

    async def ask(name: str, entry: LLMEntry) -> str:
        return (await load_provider(name).generate(entry, ASKING)).content

    for name in ("openai", "ollama"):
        assert asyncio.run(ask(name, make_entry(name, tier="local"))) == "Hello from model."
        with pytest.raises(ConnectionError):
            asyncio.run(ask(name, make_entry(name, tier="economy")))


def _python(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
