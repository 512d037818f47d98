"""How a new key is told: the key alone on standard output, all else beside it."""

from typing import Any

from django.utils.translation import gettext as _

from django_app.access.commands.finding import described
from django_app.access.issuing import Issued
from django_app.llms.commands.task import OK, Task


def tell(task: Task, issued: Issued, **more: Any) -> int:
    """So that ``manage.py access create OWNER > key`` keeps the key and nothing else. It is shown this once."""
    task.answer({**described(issued.row), **more, "secret": issued.key.reveal()})
    task.say(issued.key.reveal())
    if not task.as_json:
        told = _("This is the only time the key %(key)s is shown; only its digest is stored.")
        task.progress.write(told % {"key": issued.row.shown} + "\n")
    return OK
