"""``access revoke``: keys ended for ever."""

from typing import Final

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_app.access import issuing
from django_app.access.commands.finding import found
from django_app.llms.commands.task import OK, Task

HELP: Final = gettext_lazy("End keys for ever; every gateway refuses them within a second.")


def add_arguments(parser: CommandParser) -> None:
    """Which ones, and why."""
    parser.add_argument("key", nargs="+", help="as `list` shows it")
    parser.add_argument("--reason", default="", help="for the history")


def run(task: Task) -> int:
    """Revoke them; those that were revoked before stay as they are."""
    rows = [found(name, task.using) for name in task.options["key"]]
    ending = [row for row in rows if row.revoked_at is None]
    ended = ending if task.dry_run else issuing.revoke(ending, using=task.using, reason=task.options["reason"])
    task.answer({"dry_run": task.dry_run, "revoked": [row.key_id for row in ended]})
    for row in ended:
        told = _("%(key)s would be revoked.") if task.dry_run else _("%(key)s is revoked.")
        task.say(told % {"key": row})
    for row in rows:
        if row.revoked_at is not None and row not in ending:
            task.say(_("%(key)s was revoked before.") % {"key": row})
    return OK
