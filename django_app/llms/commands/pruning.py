"""``llms prune``: rows whose source no longer has them."""

from pathlib import Path
from typing import Final

from django.core.management.base import CommandParser
from django.utils.translation import gettext_lazy

from django_app.llms import sources
from django_app.llms.commands import pruning_usage
from django_app.llms.commands.syncing import report
from django_app.llms.commands.task import OK, Task
from django_app.llms.managed import DELETE, carry_out, plan

HELP: Final = gettext_lazy("Delete rows that the environment (or a file) once brought and no longer has.")


def add_arguments(parser: CommandParser) -> None:
    """Which source."""
    parser.add_argument("--file", type=Path, help="rows of this file, instead of those of the environment")
    parser.add_argument("--usage", action="store_true", help="usage older than USAGE_DAYS instead; sums of days stay")
    parser.add_argument("--days", type=int, help="with --usage: another number of days")


def run(task: Task) -> int:
    """Delete them; rows of the admin and of other sources stay."""
    if task.options["usage"]:
        return pruning_usage.run(task)
    path = task.options["file"]
    source = str(path) if path else sources.ENVIRONMENT
    wanted = sources.from_file(path) if path else sources.from_environment()
    changes = [change for change in plan(wanted, source, task.using, prune=True) if change.kind == DELETE]
    report(changes, task)
    if not task.dry_run:
        carry_out(changes, task.using)
    return OK
