"""Retirement: which model of a line is served on a day, and what people should be told about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from creative_services.catalog.defaults import KnownModel, defaults
from creative_services.core.llm_registry import LLMEntry

# Two months: long enough to test a successor within one release cycle, short enough not to become wallpaper.
NOTICE_DAYS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What people should know about an entry's model."""

    entry: LLMEntry
    text: str

    def __str__(self) -> str:
        return self.text


def served(line: Iterable[KnownModel], today: date) -> KnownModel:
    """The first model of the line that is not retired; the last one when all are."""
    known = None
    for known in line:
        if not known.retired(today):
            break
    if known is None:
        raise ValueError("A line has at least one model.")
    return known


def stands_in_for(entry: LLMEntry) -> KnownModel | None:
    """The documented model whose place ``entry`` has taken as its successor; None for every other entry."""
    place = defaults().place(entry.id)
    if place is None or place.model is None or place.provider != entry.provider:
        return None
    printed, *later = defaults().line(place.provider, place.model)
    return printed if any(known.model == entry.model for known in later) else None


def notices(entries: Iterable[LLMEntry], today: date) -> tuple[Notice, ...]:
    """A notice for every active entry whose model is retired, or will be within 60 days."""
    told = ((entry, _notice(entry, today)) for entry in entries if entry.is_active)
    return tuple(Notice(entry=entry, text=text) for entry, text in told if text)


def _notice(entry: LLMEntry, today: date) -> str | None:
    if entry.retires_on is None or (entry.retires_on - today).days > NOTICE_DAYS:
        return None
    advice = f"Its successor is {entry.successor}." if entry.successor else "Choose another model for it."
    if entry.retired(today):
        return f"The model of {entry} was retired on {entry.retires_on}. {advice}"
    days = (entry.retires_on - today).days
    return f"The model of {entry} retires on {entry.retires_on}, in {days} day{'s' if days > 1 else ''}. {advice}"
