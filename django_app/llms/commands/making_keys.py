"""``llms new_key``: a value for ENCRYPTION_KEYS."""

from typing import Final

from django.core.management.base import CommandParser
from django.utils.translation import gettext_lazy

from django_app.llms.commands.task import OK, Task
from django_app.llms.keys.sealing import new_master_key

HELP: Final = gettext_lazy("Print a new encryption key, to be put first in CREATIVE_SERVICES['ENCRYPTION_KEYS'].")


def add_arguments(parser: CommandParser) -> None:
    """None."""


def run(task: Task) -> int:
    """Print it."""
    key = new_master_key()
    task.answer({"key": key})
    task.say(key)
    return OK
