"""One connection to NATS with its bucket, for one event loop."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import KeyValueLimitMarkerTTLNotSupportedError, NotFoundError

from creative_services.core.errors import StoreUnreachableError

_log = logging.getLogger("creative_services.stores")
_RETURNS: Final = 1.0  # a server that is back within this time costs nobody an error
_MARKER_TTL: Final = 60.0  # how long the server tells newcomers that a value expired


class Heard:
    """What a subscription heard since we last asked. Taken in heaps: a wait for each message costs twice as much."""

    def __init__(self) -> None:
        self.nothing_yet = False
        self._messages: list[Msg] = []
        self._bell = asyncio.Event()

    async def hear(self, message: Msg) -> None:
        """One more."""
        self._messages.append(message)
        self._bell.set()

    async def more(self, seconds: float) -> list[Msg]:
        """All there are, as soon as there is one; none after ``seconds``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        self._bell.clear()
        messages, self._messages = self._messages, []
        return messages


class Line:
    """Connects when first asked, and again by itself whenever the connection breaks."""

    def __init__(self, servers: list[str], bucket: str, replicas: int) -> None:
        self._servers, self._bucket, self._replicas = servers, bucket, replicas
        self._lock = asyncio.Lock()
        self._client: Client | None = None
        self._stream: JetStreamContext | None = None
        self.expires = True

    async def stream(self) -> JetStreamContext:
        """The bucket's stream, on a connection that stands."""
        async with self._lock:
            if self._client is None or self._client.is_closed:
                self._client, self._stream = await self._connect(), None
            await self._standing(self._client)
            if self._stream is None:
                self._stream = await self._opened(self._client.jetstream())
        return self._stream

    @property
    def reconnects(self) -> int | None:
        """How often the connection broke and came back; None while it is broken."""
        client = self._client
        return client.stats["reconnects"] if client and client.is_connected else None

    async def aclose(self) -> None:
        """Close the connection."""
        if self._client:
            await self._client.close()

    async def _connect(self) -> Client:
        # The first time a wrong address must be said; later ones the client tries until the server is back.
        client = await nats.connect(
            self._servers,
            allow_reconnect=False,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,
            error_cb=_noted,
        )
        client.options["allow_reconnect"] = True
        return client

    async def _standing(self, client: Client) -> None:
        deadline = asyncio.get_running_loop().time() + _RETURNS
        while not client.is_connected:
            if client.is_closed or asyncio.get_running_loop().time() > deadline:
                raise StoreUnreachableError(
                    f"The connection to NATS at {', '.join(self._servers)} is broken. Check that the server runs; "
                    "it is reconnected to as soon as it does."
                )
            await asyncio.sleep(0.02)

    async def _opened(self, stream: JetStreamContext) -> JetStreamContext:
        try:
            info = await stream.stream_info(f"KV_{self._bucket}")
        except NotFoundError:
            await self._create(stream)
        else:
            self.expires = bool(info.config.allow_msg_ttl and info.config.subject_delete_marker_ttl)
        return stream

    async def _create(self, stream: JetStreamContext) -> None:
        make = stream.create_key_value
        try:
            await make(bucket=self._bucket, history=1, replicas=self._replicas, limit_marker_ttl=_MARKER_TTL)
        except KeyValueLimitMarkerTTLNotSupportedError:  # before 2.11; everything but expiry works
            self.expires = False
            await make(bucket=self._bucket, history=1, replicas=self._replicas)


async def _noted(error: Exception) -> None:
    # The driver prints tracebacks otherwise; whoever asked for something is told in the answer.
    _log.debug("NATS: %s", error)
