"""What the log says about default models: each thing once per process."""

import logging
from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Final

from creative_services.catalog.defaults import KnownModel, Place
from creative_services.catalog.lifecycle import notices
from creative_services.core.llm_registry import LLMEntry

_LOGGER: Final = logging.getLogger("creative_services.catalog")


def tell_succession(place: Place, printed: KnownModel, model: KnownModel) -> None:
    """A default model has retired and another one stands in its place."""
    say_once(
        logging.INFO,
        f"Entry {place.id} ({place.provider} {place.tier}) now uses {model.model}: {printed.model} was retired on "
        f"{printed.retires_on}. {place.variable} chooses another model.",
    )


def tell_notices(entries: Iterable[LLMEntry], today: date) -> None:
    """Models that are retired, or will be soon."""
    for notice in notices(entries, today):
        say_once(logging.WARNING, notice.text)


@cache
def say_once(level: int, text: str) -> None:
    """Log ``text``, the first time it is to be said; a server that reads its environment often does not repeat it."""
    _LOGGER.log(level, "%s", text)
