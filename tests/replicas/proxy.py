"""A cable between a client and a server that a test may make slow, or cut so that neither side notices."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from creative_services.replicas.endings import finished


class Cable:
    """Bytes go through after ``delay`` seconds; while it is cut they go nowhere, and connections stay open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.port = 0
        self.delay = 0.0
        self._whole = asyncio.Event()
        self._whole.set()
        self._connections: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Half-open from now on."""
        self._whole.clear()

    def mend(self) -> None:
        """What was held back arrives."""
        self._whole.set()

    def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection more."""
        task = asyncio.create_task(self._join(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def aclose(self) -> None:
        """End all of them."""
        for task in list(self._connections):
            await finished(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._both_ways(reader, writer)
        finally:
            writer.close()

    async def _both_ways(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
            ways = [asyncio.create_task(self._carry(*way)) for way in ((reader, far_writer), (far_reader, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                far_writer.close()
                for way in ways:
                    await finished(way)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(65536):
                await asyncio.sleep(self.delay)
                await self._whole.wait()
                writer.write(piece)
                await writer.drain()


@asynccontextmanager
async def cable(port: int) -> AsyncIterator[Cable]:
    """One that leads to ``port``."""
    made = Cable(port)
    server = await asyncio.start_server(made.connect, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.aclose()
