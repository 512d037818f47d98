"""One connection to NATS with its bucket, for one event loop."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import KeyValueLimitMarkerTTLNotSupportedError, NotFoundError

from creative_services.core.errors import StoreUnreachableError
from creative_services.stores._edge import shown

T = TypeVar("T")

_log = logging.getLogger("creative_services.stores")
_CONNECT: Final = 2.0  # seconds; half of what a question may take
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
        self._broken = asyncio.Event()
        self._broken_at: float | None = None
        self.expires = True

    async def stream(self) -> JetStreamContext:
        """The bucket's stream, on a connection that stands."""
        async with self._lock:
            if self._client is None or self._client.is_closed:
                self._client, self._stream = await self._connect(), None
                self._broken.clear()
            await self._standing(self._client)
            if self._stream is None:
                self._stream = await self._opened(self._client.jetstream())
        return self._stream

    async def asked(self, question: Coroutine[Any, Any, T]) -> T:
        """The answer, or an error as soon as the connection breaks; the driver would go on waiting."""
        asking = asyncio.ensure_future(question)
        broken = asyncio.ensure_future(self._broken.wait())
        try:
            await asyncio.wait((asking, broken), return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return await asking
            raise ConnectionResetError("the connection broke before an answer came")
        finally:
            asking.cancel()
            broken.cancel()

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
        # The first time a wrong address must be said, so each server is tried twice and no more; a connection that
        # once stood is tried for ever.
        client = await nats.connect(
            self._servers,
            max_reconnect_attempts=1,
            reconnect_time_wait=0.1,
            connect_timeout=_CONNECT,
            error_cb=_noted,
            disconnected_cb=self._break,
            reconnected_cb=self._mend,
        )
        client.options["max_reconnect_attempts"] = -1
        return client

    async def _break(self) -> None:
        self._broken.set()

    async def _mend(self) -> None:
        self._stream = None  # the server that came back may have lost the bucket
        self._broken.clear()

    async def _standing(self, client: Client) -> None:
        """Wait a moment for a connection that has just broken, and not at all for one that is broken for longer."""
        now = asyncio.get_running_loop().time
        self._broken_at = None if client.is_connected else self._broken_at or now()
        while not client.is_connected:
            if self._broken_at is None or client.is_closed or now() > self._broken_at + _RETURNS:
                raise StoreUnreachableError(
                    f"The connection to NATS at {', '.join(map(shown, self._servers))} is broken. "
                    "Check that it runs; it is reconnected to as soon as it does."
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
