"""Calls as Prometheus metrics, with labels that stay few: tiers, providers, models, outcomes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from creative_services.core.errors import MissingDependencyError
from creative_services.core.events import Answered, Attempted, Event
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.telemetry.outcomes import outcome

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Histogram

_ENTRY: Final = ("tier", "provider", "model")

# From a cached embedding to a long reasoning answer; Prometheus' own buckets end at ten seconds.
_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)


class PrometheusListener:
    """Counts calls, tries, tokens and money, and measures how long they take. Listeners of one registry share them."""

    def __init__(self, registry: "CollectorRegistry | None" = None) -> None:
        self._metrics = _metrics_in(registry)
        self._children: dict[tuple[Any, ...], Any] = {}

    def __call__(self, event: Event) -> None:
        """Count the event."""
        if isinstance(event, Attempted):
            self._count_try(event)
        else:
            self._count_call(event)

    def _count_try(self, event: Attempted) -> None:
        attempt, metrics = event.attempt, self._metrics
        entry = _entry_labels(attempt.llm)
        ended = (*entry, outcome(attempt.error))
        self._bound(metrics.attempts, ended).inc()
        self._bound(metrics.attempt_seconds, ended).observe(attempt.seconds)
        if attempt.usage is None:
            return
        for kind, count in _by_kind(attempt.usage):
            if count:
                self._bound(metrics.tokens, (*entry, kind)).inc(count)
        if attempt.cost is None:
            self._bound(metrics.unpriced, entry).inc()
        else:
            self._bound(metrics.cost, entry).inc(float(attempt.cost))

    def _count_call(self, event: Answered) -> None:
        ended = (_tier_of(event), outcome(event.error))
        self._bound(self._metrics.calls, ended).inc()
        self._bound(self._metrics.call_seconds, ended).observe(event.seconds)

    def _bound(self, metric: Any, labels: tuple[str, ...]) -> Any:
        # Finding a metric's child by its labels takes longer than counting with it, so each is found once.
        key = (metric, labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child


def _entry_labels(llm: LLMEntry) -> tuple[str, str, str]:
    return (llm.tier.value, llm.provider, llm.model)


def _tier_of(event: Answered) -> str:
    """The tier that was asked for; of a call by id, the entry's; of an unknown id, none."""
    if event.call.tier:
        return event.call.tier
    return event.attempts[-1].llm.tier.value if event.attempts else "none"


def _by_kind(usage: Usage) -> tuple[tuple[str, int], ...]:
    """Every token under exactly one kind, so that a sum over the kinds is the total."""
    return (
        ("input", usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens),
        ("cached", usage.cached_tokens),
        ("cache_write", usage.cache_write_tokens),
        ("output", usage.output_tokens - usage.reasoning_tokens),
        ("reasoning", usage.reasoning_tokens),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metrics:
    """The metrics of one registry."""

    calls: "Counter"
    call_seconds: "Histogram"
    attempts: "Counter"
    attempt_seconds: "Histogram"
    tokens: "Counter"
    cost: "Counter"
    unpriced: "Counter"


# A registry takes each name once, while a process may well have two clients with a listener each.
_known: "WeakKeyDictionary[CollectorRegistry, _Metrics]" = WeakKeyDictionary()


def _metrics_in(registry: "CollectorRegistry | None") -> _Metrics:
    try:
        from prometheus_client import REGISTRY
    except ImportError as error:
        raise MissingDependencyError("PrometheusListener", extra="prometheus", missing="prometheus-client") from error
    chosen = REGISTRY if registry is None else registry
    if chosen not in _known:
        _known[chosen] = _make(chosen)
    return _known[chosen]


def _make(registry: "CollectorRegistry") -> _Metrics:
    from prometheus_client import Counter, Histogram

    def counter(name: str, what: str, *labels: str) -> Counter:
        return Counter(f"creative_services_{name}", what, labels, registry=registry)

    def seconds(name: str, what: str, *labels: str) -> Histogram:
        return Histogram(f"creative_services_{name}_seconds", what, labels, registry=registry, buckets=_SECONDS)

    return _Metrics(
        calls=counter("calls", "Calls by the tier asked for and how they ended.", "tier", "outcome"),
        call_seconds=seconds("call", "Seconds per call, every try included.", "tier", "outcome"),
        attempts=counter("attempts", "Tries by the entry asked and how they ended.", *_ENTRY, "outcome"),
        attempt_seconds=seconds("attempt", "Seconds per try.", *_ENTRY, "outcome"),
        tokens=counter("tokens", "Tokens, each under one kind.", *_ENTRY, "kind"),
        cost=counter("cost_usd", "Cost in USD of tries whose price is known.", *_ENTRY),
        unpriced=counter("unpriced_attempts", "Tries that used tokens at an unknown price.", *_ENTRY),
    )
