"""Spans and metrics in the GenAI conventions' words, with real times, the caller's parent, and no content."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from creative_services import DictRegistry, DynamicLLMClient, LLMEntry, NoEntryError
from creative_services.core.completions import Completion, Request
from creative_services.core.errors import RateLimitedError, ServerError
from creative_services.telemetry import OpenTelemetryListener
from creative_services.testing import Broken, Delayed, ScriptedProvider, SteppingClock, fails
from tests.telemetry.conftest import ANSWER, GOOD, KEY, LIMITED, PROMPT, Made, entry


class Observatory:
    """An SDK in memory."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._meters = MeterProvider(metric_readers=[self._reader])
        self.listener = OpenTelemetryListener(tracer_provider=self.tracers, meter_provider=self._meters)

    def close(self) -> None:
        self.tracers.shutdown()
        self._meters.shutdown()

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._spans.get_finished_spans()

    def points(self, name: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        metrics = data.resource_metrics[0].scope_metrics[0].metrics if data else []
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]

    def everything(self) -> str:
        return json.dumps([json.loads(span.to_json()) for span in self.spans])


@pytest.fixture
def seen() -> Iterator[Observatory]:
    observatory = Observatory()
    yield observatory
    observatory.close()


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    return dict(span.attributes or {})


async def test_a_call_is_a_span_with_a_client_span_per_try(made: Made, seen: Observatory) -> None:
    await made(seen.listener).generate(PROMPT, tier="standard", max_tokens=50, temperature=0.2)
    failed, answered, call = seen.spans
    assert [span.name for span in seen.spans] == ["chat model-1", "chat model-2", "chat standard"]
    assert [span.kind for span in seen.spans] == [SpanKind.CLIENT, SpanKind.CLIENT, SpanKind.INTERNAL]
    for child in (failed, answered):
        assert child.parent is not None
        assert call.context is not None
        assert child.parent.span_id == call.context.span_id
    assert attributes(answered) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "vendor2",
        "gen_ai.request.model": "model-2",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.response.model": "model-2-2030-01-01",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 200,
        "gen_ai.usage.cache_read.input_tokens": 400,
        "gen_ai.usage.reasoning.output_tokens": 50,
        "server.address": "vendor2.example",
        "server.port": 8443,
        "creative_services.llm.id": 2,
        "creative_services.tier": "standard",
        "creative_services.cost_usd": 2.4,
    }
    assert call.status.status_code is StatusCode.UNSET
    assert attributes(call)["creative_services.attempts"] == 2
    assert attributes(call)["creative_services.cost_usd"] == 2.4


async def test_a_failed_try_says_its_kind_and_status(made: Made, seen: Observatory) -> None:
    await made(seen.listener).generate(PROMPT, tier="standard")
    failed = seen.spans[0]
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.status.description == "RateLimitedError"
    assert attributes(failed)["error.type"] == "RateLimitedError"
    assert attributes(failed)["http.response.status_code"] == 429


async def test_spans_have_the_times_the_call_had(made: Made, seen: Observatory, clock: SteppingClock) -> None:
    class Slow(ScriptedProvider):
        """Takes three seconds, and five when it fails."""

        async def generate(self, llm: LLMEntry, request: Request) -> Completion:
            clock.advance(3 if llm.id == 2 else 5)
            if llm.id == 1:
                raise ServerError("broke", llm=llm, status=500)
            return GOOD

    client = DynamicLLMClient(
        DictRegistry([entry(1), entry(2)]),
        providers={"vendor1": Slow(), "vendor2": Slow()},
        listeners=[seen.listener],
        clock=clock,
    )
    began = round(clock.utcnow().timestamp() * 1e9)
    await client.generate(PROMPT, tier="standard")
    seconds = [((s.start_time or 0) - began, (s.end_time or 0) - began) for s in seen.spans]
    assert [(start / 1e9, end / 1e9) for start, end in seconds] == [(0, 5), (5, 8), (0, 8)]


async def test_the_callers_own_span_is_the_parent_and_stays_current(made: Made, seen: Observatory) -> None:
    client = made(seen.listener)
    with seen.tracers.get_tracer("app").start_as_current_span("request") as request:
        stream = client.stream(PROMPT, tier="standard")
        async for _ in stream:
            assert get_current_span() is request
        assert get_current_span() is request
    call = next(span for span in seen.spans if span.name == "chat standard")
    assert call.parent is not None
    assert call.parent.span_id == request.get_span_context().span_id
    assert attributes(seen.spans[1])["gen_ai.request.stream"] is True


