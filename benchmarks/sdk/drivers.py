"""Run inside a peer's own interpreter: ``python drivers.py NAME WORK URL COUNT`` prints one JSON line.

Each driver is the shortest program its documentation would lead to, with clients kept between calls.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

PROMPT = "Write a story"
MESSAGES = [{"role": "user", "content": PROMPT}]
Call = Callable[[str], Awaitable[Any]]
Flow = Callable[[str], AsyncIterator[Any]]

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # flatters litellm: no download at import


def ours(vendor: str, url: str, **patience: float) -> tuple[Call, Flow, Call]:
    from creative_services import DictRegistry, DynamicLLMClient, LLMEntry

    ends = {"openai": "/v1", "groq": "", "anthropic": ""}

    def entry(llm_id: int, model: str) -> LLMEntry:
        return LLMEntry(
            id=llm_id, name=model, provider=vendor, model=model, tier="standard", api_key="sk-benchmark",
            api_endpoint=url + ends[vendor], cost_per_1k_input="0.001", cost_per_1k_output="0.002",
            temperature=None, max_tokens=256,
        )  # fmt: skip

    clients: dict[str, DynamicLLMClient] = {}

    def client(*models: str) -> DynamicLLMClient:
        key = "+".join(models)
        if key not in clients:
            clients[key] = DynamicLLMClient(DictRegistry([entry(n, model) for n, model in enumerate(models, 1)]))
        return clients[key]

    async def call(model: str) -> Any:
        return (await client(*model.split("+")).generate(PROMPT, tier="standard", **patience)).content

    def flow(model: str) -> AsyncIterator[Any]:
        return client(model).stream(PROMPT, tier="standard")

    return call, flow, call


def openai_sdk(url: str, timeout: float | None = None) -> tuple[Call, Flow, Call | None]:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=url + "/v1", api_key="sk-benchmark", **({"timeout": timeout} if timeout else {}))
    return _openai_shaped(client)


def groq_sdk(url: str, timeout: float | None = None) -> tuple[Call, Flow, Call | None]:
    from groq import AsyncGroq

    return _openai_shaped(AsyncGroq(base_url=url, api_key="sk-benchmark", **({"timeout": timeout} if timeout else {})))


def _openai_shaped(client: Any) -> tuple[Call, Flow, Call | None]:
    async def call(model: str) -> Any:
        answer = await client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=256)
        return answer.choices[0].message.content

    async def flow(model: str) -> AsyncIterator[Any]:
        async for chunk in await client.chat.completions.create(
            model=model, messages=MESSAGES, max_tokens=256, stream=True
        ):
            yield chunk

    return call, flow, None


def anthropic_sdk(url: str, timeout: float | None = None) -> tuple[Call, Flow, Call | None]:
    from anthropic import AsyncAnthropic

    client = AsyncAnthropic(base_url=url, api_key="sk-benchmark", **({"timeout": timeout} if timeout else {}))

    async def call(model: str) -> Any:
        return (await client.messages.create(model=model, messages=MESSAGES, max_tokens=256)).content[0].text

    async def flow(model: str) -> AsyncIterator[Any]:
        async for event in await client.messages.create(model=model, messages=MESSAGES, max_tokens=256, stream=True):
            yield event

    return call, flow, None


def pydantic_ai(url: str, timeout: float | None = None) -> tuple[Call, Flow, Call]:
    from pydantic_ai.direct import model_request, model_request_stream
    from pydantic_ai.messages import ModelRequest
    from pydantic_ai.models.fallback import FallbackModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(base_url=url + "/v1", api_key="sk-benchmark")
    models: dict[str, Any] = {}
    settings: Any = {"max_tokens": 256, **({"timeout": timeout} if timeout else {})}

    def model(name: str) -> Any:
        if name not in models:
            each = [OpenAIChatModel(part, provider=provider) for part in name.split("+")]
            models[name] = FallbackModel(*each) if len(each) > 1 else each[0]
        return models[name]

    async def call(name: str) -> Any:
        return await model_request(model(name), [ModelRequest.user_text_prompt(PROMPT)], model_settings=settings)

    async def flow(name: str) -> AsyncIterator[Any]:
        async with model_request_stream(model(name), [ModelRequest.user_text_prompt(PROMPT)]) as stream:
            async for event in stream:
                yield event

    return call, flow, call


def langchain(url: str, timeout: float | None = None) -> tuple[Call, Flow, Call]:
    from langchain_openai import ChatOpenAI

    models: dict[str, Any] = {}

    def model(name: str) -> Any:
        if name not in models:
            first, *rest = [
                ChatOpenAI(model=part, base_url=url + "/v1", api_key="sk-benchmark", max_tokens=256, timeout=timeout)  # type: ignore[arg-type,call-arg]  # as its documentation writes it
                for part in name.split("+")
            ]
            models[name] = first.with_fallbacks(rest) if rest else first
        return models[name]

    async def call(name: str) -> Any:
        return await model(name).ainvoke(PROMPT)

    def flow(name: str) -> AsyncIterator[Any]:
        return model(name).astream(PROMPT)

    return call, flow, call


def any_llm(url: str, timeout: float | None = None) -> tuple[Call, Flow, Call | None]:
    from any_llm import AnyLLM

    client = AnyLLM.create("openai", api_key="sk-benchmark", api_base=url + "/v1")
    more = {"timeout": timeout} if timeout else {}

    async def call(model: str) -> Any:
        return await client.acompletion(model=model, messages=MESSAGES, max_tokens=256, **more)

    async def flow(model: str) -> AsyncIterator[Any]:
        async for chunk in await client.acompletion(model=model, messages=MESSAGES, max_tokens=256, stream=True):
            yield chunk

    return call, flow, None


def litellm(url: str, timeout: float | None = None) -> tuple[Call, Flow, Call]:
    import litellm as library

    library.suppress_debug_info = True
    key: dict[str, Any] = {"api_base": url + "/v1", "api_key": "sk-benchmark"}
    more = {"timeout": timeout} if timeout else {}
    routers: dict[str, Any] = {}

    def router(name: str) -> Any:
        if name not in routers:
            names = name.split("+")
            deployments = [{"model_name": n, "litellm_params": {"model": f"openai/{n}", **key}} for n in names]
            routers[name] = library.Router(model_list=deployments, fallbacks=[{names[0]: names[1:]}])
        return routers[name]

    async def call(model: str) -> Any:
        return await library.acompletion(model=f"openai/{model}", messages=MESSAGES, max_tokens=256, **key, **more)

    async def flow(model: str) -> AsyncIterator[Any]:
        async for chunk in await library.acompletion(
            model=f"openai/{model}", messages=MESSAGES, max_tokens=256, stream=True, **key
        ):
            yield chunk

    async def routed(name: str) -> Any:
        return await router(name).acompletion(model=name.split("+")[0], messages=MESSAGES, max_tokens=256)

    return call, flow, routed


DRIVERS: dict[str, Callable[..., tuple[Call, Flow, Call | None]]] = {
    "ours_openai": lambda url, **more: ours("openai", url, **more),
    "ours_anthropic": lambda url, **more: ours("anthropic", url, **more),
    "ours_groq": lambda url, **more: ours("groq", url, **more),
    "openai": openai_sdk,
    "anthropic": anthropic_sdk,
    "groq": groq_sdk,
    "pydantic_ai": pydantic_ai,
    "langchain": langchain,
    "any_llm": any_llm,
    "litellm": litellm,
}


async def calls(call: Call, count: int, at_once: int = 1, model: str = "bench") -> dict[str, float]:
    """CPU and wall microseconds per call."""

    async def some(number: int) -> None:
        for _ in range(number):
            await call(model)

    await some(max(20, count // 10))
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(some(count // at_once) for _ in range(at_once)))
    done = count // at_once * at_once
    return {
        "cpu": (time.process_time() - cpu) / done * 1e6,
        "wall": (time.perf_counter() - wall) / done * 1e6,
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


async def pieces(flow: Flow, count: int, per_stream: int = 100) -> dict[str, float]:
    """CPU microseconds per piece of streams of a hundred."""
    for _ in range(3):
        async for _ in flow("bench"):
            pass
    streams = max(1, count // per_stream)
    cpu = time.process_time()
    for _ in range(streams):
        async for _ in flow("bench"):
            pass
    return {"cpu": (time.process_time() - cpu) / streams / per_stream * 1e6}


async def until_answer(call: Call, model: str) -> dict[str, Any]:
    """Seconds until the caller knows, warm and by the second call."""
    await call("bench")
    started = time.perf_counter()
    try:
        await call(model)
        outcome = "answer"
    except Exception as error:
        outcome = type(error).__name__
    return {"seconds": time.perf_counter() - started, "outcome": outcome}


async def main(name: str, work: str, url: str, count: int) -> dict[str, Any]:
    """One measurement."""
    if work == "timeout":
        call, _, _ = DRIVERS[name](url, timeout=0.5)
        return await until_answer(call, "bench-hang")
    call, flow, fallback = DRIVERS[name](url)
    if work == "calls":
        return await calls(call, count)
    if work == "calls50":
        return await calls(call, count, at_once=50)
    if work == "armed":
        return await calls(fallback or call, count, model="bench+spare" if fallback else "bench")
    if work == "pieces":
        return await pieces(flow, count)
    if work == "handover":
        return await until_answer(fallback, "busy+bench") if fallback else {"outcome": "has no fallback"}
    if work == "first":
        await call("bench")
        return {}
    raise SystemExit(f"unknown work {work}")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))), flush=True)
    # Some peers' clean-up at exit takes seconds and is not what is measured.
    os._exit(0)
