"""``llms sync_env``: the entries of the environment as rows."""

from typing import Final

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_app.llms import sources
from django_app.llms.commands.task import OK, Task
from django_app.llms.managed import SAME, Change, carry_out, plan

HELP: Final = gettext_lazy(
    "Write the entries of the environment (OPENAI_API_KEY, OLLAMA_HOST, ...) as rows; keys stay there."
)


def add_arguments(parser: CommandParser) -> None:
    """None."""


def run(task: Task) -> int:
    """Bring the rows in line; a second run changes nothing."""
    changes = plan(sources.from_environment(), sources.ENVIRONMENT, task.using)
    report(changes, task)
    if not task.dry_run:
        carry_out(changes, task.using)
    return OK


def report(changes: list[Change], task: Task) -> None:
    """What is done, or would be."""
    task.answer(
        {
            "dry_run": task.dry_run,
            "changes": [
                {"change": each.kind, "id": each.row.pk, "name": each.row.name, "fields": list(each.fields)}
                for each in changes
            ],
        }
    )
    for change in changes:
        task.say(str(change))
    done = sum(change.kind != SAME for change in changes)
    text = _("%(done)s of %(all)s would change.") if task.dry_run else _("%(done)s of %(all)s changed.")
    task.say(text % {"done": done, "all": len(changes)})
