"""``llms list``: every entry, in selection order."""

from typing import Any, Final

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creative_services.adapters import DjangoLLMRegistry
from creative_services.core.llm_registry import LLMTier
from django_app.llms.commands.task import OK, Task
from django_app.llms.models import Llms

HELP: Final = gettext_lazy("Show every entry, in the order in which a tier asks them.")

_HEADS: Final = ("id", "tier", "name", "provider", "model", "in/1k", "out/1k", "key", "state")


def add_arguments(parser: CommandParser) -> None:
    """Which ones."""
    parser.add_argument("--tier", choices=[tier.value for tier in LLMTier], help="only this tier")


def run(task: Task) -> int:
    """Print the table."""
    registry = DjangoLLMRegistry(using=task.using)
    rows = Llms.objects.using(task.using)
    if tier := task.options.get("tier"):
        rows = rows.filter(tier=tier)
    found = [_described(row, registry) for row in rows]
    task.answer(found)
    task.table(_HEADS, ([each[head] for head in _HEADS] for each in found))
    if not found:
        task.say(_("No entry yet. `manage.py llms sync_env` writes those of the environment."))
    return OK


def _described(row: Llms, registry: DjangoLLMRegistry) -> dict[str, Any]:
    return {
        "id": row.pk,
        "tier": row.tier,
        "name": row.name,
        "provider": row.provider,
        "model": row.model_name,
        "in/1k": _price(row.cost_per_1k_input),
        "out/1k": _price(row.cost_per_1k_output),
        "key": row.key_source,
        "state": _state(row, registry),
        "managed_by": row.managed_by,
    }


def _price(price: Any) -> str | None:
    return None if price is None else f"{price.normalize():f}"


def _state(row: Llms, registry: DjangoLLMRegistry) -> str:
    winner = registry.get_by_tier(LLMTier(row.tier))
    if why := registry.unavailable.get(row.pk):
        return f"unavailable: {why}"
    if not row.is_active:
        return "off"
    words = ["wins" if winner and winner.id == row.pk else "active"]
    if row.is_pinned:
        words.append(f"pinned until {row.pinned_until:%Y-%m-%d %H:%M %Z}")
    if row.retires_on:
        words.append(f"retires {row.retires_on}")
    return ", ".join(words)
