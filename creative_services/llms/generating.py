"""A whole answer, and its repair when it does not fit the asked-for shape."""

from dataclasses import replace

from creative_services.core.completions import Completion, LLMResponse
from creative_services.core.errors import ConfigurationError, ParsedAnswerError
from creative_services.core.estimates import estimated_usage
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.llms.asking import Asked
from creative_services.llms.desk import Desk
from creative_services.llms.plan import make_plan
from creative_services.llms.run import Run, telling_failure
from creative_services.llms.structured import repair


async def start(desk: Desk, asked: Asked) -> Run:
    """Plan the call."""
    plan = await make_plan(desk.registry, asked.wish, desk.health, asked.request)
    return Run(desk, plan, asked.call, asked.request, asked.timeout)


async def generate(desk: Desk, asked: Asked) -> LLMResponse:
    """Ask until there is an answer, and tell."""
    run = await start(desk, asked)
    async with telling_failure(run):
        response = await _answer(desk, run)
        if asked.shape:
            response = await _fitting(desk, run, asked, response)
    run.tell(response)
    return response


async def _answer(desk: Desk, run: Run) -> LLMResponse:
    async def reach(entry: LLMEntry) -> Completion:
        return whole(await desk.shelf.of(entry).generate(entry, run.request), entry)

    completion = await run.ask(reach)
    await run.finish(used(run, completion))
    return response_of(run, completion)


async def _fitting(desk: Desk, run: Run, asked: Asked, response: LLMResponse) -> LLMResponse:
    assert asked.shape is not None
    try:
        return replace(response, parsed=asked.shape.parse(response.content))
    except ParsedAnswerError as misfit:
        # One repair: most misfits are a forgotten field, and a third try costs more than it saves.
        run.request = repair(run.request, misfit)
    response = await _answer(desk, run)
    return replace(response, parsed=asked.shape.parse(response.content))


def whole(answer: object, entry: LLMEntry) -> Completion:
    """What a provider gave, when it is an answer: one of the user's own may give anything."""
    if isinstance(answer, Completion):
        return answer
    raise ConfigurationError(
        f"{entry}: the provider '{entry.provider}' gave a {type(answer).__name__}. An answer is a "
        "Completion(content=...), and a stream gives Piece(text=...) and, last of all, a Completion."
    )


def used(run: Run, completion: Completion) -> Usage:
    """What the vendor counted, or an estimate that says so."""
    return completion.usage or estimated_usage(run.request.messages, completion.content)


def response_of(run: Run, completion: Completion) -> LLMResponse:
    """The answer with its account."""
    usage, cost = run.spent()
    return LLMResponse(
        content=completion.content,
        llm=run.attempts[-1].llm,
        tool_calls=completion.tool_calls,
        finish_reason=completion.finish_reason,
        usage=usage,
        cost=cost,
        latency=run.seconds,
        attempts=tuple(run.attempts),
        model=completion.model,
        request_id=completion.request_id,
        raw=completion.raw,
    )
