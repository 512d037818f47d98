"""Model servers that a test may make busy, broken, silent or gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.servers import free_ports


class ModelServer:
    """One server on a port of its own; what it does with a request is set while it runs."""

    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self.uri = f"http://127.0.0.1:{self.port}"
        self.status = 200
        self.body: Any = None
        self.headers: dict[str, str] = {}
        self.delay = 0.0
        self.slow_every = 0  # of so many requests one takes slow_seconds
        self.slow_seconds = 0.0
        self.abandoned = 0  # requests whose caller left before the answer
        self.hangs = False
        self.pieces: list[bytes] = []
        self.breaks_off = False
        self.seen: list[Any] = []
        self.heads: list[dict[str, str]] = []
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Take connections, or take them again."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Refuse connections."""
        runner, self._runner = self._runner, None
        if runner:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(await request.json() if request.can_read_body else None)
        self.heads.append(dict(request.headers))
        if self.hangs:
            await asyncio.sleep(3600)
        slow = bool(self.slow_every) and len(self.seen) % self.slow_every == 0
        try:
            await asyncio.sleep(self.slow_seconds if slow else self.delay)
        except asyncio.CancelledError:
            self.abandoned += 1
            raise
        if self.pieces:
            return await self._stream(request)
        body = {"server": self.port} if self.body is None else self.body
        if isinstance(body, bytes):
            return web.Response(status=self.status, body=body, headers=self.headers)
        return web.json_response(body, status=self.status, headers=self.headers)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in self.pieces:
            await response.write(piece)
            await asyncio.sleep(0.01)
        if self.breaks_off and request.transport:
            request.transport.abort()
        return response


@asynccontextmanager
async def model_servers(count: int) -> AsyncIterator[list[ModelServer]]:
    """Several at once."""
    servers = [ModelServer() for _ in range(count)]
    for server in servers:
        await server.start()
    try:
        yield servers
    finally:
        for server in servers:
            await server.stop()