async def test_a_stream_left_early_still_ends_its_span(made: Made, seen: Observatory) -> None:
    stream = made(seen.listener, first=GOOD).stream(PROMPT, tier="standard")
    await anext(stream)
    await stream.aclose()
    tried, call = seen.spans
    assert attributes(tried)["error.type"] == attributes(call)["error.type"] == "cancelled"
    assert "gen_ai.usage.output_tokens" not in attributes(tried)  # an estimate, which the conventions do not want


async def test_a_call_that_asks_nobody_has_a_span_of_its_own(made: Made, seen: Observatory) -> None:
    with pytest.raises(NoEntryError):
        await made(seen.listener).generate(PROMPT, llm_id=99)
    (call,) = seen.spans
    assert call.name == "chat llm_id=99"
    assert attributes(call)["error.type"] == "NoEntryError"


async def test_the_two_client_metrics(made: Made, seen: Observatory) -> None:
    await made(seen.listener).generate(PROMPT, tier="standard")
    durations = {point.attributes.get("error.type"): point for point in seen.points("gen_ai.client.operation.duration")}
    assert set(durations) == {None, "RateLimitedError"}
    assert durations[None].explicit_bounds[:3] == (0.01, 0.02, 0.04)
    tokens = {p.attributes["gen_ai.token.type"]: p.sum for p in seen.points("gen_ai.client.token.usage")}
    assert tokens == {"input": 1000, "output": 200}
    (some, *_) = seen.points("gen_ai.client.token.usage")
    assert some.explicit_bounds[:4] == (1, 4, 16, 64)
    assert set(some.attributes) == {
        "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model",
        "gen_ai.token.type", "server.address", "server.port",
    }  # fmt: skip


async def test_embeddings_have_their_own_operation(made: Made, seen: Observatory) -> None:
    embedder = entry(2, capabilities=["embeddings"])
    await made(seen.listener, second="x", entries=[embedder]).embed([PROMPT], llm_id=2)
    tried, _ = seen.spans
    assert tried.name == "embeddings model-2"
    assert "gen_ai.request.temperature" not in attributes(tried)
    assert {p.attributes["gen_ai.token.type"] for p in seen.points("gen_ai.client.token.usage")} == {"input"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"provider": "openai", "api_endpoint": None}, ("openai", "api.openai.com", 443)),
        ({"provider": "mistral", "api_endpoint": None}, ("mistral_ai", None, None)),
        ({"provider": "ollama", "api_endpoint": "http://127.0.0.1:11434"}, ("ollama", "127.0.0.1", 11434)),
        ({"provider": "xai", "api_endpoint": "http://[::1]"}, ("x_ai", "::1", 80)),
    ],
)
async def test_providers_and_servers_are_named_as_the_conventions_do(
    seen: Observatory, fields: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    llm = entry(1, **fields)
    client = DynamicLLMClient(
        DictRegistry([llm]), providers={llm.provider: ScriptedProvider(GOOD)}, listeners=[seen.listener]
    )
    await client.generate(PROMPT, llm_id=1)
    told = attributes(seen.spans[0])
    names = ("gen_ai.provider.name", "server.address", "server.port")
    assert tuple(told.get(name) for name in names) == expected


USER = "user-of-nobody"  # no hexadecimal digits: identities of spans have those by chance


@pytest.mark.parametrize(
    "first",
    [LIMITED, Broken(ANSWER, LIMITED), fails(RateLimitedError, f"{KEY} asked {PROMPT}", status=429), Delayed(0, GOOD)],
)
async def test_nothing_tells_content_or_keys(made: Made, seen: Observatory, first: Any) -> None:
    client = made(seen.listener, first=first, second=LIMITED)
    with suppress(RateLimitedError):
        await client.generate(PROMPT, tier="standard", timeout=1, user_id=USER)
    assert seen.spans
    told = seen.everything() + repr(seen.points("gen_ai.client.operation.duration"))
    for secret in (PROMPT, ANSWER, KEY, USER):
        assert secret not in told
