"""What this app tells other code in the same process."""

from collections.abc import Iterable, Sequence
from logging import getLogger
from typing import Any

from django.dispatch import Signal

from creative_services.adapters.django_reading import Held

# Sent in every process after its look-ups see another state of the table, from the thread that loaded it.
# Arguments: sender (the model Llms), using (the database), revision, snapshot. Must not block: the next change waits.
registry_changed = Signal()

# Sent after API keys were sealed anew with the newest encryption key.
# Arguments: sender (the model Llms), using (the database), ids (the rows).
secrets_rotated = Signal()

# Sent after a batch of calls was stored, once per batch and never per call.
# Arguments: sender (the model Usage), using (the database), rows (those stored).
usage_stored = Signal()

_log = getLogger("creative_services.registry")


def send_registry_changed(using: str, held: Held) -> None:
    """Tell every receiver; one that fails is logged and stops nobody."""
    from django_app.llms.models import Llms

    answers = registry_changed.send_robust(Llms, using=using, revision=held.reading.revision, snapshot=held.snapshot)
    _log_failures("registry_changed", answers)


def send_usage_stored(using: str, rows: Sequence[Any]) -> None:
    """Tell every receiver; the rows are stored whatever becomes of it."""
    from django_app.llms.models import Usage

    _log_failures("usage_stored", usage_stored.send_robust(Usage, using=using, rows=rows))


def _log_failures(name: str, answers: Iterable[tuple[Any, Any]]) -> None:
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            _log.error("The receiver %r of %s failed.", receiver, name, exc_info=answer)
