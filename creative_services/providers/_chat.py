"""One provider for every vendor that is reached over HTTP: a dialect, a leg, and what was learned on the way."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from creative_services.core.completions import Completion, Embeddings, Piece, Request
from creative_services.core.errors import BadRequestError, MalformedAnswerError, ProviderError, UnreachableError
from creative_services.core.llm_registry import LLMEntry
from creative_services.providers._dialects import Dialect, EmbeddingDialect
from creative_services.providers._legs import Answer, Flow, Leg
from creative_services.providers._refusals import Refusals
from creative_services.providers._translate import request_id_in, translated

_DONE: Final = b"[DONE]"
_DRAIN_SECONDS: Final = 0.2  # for the end of an answer that is complete, so that its connection can be used again
_LESSONS: Final = 4  # parameters one call may find out to be refused


class ChatProvider:
    """Generates and streams, whatever the dialect and the leg."""

    __slots__ = ("__weakref__", "_dialect", "_leg", "_refusals")

    def __init__(self, dialect: Dialect, leg: Leg) -> None:
        self._dialect = dialect
        self._leg = leg
        self._refusals = Refusals(dialect.musts)

    async def generate(self, entry: LLMEntry, request: Request) -> Completion:
        """The whole answer."""
        answer = await self._asked(entry, request, stream=False)
        assert isinstance(answer, Answer)
        return self._read(answer, entry)

    def _read(self, answer: Answer, entry: LLMEntry) -> Completion:
        try:
            completion = self._dialect.completion(json.loads(answer.content))
            return replace(completion, request_id=request_id_in(answer.headers))
        except Exception as error:  # noqa: BLE001 - whatever the bytes made our reading stumble on
            failure = translated(error, entry, answer.headers)
        raise failure

    async def _asked(self, entry: LLMEntry, request: Request, *, stream: bool) -> Answer | Flow:
        """The vendor's answer, asked again without what it refuses to take, unless the caller insists."""
        for _ in range(_LESSONS):
            without = self._refusals.known(entry)
            body = self._body(entry, request, stream=stream, without=without)
            ask = self._leg.open if stream else self._leg.post
            try:
                return await ask(entry, self._dialect.path, body)
            except BadRequestError as error:
                if not self._refusals.learn(error, entry, request, without):
                    raise
        return await ask(entry, self._dialect.path, body)

    def _body(self, entry: LLMEntry, request: Request, *, stream: bool, without: frozenset[str]) -> Mapping[str, Any]:
        try:
            return self._dialect.body(entry, request, stream=stream, without=without)
        except (ValueError, TypeError, AttributeError) as error:
            raise BadRequestError(f"the request cannot be put into words: {error}", llm=entry) from error

    async def stream(self, entry: LLMEntry, request: Request) -> AsyncIterator[Piece | Completion]:
        """Pieces as they come, and the whole ``Completion`` as the last item."""
        flow = await self._asked(entry, request, stream=True)
        assert isinstance(flow, Flow)
        assembler, decoder = self._dialect.assembler(), self._dialect.decoder()
        source = aiter(flow.data)
        failure: Exception | None = None
        data, document, documents, begun = b"", b"", [b""], False
        try:
            if flow.headers.get("content-type", "").startswith("application/json"):
                completion = self._read(await _whole(flow), entry)
                yield Piece(completion.content)
                yield completion
                return
            async for data in source:
                documents = decoder.feed(data)
                for document in documents:
                    if document != _DONE and (text := assembler.feed(json.loads(document))):
                        yield Piece(text)
                begun = begun or bool(documents)
                if documents and documents[-1] == _DONE:
                    await _drain(source)
                    break
        except Exception as error:  # noqa: BLE001 - whatever breaks while the answer comes
            failure = translated(error, entry, flow.headers)
        finally:
            await flow.aclose()
        data, document, documents = b"", b"", []  # a traceback with local values must not quote the vendor
        if failure is None and not assembler.finished:
            failure = _cut(entry, flow.headers, begun=begun)
        if failure is not None:
            raise failure
        yield replace(assembler.completion(), request_id=request_id_in(flow.headers))

    async def models(self, entry: LLMEntry) -> tuple[str, ...]:
        """The names the endpoint knows."""
        answer = await self._leg.get(entry, self._dialect.models_path)
        try:
            return self._dialect.models(json.loads(answer.content))
        except Exception as error:  # noqa: BLE001 - whatever the bytes made our reading stumble on
            failure = translated(error, entry, answer.headers)
        raise failure

    async def aclose(self) -> None:
        """Close every connection of the running loop."""
        await self._leg.aclose()


class EmbeddingProvider(ChatProvider):
    """One that can make vectors too."""

    __slots__ = ()

    _dialect: "EmbeddingDialect"

    async def embed(self, entry: LLMEntry, texts: Sequence[str]) -> Embeddings:
        """One vector per text, in order."""
        if not texts:
            return Embeddings(vectors=())
        body = self._dialect.embedding_body(entry, texts)
        answer = await self._leg.post(entry, self._dialect.embedding_path, body)
        try:
            made = self._dialect.embeddings(json.loads(answer.content), len(texts))
            return replace(made, request_id=request_id_in(answer.headers))
        except Exception as error:  # noqa: BLE001 - as above
            failure = translated(error, entry, answer.headers)
        raise failure


def _cut(entry: LLMEntry, headers: Mapping[str, str], *, begun: bool) -> ProviderError:
    request_id = request_id_in(headers)
    if begun:
        return UnreachableError("the stream ended before the answer was complete", llm=entry, request_id=request_id)
    return MalformedAnswerError("the stream ended without a single event", llm=entry, request_id=request_id)


async def _whole(flow: Flow) -> Answer:
    # Some servers do not stream when asked to.
    return Answer(flow.headers, b"".join([data async for data in flow.data]))


async def _drain(source: AsyncIterator[bytes]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in source:
                pass
