"""``llms test``: entries tried for real."""

import asyncio
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMEntry
from django_app.llms.commands.task import FAILED, OK, Task
from django_app.llms.models import Llms
from django_app.llms.trial import Step, try_entry

HELP: Final = gettext_lazy(
    "Try entries for real: endpoint, driver, connection, models, and one short call that costs its tokens."
)


def add_arguments(parser: CommandParser) -> None:
    """Which ones."""
    parser.add_argument("id", nargs="*", type=int, help="entries to try; without any, every active one")


def run(task: Task) -> int:
    """Try each; one failure fails the command."""
    rows = Llms.objects.using(task.using)
    wanted = task.options["id"]
    chosen = list(rows.filter(pk__in=wanted) if wanted else rows.active())
    unknown = set(wanted) - {row.pk for row in chosen}
    results = {row.pk: _tried(row, task) for row in chosen}
    for llm_id in sorted(unknown):
        task.say(_("There is no entry %(id)s.") % {"id": llm_id})
    task.answer({llm_id: [asdict(step) for step in steps] for llm_id, steps in results.items()})
    return FAILED if unknown or not all(step.ok for steps in results.values() for step in steps) else OK


def _tried(row: Llms, task: Task) -> list[Step]:
    task.say(f"{row}")
    try:
        entry = row.as_entry()
    except CreativeServicesError as error:
        steps = [Step(name="key", ok=False, detail=str(error))]
    else:
        steps = asyncio.run(_all_steps(entry))
    for step in steps:
        cost = "" if step.cost is None else f", {step.cost:f} USD"
        task.say(f"  {'ok ' if step.ok else 'NO '} {step.name}: {step.detail} ({step.seconds * 1000:.0f} ms{cost})")
    return steps


async def _all_steps(entry: LLMEntry) -> list[Any]:
    return [step async for step in try_entry(entry)]
