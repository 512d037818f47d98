"""``llms rotate_secrets``: every sealed key sealed anew with the newest encryption key."""

from typing import Final

from django.core.management.base import CommandParser
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creative_services.core.errors import ConfigurationError, CreativeServicesError
from django_app.llms import conf, signals
from django_app.llms.commands.task import FAILED, OK, Task
from django_app.llms.keys import sealing
from django_app.llms.keys.written import SEALED_PREFIX
from django_app.llms.models import Llms

HELP: Final = gettext_lazy(
    "Seal every sealed API key anew with the first of ENCRYPTION_KEYS. May be interrupted and run again."
)


def add_arguments(parser: CommandParser) -> None:
    """How it goes on."""
    parser.add_argument("--batch", type=int, default=100, help="rows in one transaction")


def run(task: Task) -> int:
    """Rotate what is not sealed with the newest key; a key that does not open is named and left as it is."""
    if not sealing.master_keys():
        raise ConfigurationError(f"{conf.NAME}['ENCRYPTION_KEYS'] is empty. {sealing.HOW_TO_MAKE_ONE}.")
    sealed = Llms.objects.using(task.using).filter(api_key__startswith=SEALED_PREFIX).order_by("pk")
    waiting = [row for row in sealed if not sealing.sealed_with_newest(row.api_key)]
    rotated, broken = _rotate(waiting, task)
    text = _("%(rotated)s sealed anew, %(current)s already were, %(broken)s do not open.")
    if task.dry_run:
        text = _("%(rotated)s would be sealed anew, %(current)s already are, %(broken)s do not open.")
    task.answer({"dry_run": task.dry_run, "rotated": rotated, "broken": broken, "current": len(sealed) - len(waiting)})
    task.say(text % {"rotated": len(rotated), "current": len(sealed) - len(waiting), "broken": len(broken)})
    for why in broken.values():
        task.say(why)
    if rotated and not task.dry_run:
        signals.secrets_rotated.send_robust(Llms, using=task.using, ids=tuple(rotated))
    return FAILED if broken else OK


def _rotate(waiting: list[Llms], task: Task) -> tuple[list[int], dict[int, str]]:
    rotated: list[int] = []
    broken: dict[int, str] = {}
    size = max(1, task.options["batch"])
    for start in range(0, len(waiting), size):
        with transaction.atomic(using=task.using):
            for row in waiting[start : start + size]:
                try:
                    _reseal(row, task)
                    rotated.append(row.pk)
                except CreativeServicesError as error:
                    broken[row.pk] = str(error)
        task.progress.write(f"{min(start + size, len(waiting))}/{len(waiting)}\n")
    return rotated, broken


def _reseal(row: Llms, task: Task) -> None:
    key = sealing.unseal(row.api_key, row.pk, owner=str(row))
    if task.dry_run:
        return
    # Only where the key is still the one we read: somebody may have entered a new one meanwhile. Its age stays.
    same = Llms.objects.using(task.using).filter(pk=row.pk, api_key=row.api_key)
    same.update(api_key=sealing.seal(key.reveal(), row.pk), api_key_changed_at=F("api_key_changed_at"))
