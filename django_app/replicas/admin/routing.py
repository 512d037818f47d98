"""The route tester: who would be named for a query, how often, and what the others lack."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from django.utils.translation import gettext as _

from creative_services.core.capabilities import Wish, matches, satisfies
from creative_services.core.replicas import Replica
from creative_services.replicas.desk import Seen

_MOST_CONDITIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One replica before one query: its share of the answers, or why it has none."""

    replica: Replica
    percent: int | None = None
    why: str = ""


def verdicts(query: str, roster: Sequence[Seen]) -> list[Verdict]:
    """Everyone, those who may be named first."""
    pairs = parse_qsl(query.strip().lstrip("?"), keep_blank_values=True, max_num_fields=_MOST_CONDITIONS)
    wish: Wish = tuple(sorted({pair for pair in pairs if pair[0] != "exclude"}))
    excluded = {name for key, value in pairs if key == "exclude" for name in value.split(",")}
    replicas = [seen.replica for seen in roster]
    named = [each for each in replicas if not _why_not(each, wish, excluded)]
    whole = sum(each.weight for each in named)
    answering = [Verdict(replica=each, percent=round(100 * each.weight / whole)) for each in named]
    others = [Verdict(replica=each, why=why) for each in replicas if (why := _why_not(each, wish, excluded))]
    return sorted(answering, key=lambda verdict: -(verdict.percent or 0)) + others


def _why_not(replica: Replica, wish: Wish, excluded: set[str]) -> str:
    if replica.id in excluded:
        return _("excluded")
    if not matches(replica.capabilities, wish):
        return _("lacks %(pairs)s") % {"pairs": " ".join(_nearest(replica, wish))}
    return _("draining") if replica.draining else ""


def _nearest(replica: Replica, wish: Wish) -> list[str]:
    """What is missing in the capability that comes closest."""

    def missing() -> Iterator[list[str]]:
        yield [f"{name}={text}" for name, text in wish]
        for capability in replica.capabilities:
            yield [f"{name}={text}" for name, text in wish if not satisfies(capability, ((name, text),))]

    return min(missing(), key=len)
