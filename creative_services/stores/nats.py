"""A store in a JetStream key-value bucket of NATS."""

import asyncio
import math
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Self
from urllib.parse import urlsplit

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from creative_services.core.errors import StoreError, StoreRefusedError, StoreUnreachableError
from creative_services.core.store import Changes, as_bytes, checked_ttl
from creative_services.stores._base import Base
from creative_services.stores._edge import TIMEOUT, Edge
from creative_services.stores._keys import escaped, unescaped
from creative_services.stores._per_loop import PerLoop
from creative_services.stores._watching import Readings, Some, Whole, watching
from creative_services.stores.nats_line import Heard, Line

_FAULTS: Final[Mapping[type[BaseException], type[StoreError]]] = {
    nats.errors.MaxPayloadError: StoreRefusedError,
    nats.errors.AuthorizationError: StoreError,
    nats.errors.NoServersError: StoreUnreachableError,
    nats.errors.ConnectionClosedError: StoreUnreachableError,
    nats.errors.Error: StoreError,
}
_NOT_THE_LAST: Final = (10071, 10164)  # the server's codes for "somebody wrote in between"
# A deleted key's marker goes too, after a minute, or a bucket would only ever grow.
_DELETED: Final = {"KV-Operation": "PURGE", "Nats-Rollup": "sub", "Nats-TTL": "60s"}
_LOOK_UP: Final = 0.5  # seconds after which a watch asks whether its connection still stands
_GOODBYE: Final = 1.0
_FORGOTTEN: Final = 30.0  # seconds after which the server forgets a listener that left without a word


