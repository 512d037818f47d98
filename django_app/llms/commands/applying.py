"""``llms apply``: the entries of a file as rows."""

from pathlib import Path
from typing import Final

from django.core.management.base import CommandParser
from django.utils.translation import gettext_lazy

from django_app.llms import sources
from django_app.llms.commands.syncing import report
from django_app.llms.commands.task import OK, Task
from django_app.llms.managed import carry_out, plan

HELP: Final = gettext_lazy("Write the [[entries]] of a TOML file as rows that this file manages.")


def add_arguments(parser: CommandParser) -> None:
    """The file."""
    parser.add_argument("file", type=Path)
    parser.add_argument("--prune", action="store_true", help="also delete rows of this file that it no longer has")


def run(task: Task) -> int:
    """Bring the rows in line; a second run changes nothing."""
    path = task.options["file"]
    changes = plan(sources.from_file(path), str(path), task.using, prune=task.options["prune"])
    report(changes, task)
    if not task.dry_run:
        carry_out(changes, task.using)
    return OK
