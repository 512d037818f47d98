"""What this app tells other code in the same process."""

from logging import getLogger

from django.dispatch import Signal

from creative_services.adapters.django_reading import Held

# Sent in every process after its look-ups see another state of the table, from the thread that loaded it.
# Arguments: sender (the model Llms), using (the database), revision, snapshot. Must not block: the next change waits.
registry_changed = Signal()

# Sent after API keys were sealed anew with the newest encryption key.
# Arguments: sender (the model Llms), using (the database), ids (the rows).
secrets_rotated = Signal()

_log = getLogger("creative_services.registry")


def send_registry_changed(using: str, held: Held) -> None:
    """Tell every receiver; one that fails is logged and stops nobody."""
    from django_app.llms.models import Llms

    answers = registry_changed.send_robust(Llms, using=using, revision=held.reading.revision, snapshot=held.snapshot)
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            _log.error("The receiver %r of registry_changed failed.", receiver, exc_info=answer)
