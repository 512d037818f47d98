"""One call: let in, answered, recorded; and whatever goes wrong told in the caller's own shape."""

import asyncio
from collections.abc import Callable
from logging import getLogger

from creative_services.core.errors import CreativeServicesError
from creative_services.server.access.admission import Admission
from creative_services.server.callers.heads import JSON, NOTHING, Headers, told_headers
from creative_services.server.callers.incoming import GoneError, Receive, Scope, Send
from creative_services.server.callers.problems import Problem, body_of, headers_of, row_for
from creative_services.server.callers.surfaces import Surface
from creative_services.server.gateway.answering import Answering
from creative_services.server.gateway.replays import LARGEST, Recorder, Replays, idempotency_key
from creative_services.server.ledger.books import Books, spent
from creative_services.server.upstream.doors import entry_headers
from creative_services.server.visits.pulse import Pulse
from creative_services.server.visits.visit import Visit

_log = getLogger("creative_services.gateway")


class Gateway:
    """Serves the surfaces."""

    __slots__ = ("_admission", "_answering", "_books", "_loop", "_most_calls", "_now", "_pulse", "_replays")

    def __init__(
        self,
        *,
        admission: Admission,
        answering: Answering,
        books: Books,
        now: Callable[[], float],
        replays: Replays,
        most_calls: int,
    ) -> None:
        self._admission = admission
        self._answering = answering
        self._books = books
        self._now = now
        self._most_calls = most_calls
        self._replays = replays
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pulse = Pulse(now=now, watch=_watch, overdue=Visit.overdue)

    @property
    def under_way(self) -> int:
        """How many calls are being served."""
        return len(self._pulse)

    async def serve(self, surface: Surface, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        loop = self._loop = self._loop or asyncio.get_running_loop()
        visit = Visit(surface, scope, receive, send, started=self._now(), loop=loop)
        self._pulse.enter(visit)
        try:
            if len(self._pulse) > self._most_calls:
                raise Problem("busy", "This server has as many calls under way as it may. Try again.", retry_after=1.0)
            if not self._books.open:
                raise Problem("store", "What calls cost cannot be recorded at the moment, so none is made. Try again.")
            await self._admission.admit(visit)
            given = idempotency_key(visit)
            if given is None:
                await self._answering.answer(visit)
            else:
                await self._once(visit, given)
        except GoneError:
            pass  # it left before its request was complete: there is nothing to answer and nothing to pay
        except asyncio.CancelledError:
            await self._cut(visit)
        except Exception as error:  # noqa: BLE001 - the last stop before the server's own, plainer answer
            await self._refuse(visit, error)
        finally:
            self._pulse.leave(visit)
            self._admission.settle(visit)
            visit.close()

    async def _once(self, visit: Visit, given: bytes) -> None:
        """Answer, unless the same request was answered before; then that answer comes again, and costs nothing."""
        with self._replays.claimed(visit, given):
            replay = self._replays.find(visit, given)
            if replay is not None:
                headers = [*replay.headers, (b"x-llm-replayed", b"true")]
                await visit.send({"type": "http.response.start", "status": replay.status, "headers": headers})
                await visit.send({"type": "http.response.body", "body": replay.body})
                return
            recorder = Recorder(visit)
            visit.send = recorder.send
            await self._answering.answer(visit)
            # A broken stream and an answer too large to keep are asked for anew.
            if visit.answered and recorder.size <= LARGEST:
                self._replays.keep(visit, given, recorder)

    async def _cut(self, visit: Visit) -> None:
        if visit.run is not None and not visit.status:
            self._books.record(visit, 499)
        if not visit.ended_by_us or visit.task is None:
            raise asyncio.CancelledError  # not a caller's doing: the server is stopping
        visit.task.uncancel()
        if not visit.document:
            await self._refuse(visit, Problem("slow", "The body did not arrive in time. Send it in one go."))

    async def _refuse(self, visit: Visit, error: Exception) -> None:
        if not isinstance(error, Problem | CreativeServicesError):
            _log.exception("Request %s failed in a way nobody foresaw.", visit.request_id)
        row = row_for(error)
        if visit.run is None:
            self._books.refused(visit, row.status, error)
        elif not visit.status:
            self._books.record(visit, row.status, error)
        body = body_of(error, visit.surface.dialect, visit.request_id)
        headers = [
            *_who(visit),
            JSON,
            (b"content-length", b"%d" % len(body)),
            *headers_of(error),
        ]
        if row.status in _CLOSING:
            headers.append((b"connection", b"close"))
        await visit.send({"type": "http.response.start", "status": row.status, "headers": headers})
        await visit.send({"type": "http.response.body", "body": body})


def _who(visit: Visit) -> Headers:
    """Who was asked last, how many were asked, and what that cost as far as it is known."""
    attempts = visit.run.attempts if visit.run else []
    last = entry_headers(attempts[-1].llm) if attempts else ()
    return told_headers(visit.request_id, last, len(attempts), spent(attempts)[1] if attempts else NOTHING)


# The rest of such a body will not be read, so no other request can follow it.
_CLOSING = frozenset({408, 411, 413})


def _watch(visit: Visit) -> bool:
    # Once the body is read, whatever is received is the caller's farewell; before that it is the body's next part.
    if visit.document:
        visit.watcher = asyncio.get_running_loop().create_task(_wait_for_farewell(visit))
    return bool(visit.document)


async def _wait_for_farewell(visit: Visit) -> None:
    while (await visit.receive())["type"] != "http.disconnect":
        pass
    visit.leave()
