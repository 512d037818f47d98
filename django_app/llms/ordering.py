"""The order of selection, as the database says it."""

from typing import Final

from django.db.models import F

# The documented order: input price, then output price, an unknown price last, then the lowest id.
PRICE_ORDER: Final = (
    F("cost_per_1k_input").asc(nulls_last=True),
    F("cost_per_1k_output").asc(nulls_last=True),
    "id",
)
