"""``llms verify``: for every tier, the winner is the cheapest active entry."""

from collections.abc import Iterator
from typing import Any, Final

from django.core.management.base import CommandParser
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from creative_services.adapters import DjangoLLMRegistry
from creative_services.core.llm_registry import LLMTier
from django_app.llms.commands.task import FAILED, OK, Task
from django_app.llms.models import Llms

HELP: Final = gettext_lazy(
    "Check, for every tier, that the registry's winner is the cheapest active entry of the table."
)


def add_arguments(parser: CommandParser) -> None:
    """None."""


def run(task: Task) -> int:
    """Compare the registry with the rule as a query; a difference is a failure."""
    registry = DjangoLLMRegistry(using=task.using)
    registry.reload()
    verdicts = list(_verdicts(task.using, registry))
    task.answer(verdicts)
    task.table(("tier", "registry", "cheapest", "verdict"), (list(each.values()) for each in verdicts))
    return OK if all(each["verdict"] != "WRONG" for each in verdicts) else FAILED


def _verdicts(using: str, registry: DjangoLLMRegistry) -> Iterator[dict[str, Any]]:
    for tier in LLMTier:
        winner = registry.get_by_tier(tier)
        pinned = _rows(using, registry).active().filter(tier=tier.value, pinned_until__gt=timezone.now())
        expected = (pinned if pinned.exists() else _rows(using, registry)).cheapest(tier.value)
        same = (winner.id if winner else None) == (expected.pk if expected else None)
        yield {
            "tier": tier.value,
            "registry": str(winner) if winner else None,
            "cheapest": str(expected) if expected else None,
            "verdict": _verdict(expected) if same else "WRONG",
        }


def _verdict(winner: Llms | None) -> str:
    if winner is None:
        return "empty"
    return "pinned" if winner.is_pinned else "right"


def _rows(using: str, registry: DjangoLLMRegistry) -> Any:
    return Llms.objects.using(using).filter(~Q(pk__in=list(registry.unavailable)))
