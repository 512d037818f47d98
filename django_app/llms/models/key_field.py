"""The column that refuses a plain key, whichever way the ORM writes it."""

from typing import TYPE_CHECKING, Any

from django.db import models

from creative_services.core.errors import ConfigurationError
from django_app.llms.keys.written import Kind, kind_of

if TYPE_CHECKING:
    Text = models.TextField[str, str]
else:
    Text = models.TextField  # generic only in the stubs


class KeyField(Text):
    """Holds a reference or a sealed key; ``save()`` and ``create()`` seal a plain one on its way here."""

    def get_prep_value(self, value: Any) -> Any:
        """Refuse at the last step that all of save, update and the bulk operations share."""
        text = super().get_prep_value(value)
        if isinstance(text, str) and kind_of(text) is Kind.PLAIN:
            raise ConfigurationError(
                "A plain API key was about to be written to the database, and was not. "
                "Assign it to the object and call save(), which seals it, or give it by reference (env:NAME)."
            )
        return text
