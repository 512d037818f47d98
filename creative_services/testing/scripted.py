"""A provider that says what it is told to: answers, tool calls, errors, delays, streams that break."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from creative_services.core.completions import Completion, Embeddings, Piece, Request
from creative_services.core.errors import ProviderError, UnreachableError
from creative_services.core.estimates import input_tokens, text_tokens
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage


@dataclass(frozen=True, slots=True)
class Delayed:
    """``step``, after ``seconds``; ``float("inf")`` never answers."""

    seconds: float
    step: "Step" = "late"


@dataclass(frozen=True, slots=True)
class Broken:
    """A stream that says ``text`` and then breaks with ``error``."""

    text: str
    error: Callable[[LLMEntry], ProviderError]


Failing = Callable[[LLMEntry], ProviderError]
Step = str | Completion | Delayed | Broken | Failing


def fails(kind: type[ProviderError] = UnreachableError, what: str = "scripted failure", **details: Any) -> Failing:
    """A step that raises: ``fails(RateLimitedError, status=429, retry_after=7)``."""
    return lambda entry: kind(what, llm=entry, **details)


class ScriptedProvider:
    """Takes one step per call and the last one for ever after. ``asked`` remembers every entry and request."""

    def __init__(self, *steps: Step) -> None:
        self._steps: list[Step] = list(steps) or ["a scripted answer"]
        self.asked: list[tuple[LLMEntry, Request]] = []
        self.cancelled = 0
        self.closed = 0

    def _step(self, entry: LLMEntry, request: Request) -> Step:
        self.asked.append((entry, request))
        return self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]

    async def generate(self, entry: LLMEntry, request: Request) -> Completion:
        """The next step as a whole answer."""
        step = await self._awaited(self._step(entry, request))
        if isinstance(step, Broken):
            raise step.error(entry)
        return _completion(step, entry, request)

    async def stream(self, entry: LLMEntry, request: Request) -> AsyncGenerator[Piece | Completion, None]:
        """The next step word by word."""
        step = await self._awaited(self._step(entry, request))
        if isinstance(step, Broken):
            yield Piece(step.text)
            raise step.error(entry)
        completion = _completion(step, entry, request)
        try:
            for word in _words(completion.content):
                yield Piece(word)
                await asyncio.sleep(0)
        except (GeneratorExit, asyncio.CancelledError):
            self.cancelled += 1
            raise
        yield completion

    async def embed(self, entry: LLMEntry, texts: Sequence[str]) -> Embeddings:
        """A vector per text that depends on the text alone."""
        step = self._step(entry, Request(messages=()))
        if callable(step):
            raise step(entry)
        tokens = sum(text_tokens(text) for text in texts)
        return Embeddings(vectors=tuple(_vector(text) for text in texts), usage=Usage(input_tokens=tokens))

    async def _awaited(self, step: Step) -> str | Completion | Broken | Failing:
        while isinstance(step, Delayed):
            try:
                await (asyncio.Event().wait() if step.seconds == float("inf") else asyncio.sleep(step.seconds))
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            step = step.step
        return step

    async def aclose(self) -> None:
        """Counts."""
        self.closed += 1


def _completion(step: str | Completion | Failing, entry: LLMEntry, request: Request) -> Completion:
    if isinstance(step, Completion):
        return step
    if not isinstance(step, str):
        raise step(entry)
    usage = Usage(input_tokens=input_tokens(request.messages), output_tokens=text_tokens(step))
    return Completion(content=step, finish_reason="stop", usage=usage, model=entry.model)


def _words(text: str) -> list[str]:
    words = text.split(" ")
    return [word + " " for word in words[:-1]] + words[-1:]


def _vector(text: str) -> tuple[float, ...]:
    return tuple((sum(text.encode()) * factor % 97) / 97 for factor in (3, 7, 13, 29))
