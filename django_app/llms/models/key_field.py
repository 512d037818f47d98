"""The column that refuses a plain key, whichever way the ORM writes it."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from creative_services.core.errors import ConfigurationError
from creative_services.core.secrets import Secret
from django_app.llms.keys.written import hidden

if TYPE_CHECKING:
    Text = models.TextField[str | Secret, Any]  # text once stored, a Secret between assignment and save()
else:
    Text = models.TextField  # generic only in the stubs


class _Hiding(DeferredAttribute):
    """Between assignment and ``save()`` a plain key waits in the object, where error pages would show it."""

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = hidden(value)


class KeyField(Text):
    """Holds a reference or a sealed key; ``save()`` and ``create()`` seal a plain one on its way here."""

    descriptor_class = _Hiding

    def to_python(self, value: Any) -> Any:
        """Text, or a plain key as a ``Secret``, whose own text would be only its mask."""
        return hidden(value if isinstance(value, Secret) else super().to_python(value))

    def get_prep_value(self, value: Any) -> Any:
        """Refuse at the last step that all of save, update and the bulk operations share."""
        value = hidden(value)
        if isinstance(value, Secret):
            raise ConfigurationError(
                "A plain API key was about to be written to the database, and was not. "
                "Assign it to the object and call save(), which seals it, or give it by reference (env:NAME)."
            )
        return super().get_prep_value(value)