class NATSKVStore(Base):
    """Keeps values in the bucket named in the address, or ``creative_services``; makes it when there is none.

    Times to live are whole seconds there and need nats-server 2.11. The server's default writes to its disk every two
    minutes; ``sync_interval: always`` in its configuration keeps what it acknowledged through a power failure.
    """

    def __init__(
        self,
        url: str = "nats://127.0.0.1:4222",
        *,
        bucket: str | None = None,
        replicas: int = 1,
        timeout: float = TIMEOUT,
        resync: float = 10.0,
    ) -> None:
        parts = urlsplit(url)
        self._bucket = named = bucket or parts.path.strip("/") or "creative_services"
        servers = [f"{parts.scheme}://{host}" for host in parts.netloc.split(",")]
        self._edge = Edge(url, _FAULTS, timeout)
        self.name = self._edge.name
        self._resync = resync
        self._lines: PerLoop[Line] = PerLoop(lambda: Line(servers, named, replicas), Line.aclose)

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """``nats://user:password@host:4222/bucket``, or ``tls://``."""
        return cls(url, **options)

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        subject = self._subject(key)
        async with self._edge.asking(f"get {key!r}"):
            return (await self._last(await self._stream(), subject))[0]

    async def set(self, key: str, value: bytes | str) -> bool:
        """Remember ``value`` for good."""
        subject = self._subject(key)
        async with self._edge.asking(f"set {key!r}", writes=True):
            await self._publish(await self._stream(), subject, as_bytes(value), {})
        return True

    async def set_expiring(self, key: str, value: bytes | str, ttl: float) -> bool:
        """Remember ``value`` for ``ttl`` seconds, by the server's clock."""
        subject, lasts = self._subject(key), checked_ttl(ttl)
        async with self._edge.asking(f"set {key!r}", writes=True):
            stream = await self._stream()
            await self._publish(stream, subject, as_bytes(value), await self._ending(lasts))
        return True

    async def delete(self, key: str) -> bool:
        """Forget the key."""
        while (present := await self.get(key)) is not None:
            if await self.swap(key, present, None):
                return True
        return False

    async def exists(self, key: str) -> bool:
        """Whether the key has a value."""
        return await self.get(key) is not None

    async def keys(self, prefix: str | None = None) -> list[str]:
        """Every key, or those that begin with ``prefix``."""
        return list(await self.read_many(prefix or ""))

    async def read_many(self, prefix: str = "") -> dict[str, bytes]:
        """Every key that begins with ``prefix``, with its value. All of the bucket comes over the wire for it."""
        async with self._edge.asking(f"read {prefix!r}"), self._listening() as heard:
            return await self._everything(heard, prefix)

    async def swap(
        self, key: str, expected: bytes | str | None, value: bytes | str | None, *, ttl: float | None = None
    ) -> bool:
        """Replace ``expected`` by ``value`` at one stroke."""
        subject, was = self._subject(key), None if expected is None else as_bytes(expected)
        lasts = None if ttl is None else checked_ttl(ttl)
        async with self._edge.asking(f"swap {key!r}", writes=True):
            stream = await self._stream()
            marks = _DELETED if value is None else {} if lasts is None else await self._ending(lasts)
            while True:
                present, revision = await self._last(stream, subject)
                if present != was:
                    return False
                if value is None and present is None:
                    return True
                guard = {"Nats-Expected-Last-Subject-Sequence": str(revision)}
                if await self._publish(stream, subject, as_bytes(value or b""), {**marks, **guard}):
                    return True

    def watch(self, prefix: str = "") -> AsyncGenerator[Changes]:
        """First everything there is, then what changes."""
        return watching(lambda: self._readings(prefix))

    async def aclose(self) -> None:
        """Close the connection of the running loop."""
        await self._lines.aclose()

    async def _readings(self, prefix: str) -> Readings:
        line = await self._lines.here()
        async with self._edge.listening("watch"), self._listening() as heard:
            stands = line.reconnects
            async with self._edge.asking(f"read {prefix!r}"):
                whole = await self._everything(heard, prefix)
            yield Whole(whole)
            quiet = 0.0
            # What a broken connection made us miss is found by reading everything again, which is what an end asks for.
            while quiet < self._resync and line.reconnects == stands:
                messages = await heard.more(_LOOK_UP)
                quiet = 0.0 if messages else quiet + _LOOK_UP
                if values := dict(self._meant(messages, prefix)):
                    yield Some(values)

    @asynccontextmanager
    async def _listening(self) -> AsyncGenerator[Heard]:
        """A subscription that begins with the last message of every key."""
        async with self._edge.asking("listen"):
            line = await self._lines.here()
            stream, heard = await line.stream(), Heard()
            question: Any = stream.subscribe(
                f"$KV.{self._bucket}.>",
                stream=f"KV_{self._bucket}",
                cb=heard.hear,
                ordered_consumer=True,
                deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
                inactive_threshold=_FORGOTTEN,
            )
            listener = await line.asked(question)
            info = await line.asked(listener.consumer_info())
            heard.nothing_yet = not info.num_pending and not info.delivered.consumer_seq
        try:
            yield heard
        finally:
            # A server that is out of order need not be told; it forgets us by itself.
            with suppress(nats.errors.Error, TimeoutError):
                async with asyncio.timeout(_GOODBYE if line.reconnects is not None else 0):
                    await listener.unsubscribe()
                    await stream.delete_consumer(f"KV_{self._bucket}", info.name)

    async def _everything(self, heard: Heard, prefix: str) -> dict[str, bytes]:
        found: dict[str, bytes | None] = {}
        while not heard.nothing_yet:
            messages = await heard.more(self._edge.timeout)
            found.update(self._meant(messages, prefix))
            if messages and not messages[-1].metadata.num_pending:
                break
        return {key: value for key, value in found.items() if value is not None}

    def _meant(self, messages: list[Msg], prefix: str) -> Iterator[tuple[str, bytes | None]]:
        for message in messages:
            key = unescaped(message.subject.removeprefix(f"$KV.{self._bucket}."))
            if key and key.startswith(prefix):
                yield key, _value(message.headers, message.data)

    async def _last(self, stream: JetStreamContext, subject: str) -> tuple[bytes | None, int]:
        """The live value of a subject, and the number its next message must name to be the next."""
        try:
            # From the leader: a replica's answer could be older than what we wrote ourselves.
            question = stream.get_last_msg(f"KV_{self._bucket}", subject, direct=False)
            message = await (await self._lines.here()).asked(question)
        except NotFoundError:
            return None, 0
        return _value(message.headers, message.data), int(message.seq or 0)

    async def _publish(self, stream: JetStreamContext, subject: str, value: bytes, headers: dict[str, str]) -> bool:
        """False when somebody else wrote in between."""
        try:
            question = stream.publish(subject, value, timeout=self._edge.timeout, headers=headers or None)
            await (await self._lines.here()).asked(question)
        except APIError as error:
            if error.err_code in _NOT_THE_LAST:
                return False
            raise
        return True

    async def _ending(self, ttl: float) -> dict[str, str]:
        if not (await self._lines.here()).expires:
            raise StoreRefusedError(
                f"The bucket '{self._bucket}' of {self.name} cannot let values expire one by one. "
                "That takes nats-server 2.11 and a bucket made by it: upgrade, then delete the bucket."
            )
        return {"Nats-TTL": f"{math.ceil(ttl)}s"}

    async def _stream(self) -> JetStreamContext:
        return await (await self._lines.here()).stream()

    def _subject(self, key: str) -> str:
        return f"$KV.{self._bucket}.{escaped(key)}"


def _value(headers: Mapping[str, str] | None, data: bytes | None) -> bytes | None:
    """The message's value; None when it says that the key is gone: deleted, or expired."""
    if headers and ("KV-Operation" in headers or "Nats-Marker-Reason" in headers):
        return None
    return data or b""
