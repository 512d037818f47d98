"""A worker's memory, whatever callers do to it."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from creative_services.testing.vendors import Reply, VendorServer
from tests.server.served import Served
from tests.server.wires import exchanged, request, status_of

pytestmark = pytest.mark.thorough

MEGABYTE = 1_000_000


@pytest.fixture
def served(vendor: VendorServer, tmp_path: Path) -> Iterator[Served]:
    server = Served(vendor, tmp_path / "state", workers=1)
    yield server
    server.close()


@pytest.fixture
async def worker(served: Served) -> int:
    async with aiohttp.ClientSession() as session:
        await served.ready(session)
    (pid,) = served.workers()
    await exchanged(served.port, request(stream=True))  # what a first call loads is not what callers cause
    return pid


def memory(pid: int, what: str = "VmRSS") -> int:
    """Bytes in use; VmHWM: at the highest."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) * 1024


async def asleep(port: int) -> socket.socket:
    """A caller that asks and takes nothing."""
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    caller.setblocking(False)
    await asyncio.get_running_loop().sock_connect(caller, ("127.0.0.1", port))
    await asyncio.get_running_loop().sock_sendall(caller, request(stream=True))
    return caller


async def test_forty_callers_asleep(served: Served, worker: int, vendor: VendorServer) -> None:
    vendor.default = Reply(text="x" * 8 * MEGABYTE, chunks=80)
    before = memory(worker)
    callers = [await asleep(served.port) for _ in range(40)]
    try:
        await vendor.arrived(41, timeout=60)
        await asyncio.sleep(1.0)
        # 320 MB were said; of pieces of 100 kB about a megabyte waits here for each, and the rest at the vendor.
        assert memory(worker, "VmHWM") - before < 40 * 2 * MEGABYTE
    finally:
        for caller in callers:
            caller.close()
    vendor.default = Reply()
    assert status_of(await exchanged(served.port, request())) == 200


async def test_twenty_bodies_of_sixty_megabytes(served: Served, worker: int, vendor: VendorServer) -> None:
    """Announced, and so refused before they are read; and without a key, whatever they announce."""
    before = memory(worker)
    announced = request(b"x" * MEGABYTE, length=60 * MEGABYTE)
    stranger = request(b"x" * MEGABYTE, length=20 * MEGABYTE).replace(b"Bearer a-key", b"Bearer no-key")
    answers = await asyncio.gather(*(exchanged(served.port, data) for data in [announced, stranger] * 10))
    assert sorted(map(status_of, answers)) == [401] * 10 + [413] * 10
    assert memory(worker, "VmHWM") - before < 10 * MEGABYTE
    assert status_of(await exchanged(served.port, request())) == 200


async def test_bodies_that_never_end(served: Served, worker: int) -> None:
    """In pieces, without an announcement: each is read up to the limit and no further."""
    before = memory(worker)

    async def endless() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(request(b"", length=-1, headers="transfer-encoding: chunked\r\n"))
        try:
            for _ in range(60):
                writer.write(b"f4240\r\n" + b"x" * MEGABYTE + b"\r\n")
                await writer.drain()
        except ConnectionError:
            pass
        status = status_of(await reader.read(200)) if not reader.at_eof() else 413
        writer.close()
        return status

    assert set(await asyncio.gather(*(endless() for _ in range(3)))) == {413}
    assert memory(worker, "VmHWM") - before < 3 * 40 * MEGABYTE
    assert status_of(await exchanged(served.port, request())) == 200
