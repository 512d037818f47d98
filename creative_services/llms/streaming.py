"""An answer in pieces. Until the first piece another entry may step in; after it nothing is repeated."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from creative_services.core.completions import Completion, LLMResponse, Piece
from creative_services.core.errors import MalformedAnswerError, ProviderError, StreamInterruptedError, TimedOutError
from creative_services.core.estimates import estimated_usage
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.secrets import without_frames
from creative_services.llms.asking import Asked
from creative_services.llms.desk import Desk
from creative_services.llms.generating import response_of, start, used, whole
from creative_services.llms.run import Run, telling_failure

Item = Piece | Completion


class LLMStream:
    """``async for piece in stream``: pieces of text, the last one carrying the response with usage and cost."""

    def __init__(self, desk: Desk, asked: Asked) -> None:
        self._pieces = _pieces(desk, asked)
        self.response: LLMResponse | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Piece:
        piece = await anext(self._pieces)
        if piece.response is not None:
            self.response = piece.response
        return piece

    async def final(self) -> LLMResponse:
        """Read to the end and return the whole response."""
        async for _ in self:
            pass
        if self.response is None:
            raise RuntimeError("The stream was closed before its end, so it has no response.")
        return self.response

    async def aclose(self) -> None:
        """Stop reading: the vendor's request is cancelled, and what it cost so far is accounted."""
        await self._pieces.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def _pieces(desk: Desk, asked: Asked) -> AsyncGenerator[Piece, None]:
    run = await start(desk, asked)
    async with telling_failure(run):
        source = await _open(desk, run)
        item = source.first
        try:
            while isinstance(item, Piece):
                source.said.append(item.text)
                yield item
                item = await source.next(run, desk.patience.idle_timeout)
        except ProviderError as error:
            raise await source.interrupted(error, desk, run) from error
        except BaseException as end:
            await run.abandon("".join(source.said))
            if isinstance(end, asyncio.CancelledError):
                without_frames(end)
            raise
        finally:
            await source.aclose()
        await run.finish(used(run, item))
        response = response_of(run, item)
        if asked.shape:
            response = replace(response, parsed=asked.shape.parse(response.content))
    run.tell(response)
    yield Piece(response=response)


async def _open(desk: Desk, run: Run) -> "_Source":
    async def reach(entry: LLMEntry) -> _Source:
        # The first item decides: an error before it is a failed try like any other, and the next entry is asked.
        items = aiter(desk.shelf.of(entry).stream(entry, run.request))
        first = await anext(items, None)
        if first is None:
            raise MalformedAnswerError("the stream ended before it said anything", llm=entry)
        return _Source(llm=entry, items=items, first=first if isinstance(first, Piece) else whole(first, entry))

    return await run.ask(reach)


@dataclass(slots=True, kw_only=True)
class _Source:
    """An opened stream and what it has said."""

    llm: LLMEntry
    items: AsyncIterator[Item]
    first: Item
    said: list[str] = field(default_factory=list)

    async def next(self, run: Run, idle: float) -> Item:
        """The next item, unless the vendor falls silent or the call's time is up."""
        wait = max(0.0, min(idle, run.time_left()))
        try:
            async with asyncio.timeout(wait):
                item = await anext(self.items, None)
        except ProviderError:
            raise
        except TimeoutError as late:
            silent = TimedOutError(f"the stream fell silent for {wait:.2f} s", llm=self.llm)
            raise silent from without_frames(late)
        if item is None:
            raise MalformedAnswerError("the stream ended without its last event", llm=self.llm)
        return item if isinstance(item, Piece) else whole(item, self.llm)

    async def interrupted(self, error: ProviderError, desk: Desk, run: Run) -> StreamInterruptedError:
        """What the caller is told when a stream breaks after its first piece."""
        text = "".join(self.said)
        usage = estimated_usage(run.request.messages, text)
        broken = StreamInterruptedError(
            f"the stream broke after {len(text)} characters ({error.what})",
            partial_text=text,
            usage=usage,
            llm=self.llm,
            status=error.status,
            code=error.code,
            request_id=error.request_id,
        )
        # The cause counts against the entry, though this caller is not served by another one.
        desk.health.failed(self.llm, error)
        await run.fail(broken, usage)
        return broken

    async def aclose(self) -> None:
        """Close the vendor's response; harmless after its end."""
        close = getattr(self.items, "aclose", None)
        if close is not None:
            await close()
