"""Callers who leave, and callers who fall asleep: the vendor stops, and what came is paid for."""

import asyncio
import socket
import time
from typing import Any

import pytest

from creative_services.testing.scripted import Delayed, ScriptedProvider
from creative_services.testing.vendors import Fault, Reply, VendorServer
from tests.server.house import ANTHROPIC, RESPONSES, House
from tests.server.wires import request

# From the moment the caller's connection closes; the promise, and a little for this machine's other guests.
PROMISED, LENIENT = 0.1, 0.3


async def left(house: House, data: bytes, *, until: bytes = b"", after: float = 0.15) -> float:
    """Ask, wait for ``until`` to come or for a while, and leave; when that was."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(data)
    if until:
        await reader.readuntil(until)
    else:
        await asyncio.sleep(after)
    gone_at = time.monotonic()
    writer.transport.abort()
    return gone_at


@pytest.mark.parametrize("tier", ["economy", "standard"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", ANTHROPIC, RESPONSES])
class TestAVendorIsStopped:
    async def test_amid_a_stream(self, house: House, vendor: VendorServer, tier: str, path: str) -> None:
        vendor.script(Reply(text="word " * 200, chunks=200, gap=0.05))
        data = request(path=path, model=tier, stream=True, max_tokens=300, input="hi")
        gone_at = await left(house, data, until=b"word ")
        seen = await vendor.cancelled()
        assert seen.cancelled_at is not None
        assert seen.cancelled_at - gone_at < LENIENT

    async def test_before_a_stream_begins(self, house: House, vendor: VendorServer, tier: str, path: str) -> None:
        vendor.script(Fault.hang())
        gone_at = await left(house, request(path=path, model=tier, stream=True, max_tokens=9, input="hi"))
        seen = await vendor.cancelled()
        assert seen.cancelled_at is not None
        assert seen.cancelled_at - gone_at < LENIENT

    async def test_amid_a_whole_answer(self, house: House, vendor: VendorServer, tier: str, path: str) -> None:
        vendor.script(Fault.hang())
        gone_at = await left(house, request(path=path, model=tier, max_tokens=9, input="hi"))
        seen = await vendor.cancelled()
        assert seen.cancelled_at is not None
        assert seen.cancelled_at - gone_at < LENIENT


async def test_the_promise_is_kept_most_of_the_time(house: House, vendor: VendorServer) -> None:
    waits = []
    for _ in range(10):
        vendor.script(Reply(text="word " * 200, chunks=200, gap=0.02))
        gone_at = await left(house, request(stream=True), until=b"word ")
        seen = await vendor.cancelled()
        waits.append((seen.cancelled_at or 0.0) - gone_at)
    assert sorted(waits)[len(waits) // 2] < PROMISED


async def test_a_caller_who_leaves_at_once(house: House, vendor: VendorServer) -> None:
    vendor.script(Fault.hang())
    gone_at = await left(house, request(), after=0.0)
    await asyncio.sleep(0.3)
    if vendor.requests:  # the request had arrived before its caller left
        seen = await vendor.cancelled()
        assert (seen.cancelled_at or 0.0) - gone_at < LENIENT


async def test_part_of_a_stream_is_in_the_ledger(house: House, vendor: VendorServer) -> None:
    vendor.script(Reply(text="word " * 200, chunks=200, gap=0.02))
    await left(house, request(stream=True), until=b"word ")
    await vendor.cancelled()
    record = await the_record(house)
    assert (record.status, record.error, record.llm_id) == (499, "", 1)
    assert record.usage.estimated
    assert 1 <= record.usage.output_tokens < 200


async def test_a_whole_answer_nobody_waited_for_is_in_the_ledger(house: House, vendor: VendorServer) -> None:
    vendor.script(Fault.hang())
    await left(house, request())
    await vendor.cancelled()
    record = await the_record(house)
    assert (record.status, record.attempts) == (499, 1)
    assert record.usage.input_tokens > 0


async def the_record(house: House) -> Any:
    for _ in range(100):
        if records := house.ledger():
            return records[0]
        await asyncio.sleep(0.02)
    raise AssertionError("nothing came into the ledger")


async def test_a_provider_of_ones_own_is_stopped_too(open_house: Any) -> None:
    slow = ScriptedProvider(Delayed(float("inf")))
    house: House = await open_house(providers={"openai": slow})
    for data in (request(), request(stream=True)):
        await left(house, data)
        await asyncio.sleep(0.2)
    assert slow.cancelled == 2


async def test_half_a_request_and_gone(house: House, vendor: VendorServer) -> None:
    await left(house, request()[:-20])
    await asyncio.sleep(0.1)
    assert not vendor.requests
    assert not house.ledger()
    assert (await house.ask()).status == 200


@pytest.mark.parametrize("tier", ["economy", "standard"])
class TestSlowReaders:
    """A caller that takes nothing holds neither memory without bound nor its vendor for ever, relayed or translated."""

    async def asleep(self, house: House, vendor: VendorServer, megabytes: int, tier: str) -> socket.socket:
        text = "x" * 100_000
        vendor.script(Reply(text=text * 10 * megabytes, chunks=10 * megabytes))
        caller = socket.socket()
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.setblocking(False)
        await asyncio.get_running_loop().sock_connect(caller, ("127.0.0.1", house.port))
        await asyncio.get_running_loop().sock_sendall(caller, request(model=tier, stream=True))
        return caller

    async def test_a_sleeping_caller_is_let_go(
        self, house: House, vendor: VendorServer, monkeypatch: pytest.MonkeyPatch, tier: str
    ) -> None:
        monkeypatch.setattr("creative_services.server.gateway.pouring.SLOW_READER_SECONDS", 0.3)
        caller = await self.asleep(house, vendor, 30, tier)
        await vendor.cancelled()
        caller.close()
        record = await the_record(house)
        assert record.status == 499

    async def test_what_waits_for_it_is_bounded(self, house: House, vendor: VendorServer, tier: str) -> None:
        caller = await self.asleep(house, vendor, 30, tier)
        await asyncio.sleep(0.5)
        # 30 MB were said; the vendor still holds nearly all of it, because nobody here takes it.
        (connection,) = house.server.server_state.connections
        waiting: Any = connection
        assert waiting._transport.get_write_buffer_size() < 1_000_000
        assert not house.ledger()
        caller.close()
        await vendor.cancelled()

    async def test_a_slow_caller_gets_everything(self, house: House, vendor: VendorServer, tier: str) -> None:
        caller = await self.asleep(house, vendor, 3, tier)
        loop = asyncio.get_running_loop()
        got = b""
        while not got.endswith(b"0\r\n\r\n"):
            piece = await loop.sock_recv(caller, 65536)
            assert piece, "the stream was cut"
            got += piece
            await asyncio.sleep(0)
        caller.close()
        assert got.count(b"x" * 1000) >= 2900
        assert b"[DONE]" in got
