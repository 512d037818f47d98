"""Vectors for texts, on the same way as answers: planned, accounted, told."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from creative_services.core.completions import EmbeddingResponse, Embeddings, Request
from creative_services.core.errors import ConfigurationError
from creative_services.core.estimates import estimated_usage
from creative_services.core.llm_registry import LLMEntry
from creative_services.llms.asking import CallOptions, new_call, understand_wish
from creative_services.llms.desk import Desk
from creative_services.llms.plan import make_plan
from creative_services.llms.run import Run, telling_failure


async def embed(desk: Desk, texts: Sequence[str], options: CallOptions) -> EmbeddingResponse:
    """One vector per text, in order."""
    texts = () if isinstance(texts, str | Mapping) else tuple(texts)
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ConfigurationError("embed() takes a list of texts, with at least one in it and nothing else.")
    wish = understand_wish(options)
    needs = replace(wish.needs, embeddings=True)
    wish = replace(wish, needs=needs, implied=needs)
    # max_tokens=0: vectors have no output to reserve money for.
    request = Request(messages=tuple({"role": "user", "content": text} for text in texts), max_tokens=0)
    plan = await make_plan(desk.registry, wish, desk.health, request)
    run = Run(desk, plan, new_call("embeddings", wish, options), request, options.get("timeout"))

    async def reach(entry: LLMEntry) -> Embeddings:
        return await desk.shelf.embedder(entry).embed(entry, texts)

    async with telling_failure(run):
        vectors = await run.ask(reach)
        await run.finish(vectors.usage or estimated_usage(request.messages, ""))
        response = _response(run, vectors)
    run.tell(response)
    return response


def _response(run: Run, found: Embeddings) -> EmbeddingResponse:
    usage, cost = run.spent()
    return EmbeddingResponse(
        vectors=found.vectors,
        llm=run.attempts[-1].llm,
        usage=usage,
        cost=cost,
        latency=run.seconds,
        attempts=tuple(run.attempts),
        raw=found.raw,
    )
