"""``access rotate``: a successor, and an end for the old key."""

from typing import Final

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creative_services.core.errors import ConfigurationError
from django_app.access import issuing
from django_app.access.commands.finding import found
from django_app.access.commands.telling import tell
from django_app.llms.commands.task import OK, Task

HELP: Final = gettext_lazy("Make a key's successor and print it; the old key ends after the overlap.")


def add_arguments(parser: CommandParser) -> None:
    """Which one, and how long both work."""
    parser.add_argument("key", help="as `list` shows it")
    parser.add_argument("--overlap", choices=list(issuing.OVERLAPS), default="1d", help="how long the old key works on")


def run(task: Task) -> int:
    """Rotate it."""
    row = found(task.options["key"], task.using)
    if task.dry_run:
        if why := issuing.why_not_rotated(row):
            raise ConfigurationError(why)
        task.answer({"dry_run": True, "predecessor": row.key_id})
        task.say(_("%(key)s would get a successor.") % {"key": row})
        return OK
    issued = issuing.rotate(row.pk, issuing.OVERLAPS[task.options["overlap"]], using=task.using)
    row.refresh_from_db()
    return tell(task, issued, predecessor=row.key_id, predecessor_expires_at=row.expires_at)
