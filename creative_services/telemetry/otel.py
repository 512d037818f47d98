"""Calls as OpenTelemetry spans and metrics, in the words of the GenAI semantic conventions. Content is never told."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from creative_services.core.completions import Attempt, EmbeddingResponse, LLMResponse
from creative_services.core.errors import MissingDependencyError
from creative_services.core.events import Answered, Attempted, Call, Event
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.telemetry.outcomes import outcome

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, SpanKind, TracerProvider

Attributes = dict[str, Any]

_SCOPE: Final = "creative_services"

# Both from the conventions.
_SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS: Final = tuple(4**power for power in range(14))

# Where the conventions have another name for a provider than ours.
_PROVIDER_NAMES: Final = {"mistral": "mistral_ai", "xai": "x_ai", "gemini": "gcp.gemini"}

# Where an entry without an endpoint of its own goes.
_VENDOR_HOSTS: Final = {"openai": "api.openai.com", "anthropic": "api.anthropic.com", "groq": "api.groq.com"}
_PORTS: Final = {"http": 80, "https": 443}


class OpenTelemetryListener:
    """A span per call with one child per try, and the two client metrics. Nothing is sent unless you set up an SDK.

    Spans are made when the call is over, with the times it really had: nothing is attached to a context across the
    pieces of a stream, where an early exit could leave it behind.
    """

    def __init__(
        self, *, tracer_provider: "TracerProvider | None" = None, meter_provider: "MeterProvider | None" = None
    ) -> None:
        try:
            from opentelemetry import metrics, trace
        except ImportError as error:
            raise MissingDependencyError("OpenTelemetryListener", extra="otel", missing="opentelemetry-api") from error
        self._trace = trace
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_SCOPE, meter_provider=meter_provider)
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )

    def __call__(self, event: Event) -> None:
        """Tell of a call that is over; its tries are told with it."""
        if isinstance(event, Attempted):
            return
        told = [_Told.of(event, attempt) for attempt in event.attempts]
        self._spans(event, told)
        for each in told:
            self._measure(each)

    def _spans(self, event: Answered, told: "list[_Told]") -> None:
        ends = round(event.ended_at.timestamp() * 1e9)
        starts = ends - round(event.seconds * 1e9)
        name = f"{event.call.operation} {event.call.tier or f'llm_id={event.call.llm_id}'}"
        parent = self._span(name, self._trace.SpanKind.INTERNAL, _call_attributes(event), event.error, starts)
        for each in told:
            began = starts + round(each.attempt.started * 1e9)
            span = self._span(
                each.span_name, self._trace.SpanKind.CLIENT, each.attributes, each.attempt.error, began, parent
            )
            span.end(min(ends, began + round(each.attempt.seconds * 1e9)))
        parent.end(ends)

    def _span(
        self,
        name: str,
        kind: "SpanKind",
        attributes: Attributes,
        error: BaseException | None,
        starts: int,
        parent: "Span | None" = None,
    ) -> "Span":
        context = self._trace.set_span_in_context(parent) if parent else None
        span = self._tracer.start_span(name, context=context, kind=kind, attributes=attributes, start_time=starts)
        if error is not None:
            # Not the error's own text: a vendor's message may quote the prompt.
            span.set_status(self._trace.StatusCode.ERROR, outcome(error))
        return span

    def _measure(self, told: "_Told") -> None:
        self._duration.record(told.attempt.seconds, told.dimensions)
        if told.usage is None:
            return
        common = {name: value for name, value in told.dimensions.items() if name != "error.type"}
        self._tokens.record(told.usage.input_tokens, {**common, "gen_ai.token.type": "input"})
        if told.call.operation != "embeddings":
            self._tokens.record(told.usage.output_tokens, {**common, "gen_ai.token.type": "output"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A try in the conventions' words."""

    call: Call
    attempt: Attempt
    dimensions: Attributes
    attributes: Attributes

    @classmethod
    def of(cls, event: Answered, attempt: Attempt) -> "_Told":
        # Only the last try gave the response; an earlier good one was repaired, and its details are gone.
        response = event.response if attempt is event.attempts[-1] else None
        dimensions = _dimensions(event.call, attempt, response)
        return cls(
            call=event.call,
            attempt=attempt,
            dimensions=dimensions,
            attributes={**dimensions, **_details(event.call, attempt, response)},
        )

    @property
    def span_name(self) -> str:
        return f"{self.call.operation} {self.attempt.llm.model}"

    @property
    def usage(self) -> Usage | None:
        """What the vendor counted; the conventions forbid telling estimates as usage."""
        usage = self.attempt.usage
        return usage if usage and not usage.estimated else None


def _call_attributes(event: Answered) -> Attributes:
    cost = event.response.cost if event.response else None
    return _known(
        {
            "creative_services.call.id": event.call.id,
            "creative_services.tier": event.call.tier,
            "creative_services.llm.id": event.response.llm.id if event.response else event.call.llm_id,
            "creative_services.attempts": len(event.attempts),
            "creative_services.cost_usd": None if cost is None else float(cost),
            "error.type": outcome(event.error) if event.error else None,
        }
    )


def _dimensions(call: Call, attempt: Attempt, response: LLMResponse | EmbeddingResponse | None) -> Attributes:
    """What spans and metrics have in common: few values, so that metrics may carry them."""
    llm = attempt.llm
    address, port = _server(llm.provider, llm.api_endpoint)
    return _known(
        {
            "gen_ai.operation.name": call.operation,
            "gen_ai.provider.name": _PROVIDER_NAMES.get(llm.provider, llm.provider),
            "gen_ai.request.model": llm.model,
            "gen_ai.response.model": getattr(response, "model", None) or None,
            "server.address": address,
            "server.port": port,
            "error.type": outcome(attempt.error) if attempt.error else None,
        }
    )


def _details(call: Call, attempt: Attempt, response: LLMResponse | EmbeddingResponse | None) -> Attributes:
    llm = attempt.llm
    finish = getattr(response, "finish_reason", None)
    chat = call.operation != "embeddings"
    return _known(
        {
            "gen_ai.request.stream": call.streamed or None,
            "gen_ai.request.max_tokens": (call.max_tokens or llm.max_tokens) if chat else None,
            "gen_ai.request.temperature": _temperature(call, llm) if chat else None,
            "gen_ai.response.finish_reasons": (finish,) if finish else None,
            **_usage_attributes(attempt.usage),
            "http.response.status_code": getattr(attempt.error, "status", None),
            "creative_services.llm.id": llm.id,
            "creative_services.tier": llm.tier.value,
            "creative_services.cost_usd": None if attempt.cost is None else float(attempt.cost),
        }
    )


def _temperature(call: Call, llm: LLMEntry) -> float | None:
    return llm.temperature if call.temperature is None else call.temperature


def _usage_attributes(usage: Usage | None) -> Attributes:
    if usage is None or usage.estimated:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens or None,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens or None,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens or None,
    }


@lru_cache(maxsize=1024)
def _server(provider: str, endpoint: str | None) -> tuple[str | None, int | None]:
    if endpoint is None:
        host = _VENDOR_HOSTS.get(provider)
        return host, 443 if host else None
    url = urlsplit(endpoint)
    return url.hostname, url.port or _PORTS.get(url.scheme)


def _known(attributes: Mapping[str, Any]) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}
