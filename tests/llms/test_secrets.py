"""Whatever a client hands out, tells, logs or writes while everything goes wrong: the key is nowhere in it."""

import asyncio
import json
import logging
import pickle
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from creative_services import DictRegistry, DynamicLLMClient, LLMEntry
from creative_services.core.errors import CreativeServicesError
from creative_services.core.secrets import Secret
from creative_services.telemetry import LogListener, UsageListener
from creative_services.testing.vendors import Fault, Reply, VendorServer

KEY = "sk-test-0123456789abcdef"
VENDORS = ("openai", "anthropic", "groq", "compatible")
ECHO = f"Incorrect API key provided: {KEY}."


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with VendorServer() as server:
        yield server


def faults() -> list[Any]:
    statuses = (400, 401, 403, 404, 408, 413, 422, 429, 500, 503, 529)
    return [
        *(Fault.status(status, message=ECHO) for status in statuses),
        Fault.drop(), Fault.malformed(after=1), Fault.html(), Fault.error_event(after=1, message=ECHO), Fault.hang(),
        Reply(text=f"Your key is {'*' * 8}"),
    ]  # fmt: skip


async def given_up(client: DynamicLLMClient, server: VendorServer) -> BaseException:
    """What a caller sees who sets a time of their own."""
    server.script(Fault.hang())
    try:
        async with asyncio.timeout(0.2):
            await client.generate("hi", tier="standard")
    except TimeoutError as late:
        return late
    finally:
        server.clear()
    raise AssertionError


async def everything(client: DynamicLLMClient, server: VendorServer, journal: Path) -> list[Any]:
    """All that a client hands out, good and bad."""
    out: list[Any] = [client, client.registry, await client.aexplain(tier="standard")]
    for fault in faults():
        client.reset_health()
        server.script(fault, fault, fault, fault)
        try:
            out.append(await client.generate("hi", tier="standard", timeout=0.3))
        except CreativeServicesError as error:
            out.append(error)
        server.clear()
        server.script(fault, fault, fault, fault)
        stream = client.stream("hi", tier="standard", timeout=0.3)
        out.append(stream)
        try:
            out.extend([piece async for piece in stream])
        except CreativeServicesError as error:
            out.append(error)
        server.clear()
    out.append(await given_up(client, server))
    out += await client.generate_many(["a", "b"], tier="standard", journal=journal)
    return out


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_key_is_nowhere(
    vendor: str,
    server: VendorServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("creative_services", "openai", "anthropic", "groq", "aiohttp", "httpcore", "httpx", "httpx2"):
        caplog.set_level(logging.DEBUG, logger=name)
    shape = "openai" if vendor == "compatible" else vendor
    entry = LLMEntry(
        id=1, name="m", provider=vendor, model="m", tier="standard", api_key=KEY, cost_per_1k_input=1,
        cost_per_1k_output=1, api_endpoint=getattr(server, f"{shape}_url"),
    )  # fmt: skip
    events: list[Any] = []
    usage = UsageListener(tmp_path / "usage.jsonl")
    listeners = [events.append, LogListener(), usage]
    client = DynamicLLMClient(DictRegistry([entry]), listeners=listeners)

    async def main() -> list[Any]:
        out = await everything(client, server, tmp_path / "run.jsonl")
        await client.aclose()
        return out

    handed_out = [*asyncio.run(main()), *events, usage]
    usage.flush()
    assert sum(isinstance(each, CreativeServicesError) for each in handed_out) > 20
    for each in handed_out:
        _search(each)
    assert KEY not in caplog.text
    assert not [record for record in caplog.records if KEY in f"{record.msg} {record.args} {vars(record)}"]
    assert KEY not in "".join(capfd.readouterr())
    for written in tmp_path.iterdir():
        assert KEY not in written.read_text(), written
    assert len((tmp_path / "run.jsonl").read_text().splitlines()) == 2
    assert all(json.loads(line) for line in (tmp_path / "usage.jsonl").read_text().splitlines())


def test_the_search_finds_what_is_there() -> None:
    with pytest.raises(AssertionError):
        _search({"a": [("b", {"c": KEY.encode()})]})


def _search(thing: Any) -> None:
    assert KEY not in f"{thing!r}{thing!s}"
    if isinstance(thing, BaseException):
        told = traceback.TracebackException.from_exception(thing, capture_locals=True)
        # The test's own frames hold the key, of course.
        assert KEY not in "".join(line for line in told.format() if "tests/llms" not in line)
        assert KEY.encode() not in pickle.dumps(thing)
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [(type(thing).__name__, thing)]
    while waiting:
        path, value = waiting.pop()
        if id(value) in seen or isinstance(value, Secret | type):
            continue
        seen.add(id(value))
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        assert not (isinstance(text, str) and KEY in text), path
        waiting.extend((f"{path} > {type(inner).__name__}", inner) for inner in _inside(value))


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        yield from value
    else:
        yield from getattr(value, "__dict__", {}).values()
        # What vars() does not show of our frozen records, their fields do.
        fields = getattr(value, "__dataclass_fields__", {})
        yield from (getattr(value, name, None) for name in fields)
    if isinstance(value, BaseException):
        yield from (value.args, value.__cause__, value.__context__)
