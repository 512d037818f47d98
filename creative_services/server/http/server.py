"""uvicorn's server with two things added: it sweeps silent connections, and it stops without cutting a request."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from uvicorn.config import Config
from uvicorn.server import Server, ServerState

from creative_services.server.http.protocol import GatewayProtocol

_TICKS_PER_SECOND = 10


class LameState(ServerState):
    """Knows whether the server is about to stop: then every answer is its connection's last."""

    def __init__(self) -> None:
        super().__init__()
        self.lame = False


class GatewayServer(Server):
    """Runs ``GatewayProtocol``. ``on_lame`` is called when it is told to stop."""

    def __init__(self, config: Config, *, on_lame: Callable[[], None], drain_seconds: float) -> None:
        super().__init__(config)
        self.server_state: LameState = LameState()
        self._on_lame = on_lame
        self._drain_seconds = drain_seconds

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if counter % _TICKS_PER_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                sweepable: Any = connection
                sweepable.sweep(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: first the word goes round, and whoever asks meanwhile is answered; then no new connections."""
        self.server_state.lame = True
        self._on_lame()
        # A request that is on its way on a kept connection, or to a balancer that has not heard yet, still arrives.
        await asyncio.sleep(self._drain_seconds)
        for listener in sockets or ():
            await self._accept_the_last(listener)
        await super().shutdown(sockets)

    async def _accept_the_last(self, listener: socket.socket) -> None:
        """Who has connected already would be reset with the listener; who has not is refused, and has asked nothing."""
        with suppress(OSError):  # closed already
            listener.setblocking(False)
            listener.listen(0)  # the kernel completes no more handshakes than this queue holds
            while True:
                accepted, _ = listener.accept()
                await asyncio.get_running_loop().connect_accepted_socket(self._protocol, accepted)

    def _protocol(self) -> asyncio.Protocol:
        state: Any = self.server_state
        return GatewayProtocol(self.config, state, self.lifespan.state)
