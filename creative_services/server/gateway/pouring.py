"""A flow poured out to the caller: watched, counted, and never cut without a word."""

from typing import Final

from creative_services.core.errors import CreativeServicesError, MalformedAnswerError, StreamInterruptedError
from creative_services.core.estimates import estimated_usage
from creative_services.core.usage import Usage
from creative_services.llms.desk import Desk
from creative_services.llms.run import Run
from creative_services.providers._translate import of_fault, translated
from creative_services.server.callers.problems import event_of
from creative_services.server.ledger.books import Books
from creative_services.server.visits.flows import Flow
from creative_services.server.visits.visit import Visit
from creative_services.wire.openai_outbound import usage_chunk
from creative_services.wire.outbound import Answering

# A caller that takes nothing for so long has gone to sleep, and holds a vendor's connection meanwhile.
SLOW_READER_SECONDS: Final = 30.0


class Pouring:
    """One flow on its way to the caller."""

    __slots__ = ("_books", "_desk", "_flow", "_now", "_over", "_run", "_visit")

    def __init__(self, visit: Visit, run: Run, flow: Flow, desk: Desk, books: Books) -> None:
        self._visit = visit
        self._run = run
        self._flow = flow
        self._desk = desk
        self._books = books
        self._now = desk.clock.now
        self._over = False

    async def pour(self) -> None:
        """Piece by piece, until the end, an error, or a caller that has left."""
        tail = b""
        try:
            await self._pieces()
            if not self._over:
                await self._end()
                tail = self._with_usage(b"") if self._visit.answered else b""
        except BaseException:
            await self._abandoned()
            raise
        finally:
            self._flow.close()
        await self._visit.send({"type": "http.response.body", "body": tail + self._account(), "more_body": False})

    async def _pieces(self) -> None:
        visit, flow, gauge, send = self._visit, self._flow, self._flow.gauge, self._visit.send
        piece = flow.first
        while piece:
            if gauge.finished and not self._over:
                # In the books before the end is out of the door.
                await self._end()
                piece = self._with_usage(piece)
            visit.waits_for_caller(self._now() + SLOW_READER_SECONDS)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            visit.waits_for_vendor(self._now() + min(self._desk.patience.idle_timeout, self._run.time_left()), flow)
            try:
                piece = await flow.next()
            except (OSError, CreativeServicesError) as error:
                await self._broken(translated(error, flow.entry))
                return
        visit.due = 0.0

    async def _end(self) -> None:
        """The vendor is done, or the stream is at its end: well, with the vendor's own error, or cut."""
        gauge = self._flow.gauge
        if gauge.fault is not None:
            await self._broken(of_fault(gauge.fault, self._flow.entry), told=True)
        elif not gauge.complete:
            await self._broken(MalformedAnswerError("the stream ended without its last event", llm=self._flow.entry))
        else:
            self._over = True
            await self._run.finish(self._usage())
            self._books.record(self._visit, 200)
            self._visit.answered = True

    def _usage(self) -> Usage:
        return self._flow.gauge.usage() or estimated_usage(self._run.request.messages, self._flow.gauge.said)

    def _with_usage(self, piece: bytes) -> bytes:
        """The stream's end, with a count before it: OpenAI's dialect has one, and some endpoints never tell theirs."""
        if not self._visit.surface.asks_usage or self._flow.gauge.usage() is not None:
            return piece
        entry = self._flow.entry
        about = Answering(
            id=self._visit.request_id, model=entry.model, created=int(self._desk.clock.utcnow().timestamp())
        )
        before, done, after = piece.rpartition(b"data: [DONE]")
        return before + usage_chunk(about, self._usage()) + done + after

    async def _broken(self, cause: CreativeServicesError, *, told: bool = False) -> None:
        """The vendor broke off. ``told`` when its own words are on their way to the caller already."""
        if self._over:
            return
        self._over = True
        entry, said = self._flow.entry, self._flow.gauge.said
        # The cause counts against the entry, though this caller is not served by another one.
        self._desk.health.failed(entry, cause)
        what = getattr(cause, "what", str(cause))
        broken = StreamInterruptedError(f"the stream broke after about {said} characters ({what})", llm=entry)
        await self._run.fail(broken, self._usage())
        self._books.record(self._visit, 200, broken)
        if not told:
            event = event_of(broken, self._visit.surface.dialect, self._visit.request_id)
            await self._visit.send({"type": "http.response.body", "body": event, "more_body": True})

    async def _abandoned(self) -> None:
        """The caller has left, or sleeps: what came so far is paid for."""
        if not self._over:
            self._over = True
            await self._run.abandon(usage=self._usage())
            self._books.record(self._visit, 499)

    def _account(self) -> bytes:
        """The cost, which no header of a stream can know, as a comment that every reader of events skips."""
        _, cost = self._run.spent()
        return b"" if cost is None else f": x-llm-cost {cost:f}\n\n".encode()
