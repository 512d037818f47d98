"""The capability routing service as plain ASGI: who registers stays connected, and is routed to for as long.

::

    app = routing_service()                              # this process alone
    app = routing_service(open_store("redis://..."))     # one roster for several processes
"""

import asyncio
import hmac
from collections.abc import Callable
from random import random
from typing import Any, Final
from urllib.parse import unquote

from creative_services.core.errors import ConfigurationError, StoreError
from creative_services.core.replicas import Replica
from creative_services.core.secrets import Secret
from creative_services.core.store import KeyValueStore
from creative_services.replicas.registrations import figures, registration, told, told_in_full
from creative_services.server.replicas.answers import (
    NOT_FOUND,
    Receive,
    Refusal,
    Scope,
    Send,
    body_in,
    send_json,
    send_raw,
)
from creative_services.server.replicas.feed import Feed
from creative_services.server.replicas.lines import Lines
from creative_services.server.replicas.roll import OwnRoll, Roll
from creative_services.server.replicas.shared_roll import SharedRoll
from creative_services.server.replicas.table import Table, listed

ALIVE_SECONDS: Final = 5.0
MOST_REGISTRATIONS: Final = 20_000
_NOBODY: Final = b'{"detail":"no matching replica"}'


class RoutingService:
    """Answers ``/register``, ``/route``, ``/registry``, ``/health``, ``/drain`` and ``/changes``."""

    def __init__(
        self,
        table: Table,
        roll: Roll,
        *,
        token: Secret | None = None,
        most: int = MOST_REGISTRATIONS,
        alive_seconds: float = ALIVE_SECONDS,
    ) -> None:
        self.table, self._roll = table, roll
        self._token, self._most = token, most
        self._feed = Feed(table)
        self._lines = Lines(alive_seconds)
        self._starting: asyncio.Task[None] | None = None
        table.listen(self._heard)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if self._starting is None or not self._starting.done():
                await self.start()
            # Nearly every request is this one; nothing stands between it and the look-up.
            if self._token is None and scope["path"] == "/route" and scope["method"] == "GET":
                answer = self.table.route(scope["query_string"])
                return await send_raw(send, 404 if answer is None else 200, answer or _NOBODY)
            return await self._answer(scope, receive, send)
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        return None

    async def start(self) -> None:
        """Begin to follow the roster, once; servers do this before they take connections."""
        if self._starting is None or (self._starting.done() and self._starting.exception()):
            self._starting = asyncio.create_task(self._roll.start())
        await asyncio.shield(self._starting)

    async def aclose(self) -> None:
        """Say goodbye to those who are connected, and to the other processes."""
        self._lines.end_all("closing")
        await self._roll.aclose()
        self._starting = None

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except StoreError as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._dispatch(scope, receive, send)
        except Refusal as refusal:
            await send_json(send, refusal.status, {"detail": str(refusal)}, refusal.headers)
        except StoreError as error:
            await send_json(send, 503, {"detail": str(error)}, ((b"retry-after", b"1"),))

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, (first, rest) = scope["method"], _split(scope)
        if first == "health" and not rest:
            _only(method, "GET")
            return await send_json(send, 200, {"status": "healthy"})
        self._admit(scope)
        if first == "register" and rest and method == "PUT":
            return await self._count(rest, scope, receive, send)
        if first in ("register", "drain") and rest:
            return await self._manage(method, first, rest, send)
        if first == "register":
            _only(method, "POST")
            return await self._register(scope, receive, send)
        if rest or first not in ("route", "registry", "changes"):
            raise Refusal(404, NOT_FOUND)
        _only(method, "GET")
        if first == "route":
            answer = self.table.route(scope["query_string"])
            return await send_raw(send, 404 if answer is None else 200, answer or _NOBODY)
        if first == "registry":
            in_full = b"details=1" in scope["query_string"].split(b"&")
            return await send_json(send, 200, listed(self.table, told_in_full if in_full else told))
        return await self._feed.serve(receive, send)

    def _admit(self, scope: Scope) -> None:
        if self._token is None:
            return
        scheme, _, shown = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(shown.strip(), self._token.reveal().encode()):
            asked = ((b"www-authenticate", b"Bearer"),)
            raise Refusal(401, "show the token of this service: Authorization: Bearer ...", asked)

    async def _manage(self, method: str, what: str, replica_id: str, send: Send) -> None:
        """DELETE /register/{id}; POST and DELETE /drain/{id}."""
        change: Callable[[Replica], Replica | None]
        if what == "register":
            _only(method, "DELETE", "PUT")
            status, change = "unregistered", _removed
        else:
            _only(method, "POST", "DELETE")
            draining = method == "POST"
            status = "draining" if draining else "active"

            def change(replica: Replica) -> Replica:
                return replica.drained(draining)

        if not await self._roll.change(replica_id, change):
            raise Refusal(404, "no such replica")
        await send_json(send, 200, {"status": status, "replica_id": replica_id})

    async def _count(self, replica_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        """PUT /register/{id}: what a replica counts, for those who look after it."""
        try:
            data = figures(await body_in(scope, receive))
        except ConfigurationError as error:
            raise Refusal(422, str(error)) from None
        if not await self._roll.change(replica_id, lambda replica: replica.counting(data)):
            raise Refusal(404, "no such replica")
        await send_json(send, 200, {"status": "counted", "replica_id": replica_id})

    async def _register(self, scope: Scope, receive: Receive, send: Send) -> None:
        document = await body_in(scope, receive)
        try:
            wanted = registration(document)
        except ConfigurationError as error:
            raise Refusal(422, str(error)) from None
        if len(self.table) >= self._most and self.table.get(wanted.id) is None:
            raise Refusal(503, f"{self._most} replicas are registered, and that is as many as are taken here")
        replica = await self._roll.enter(wanted)
        try:
            # Until the replica leaves, another registration takes its place, or it is evicted.
            await self._lines.hold(replica, receive, send)
        finally:
            await self._roll.strike(replica)

    def _heard(self, event: str, replica: Replica, before: Replica | None) -> None:
        if before is not None and event in ("gone", "registered"):
            self._lines.end((before.id, before.token), "evicted" if event == "gone" else "replaced")


def _removed(_: Replica) -> None:
    return None


def _split(scope: Scope) -> tuple[str, str]:
    """The path's first word, and the rest as it was before it was written as a path."""
    raw = scope.get("raw_path") or scope["path"].encode()
    # Mounted in another application we see its path too.
    path = raw.partition(b"?")[0].decode("latin-1").removeprefix(scope.get("root_path") or "")
    first, _, rest = path.strip("/").partition("/")
    return first, unquote(rest)


def _only(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise Refusal(405, "Method Not Allowed", ((b"allow", ", ".join(allowed).encode()),))


def routing_service(
    store: KeyValueStore | None = None,
    *,
    token: Secret | str | None = None,
    most: int = MOST_REGISTRATIONS,
    chance: Callable[[], float] = random,
    **times: Any,
) -> RoutingService:
    """The service; with a ``store`` every process over it shares one roster."""
    table = Table(chance)
    roll: Roll = OwnRoll(table) if store is None else SharedRoll(table, store, **times)
    secret = Secret(token) if isinstance(token, str) else token
    return RoutingService(table, roll, token=secret, most=most)
