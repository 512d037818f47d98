"""Tallies in Prometheus' text format."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from creative_services.server.operations.tallies import KINDS, SECONDS, Tallies

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
_PREFIX: Final = "creative_services_gateway_"
_CALL: Final = ("surface", "tier", "provider", "status")

Gauges = Mapping[str, tuple[str, float]]  # name: what it says, value


def exposition(tallies: Tallies, gauges: Gauges) -> bytes:
    """The page a scrape gets."""
    lines = [*_calls(tallies), *_refused(tallies), *_gauges(gauges)]
    return ("\n".join(lines) + "\n").encode()


def _calls(tallies: Tallies) -> Iterator[str]:
    rows = sorted(tallies.calls.items())
    labelled = [(_labels(zip(_CALL, labels, strict=True)), tally) for labels, tally in rows]
    yield from _family("calls_total", "counter", "Calls that reached an entry, by what the caller was told.")
    yield from (f"{_PREFIX}calls_total{labels} {tally.calls}" for labels, tally in labelled)
    yield from _family("cost_usd_total", "counter", "What they cost, as far as prices are known.")
    yield from (f"{_PREFIX}cost_usd_total{labels} {tally.cost:f}" for labels, tally in labelled)
    yield from _family("tokens_total", "counter", "Tokens by kind; cached ones are among the input.")
    for labels, tally in rows:
        for kind, count in zip(KINDS, tally.tokens, strict=True):
            if count:
                named = _labels((*zip(_CALL, labels, strict=True), ("kind", kind)))
                yield f"{_PREFIX}tokens_total{named} {count}"
    yield from _family("call_seconds", "histogram", "From a request's head to its answer's end.")
    for labels, tally in rows:
        yield from _histogram(tuple(zip(_CALL, labels, strict=True)), tally.buckets, tally.seconds)


def _histogram(labels: tuple[tuple[str, str], ...], buckets: list[int], total: float) -> Iterator[str]:
    count = 0
    for bound, inside in zip((*map(str, SECONDS), "+Inf"), buckets, strict=True):
        count += inside
        yield f"{_PREFIX}call_seconds_bucket{_labels((*labels, ('le', bound)))} {count}"
    yield f"{_PREFIX}call_seconds_sum{_labels(labels)} {total:.6f}"
    yield f"{_PREFIX}call_seconds_count{_labels(labels)} {count}"


def _refused(tallies: Tallies) -> Iterator[str]:
    yield from _family("refused_total", "counter", "Requests refused before any entry was asked.")
    for reason, count in sorted(tallies.refused.items()):
        yield f"{_PREFIX}refused_total{_labels([('reason', reason)])} {count}"


def _gauges(gauges: Gauges) -> Iterator[str]:
    for name, (words, value) in gauges.items():
        yield from _family(name, "gauge", words)
        yield f"{_PREFIX}{name} {value:g}"


def _family(name: str, kind: str, words: str) -> tuple[str, str]:
    return f"# HELP {_PREFIX}{name} {words}", f"# TYPE {_PREFIX}{name} {kind}"


def _labels(pairs: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
