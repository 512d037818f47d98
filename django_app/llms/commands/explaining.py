"""``llms explain``: who would answer a wish, and why the others would not."""

from typing import Final

from django.core.management.base import CommandParser
from django.utils.translation import gettext_lazy

from creative_services.adapters import DjangoLLMRegistry
from creative_services.core.llm_registry import LLMTier
from creative_services.core.needs import Needs
from creative_services.core.wishes import Explanation
from creative_services.llms.client import DynamicLLMClient
from django_app.llms.commands.task import FAILED, OK, Task

HELP: Final = gettext_lazy("Show who would answer a tier, and why each other entry would not.")

_ABLE: Final = ("tools", "vision", "json", "embeddings")


def add_arguments(parser: CommandParser) -> None:
    """The wish."""
    parser.add_argument("tier", choices=[tier.value for tier in LLMTier])
    parser.add_argument("--needs", nargs="*", choices=_ABLE, default=[], metavar="ABILITY", help=", ".join(_ABLE))
    parser.add_argument("--context", type=int, default=0, metavar="TOKENS", help="the least context window")


def run(task: Task) -> int:
    """Print the verdicts; nobody answering is a failure."""
    registry = DjangoLLMRegistry(using=task.using)
    needs = Needs(context=task.options["context"], **dict.fromkeys(task.options["needs"], True))
    found = DynamicLLMClient(registry).explain(tier=LLMTier(task.options["tier"]), needs=needs)
    task.answer(_described(found, registry))
    task.say(str(found))
    for why in registry.unavailable.values():
        task.say(f"  -  unavailable: {why}")
    return OK if found.winner else FAILED


def _described(found: Explanation, registry: DjangoLLMRegistry) -> dict[str, object]:
    return {
        "wish": str(found.wish),
        "winner": found.winner.id if found.winner else None,
        "verdicts": [{"id": each.llm.id, "place": each.place, "reason": each.reason} for each in found.verdicts],
        "unavailable": dict(registry.unavailable),
    }
