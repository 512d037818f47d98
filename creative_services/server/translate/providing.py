"""Entries that no table of endpoints knows: asked through their own provider, answered in the caller's dialect."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

import orjson

from creative_services.core.completions import Completion, Message, Piece
from creative_services.core.errors import BadRequestError, CreativeServicesError, MalformedAnswerError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.llms.shelf import Shelf
from creative_services.providers._translate import translated
from creative_services.server.relay.relaying import Whole
from creative_services.server.translate.counting import counted
from creative_services.server.translate.translation import about, spoken
from creative_services.server.translate.voices import VOICES, Writer
from creative_services.server.visits.visit import Visit
from creative_services.wire.deltas import TextDelta
from creative_services.wire.embedding_inbound import texts
from creative_services.wire.embedding_outbound import answer as embedding_answer
from creative_services.wire.faults import Fault


class Providing:
    """Asks providers."""

    __slots__ = ("_shelf", "_time")

    def __init__(self, shelf: Shelf, *, time: Callable[[], float]) -> None:
        self._shelf = shelf
        self._time = time

    async def whole(self, visit: Visit, entry: LLMEntry) -> Whole:
        """The whole answer."""
        if visit.surface.operation == "embeddings":
            return await self._vectors(visit, entry)
        assert visit.request is not None
        try:
            completion = await self._shelf.of(entry).generate(entry, visit.request)
        except CreativeServicesError:
            raise
        except Exception as error:
            raise translated(error, entry) from error
        return spoken(visit, entry, completion, self._time())

    async def _vectors(self, visit: Visit, entry: LLMEntry) -> Whole:
        wanted = texts(visit.document)
        if wanted is None:
            raise BadRequestError("this model reads texts, not tokens of another model's vocabulary", llm=entry)
        found = await self._shelf.embedder(entry).embed(entry, wanted)
        in_base64 = visit.document.get("encoding_format") == "base64"
        document = embedding_answer(found, found.model or entry.model, in_base64=in_base64)
        return Whole(orjson.dumps(document), found.usage)

    async def flow(self, visit: Visit, entry: LLMEntry) -> "ProvidedFlow":
        """The answer as it comes."""
        assert visit.request is not None
        writer = VOICES[visit.surface.name].writer(about(visit, entry, self._time()))
        pieces = self._shelf.of(entry).stream(entry, visit.request)
        flow = ProvidedFlow(entry, pieces, writer, visit.request.messages)
        try:
            flow.first = writer.open() + await flow.next()
        except CreativeServicesError:
            raise
        except Exception as error:
            raise translated(error, entry) from error
        finally:
            if not flow.first:
                await flow.aclose()
        return flow


class ProvidedFlow:
    """A provider's pieces in the caller's dialect. It is its own gauge."""

    __slots__ = ("_closing", "_pieces", "_prompt", "_reason", "_timer", "_usage", "_writer", "complete", "entry",
                 "fault", "finished", "first", "said")  # fmt: skip

    def __init__(
        self, entry: LLMEntry, pieces: AsyncIterator[Piece | Completion], writer: Writer, prompt: Iterable[Message]
    ) -> None:
        self.entry = entry
        self._prompt = prompt  # for an estimate, when the provider counts nothing
        self._pieces = pieces
        self._writer = writer
        self._usage: Usage | None = None
        self._timer: asyncio.Timeout | None = None
        self._reason: Exception | None = None
        self._closing: asyncio.Task[None] | None = None
        self.complete = False
        self.finished = False
        self.fault: Fault | None = None  # a provider raises its vendor's errors
        self.said = 0
        self.first = b""

    @property
    def gauge(self) -> "ProvidedFlow":
        """What is known of it so far."""
        return self

    async def next(self) -> bytes:
        """The next bytes; empty at the end."""
        if self.finished:
            return b""
        item = await self._item()
        if isinstance(item, Piece):
            self.said += len(item.text)
            return self._writer.write([TextDelta(item.text)])
        item = counted(item, self._prompt)
        self._usage = item.usage
        # Not every provider streams: then its whole answer is its only piece.
        text = self._writer.write([TextDelta(item.content)]) if item.content and not self.said else b""
        self.said = self.said or len(item.content)
        self.complete = self.finished = True
        return text + self._writer.close(item)

    async def _item(self) -> Piece | Completion:
        try:
            async with asyncio.timeout(None) as self._timer:
                item = await anext(self._pieces, None)
        except TimeoutError:
            if self._reason is not None:
                raise self._reason from None
            raise
        finally:
            self._timer = None
        if item is None:
            raise MalformedAnswerError("the stream ended without its last event", llm=self.entry)
        return item

    def usage(self) -> Usage | None:
        """What the vendor has counted so far."""
        return self._usage

    def interrupt(self, reason: Exception) -> None:
        """Make ``next`` raise: the vendor has been silent for too long."""
        if self._timer is not None:
            self._reason = reason
            self._timer.reschedule(asyncio.get_running_loop().time())

    def close(self) -> None:
        """Let go, which stops a vendor that is not done."""
        self._closing = asyncio.get_running_loop().create_task(self.aclose())

    async def aclose(self) -> None:
        """The same, at once."""
        shut = getattr(self._pieces, "aclose", None)
        if shut is not None:
            await shut()
