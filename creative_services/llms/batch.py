"""Many prompts at once: bounded, in order, failures as values, and able to go on where a broken run stopped."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Unpack

from creative_services.core.completions import LLMResponse
from creative_services.core.errors import ConfigurationError, CreativeServicesError
from creative_services.llms.asking import Asked, CallOptions, understand
from creative_services.llms.desk import Desk
from creative_services.llms.generating import generate
from creative_services.llms.journal import Journal
from creative_services.llms.progress import Progress, Tally, no_progress, open_progress

# One prompt with options of its own: {"prompt": ..., "max_tokens": ...}; they win over the batch's.
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One prompt's outcome: its response, or the error it ended with."""

    index: int
    response: LLMResponse | None = None
    error: CreativeServicesError | None = None

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return self.response is not None

    @property
    def content(self) -> str:
        """The answer's text; raises the error when there is none."""
        return self._answer().content

    @property
    def cost(self) -> Decimal | None:
        """The answer's cost; None when it failed or its price is unknown."""
        return self.response.cost if self.response else None

    def _answer(self) -> LLMResponse:
        if self.response is None:
            raise self.error or CreativeServicesError("The batch ended before this prompt was asked.")
        return self.response


async def generate_many(
    desk: Desk,
    prompts: Iterable[str | Item],
    options: CallOptions,
    *,
    concurrency: int,
    progress: bool | Progress,
    journal: str | Path | None,
) -> list[Result]:
    """Every prompt's result, in order."""
    if not isinstance(concurrency, int) or concurrency < 1:
        raise ConfigurationError(f"concurrency={concurrency!r} asks nothing; give a whole number, 1 or more.")
    questions = _Questions(prompts, options)
    with ExitStack() as stack:
        kept = stack.enter_context(Journal(Path(journal))) if journal else None
        report = stack.enter_context(open_progress(progress, len(questions))) if progress else no_progress
        work = _Batch(desk, questions, kept, report)
        await work.through(concurrency)
        return work.in_order()


class _Questions:
    """The prompts of a batch. Only those being asked are spelled out: of a million the rest stays what it was."""

    def __init__(self, prompts: Iterable[str | Item], options: CallOptions) -> None:
        if isinstance(prompts, str | bytes | Mapping):
            raise ConfigurationError(f"prompts is one {type(prompts).__name__}; give a list of prompts.")
        self._prompts = [prompt if isinstance(prompt, str) else _lasting(prompt) for prompt in prompts]
        self._options: CallOptions = _lasting(options)
        # What is wrong with any of them is said before the first is paid for. Plain texts differ in nothing.
        understand("x", self._options)
        for place, prompt in enumerate(self._prompts):
            if not isinstance(prompt, str):
                self._checked(place, prompt)

    def _checked(self, place: int, prompt: Item) -> None:
        if not isinstance(prompt, Mapping):
            raise ConfigurationError(
                f"prompts[{place}] is of type {type(prompt).__name__}; give text, or {{'prompt': ...}} and options."
            )
        self.understood(place)

    def __len__(self) -> int:
        return len(self._prompts)

    def understood(self, index: int) -> Asked:
        """One of them, ready to be asked."""
        prompt = self._prompts[index]
        if isinstance(prompt, str):
            return understand(prompt, self._options)
        merged: dict[str, Any] = {**self._options, **prompt}
        # Who asks one prompt of a certain entry does not mean the batch's tier too, nor the other way round.
        for its_own, batchs in (("llm_id", "tier"), ("tier", "llm_id")):
            if its_own in prompt and batchs not in prompt:
                merged.pop(batchs, None)
        return _understand_merged(merged.pop("prompt", None), **merged)


def _lasting(given: Any) -> Any:
    """A mapping that can be read more than once: its generators as lists."""
    if not isinstance(given, Mapping):
        return given
    return {name: list(value) if isinstance(value, Iterator) else value for name, value in given.items()}


def _understand_merged(prompt: str | None, **options: Unpack[CallOptions]) -> Asked:
    return understand(prompt, options)


class _Batch:
    """The work of one ``generate_many``: a few workers share one list of what is left to ask."""

    def __init__(self, desk: Desk, questions: _Questions, journal: Journal | None, report: Progress) -> None:
        self._desk = desk
        self._questions = questions
        self._journal = journal
        self._report = report
        self._results: dict[int, Result] = {}
        self._tally = Tally(total=len(questions))
        self._left = self._not_yet_answered()

    def _not_yet_answered(self) -> Iterator[tuple[int, Asked]]:
        for index in range(len(self._questions)):
            asked = self._questions.understood(index)
            if self._journal and (known := self._journal.answer(index, asked)):
                self._results[index] = Result(index=index, response=known)
                self._count(known)
            else:
                yield index, asked

    async def through(self, concurrency: int) -> None:
        """Ask all that is left. An error that is no one prompt's fault (a full disk) ends the whole batch."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(self._questions))):
                    group.create_task(self._worker())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _worker(self) -> None:
        for index, asked in self._left:
            result = await self._one(index, asked)
            self._results[index] = result
            if self._journal and result.response:
                self._journal.keep(index, asked, result.response)
            self._count(result.response)

    async def _one(self, index: int, asked: Asked) -> Result:
        try:
            return Result(index=index, response=await generate(self._desk, asked))
        except CreativeServicesError as error:
            return Result(index=index, error=error)

    def _count(self, response: LLMResponse | None) -> None:
        self._tally = self._tally.plus(response)
        self._report(self._tally)

    def in_order(self) -> list[Result]:
        """The results as the prompts came."""
        return [self._results[index] for index in range(len(self._questions))]
