"""The default entries of an environment: one per place whose vendor is set up."""

from collections.abc import Iterator, Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Final

from creative_services.catalog.access import Access, access_to
from creative_services.catalog.announcements import tell_succession
from creative_services.catalog.defaults import KnownModel, Place, defaults
from creative_services.catalog.lifecycle import served
from creative_services.catalog.prices import price_of
from creative_services.config import did_you_mean, flag, setting
from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMEntry, LLMTier
from creative_services.core.pricing import Pricing

PIN: Final = "CREATIVE_SERVICES_PIN_DEFAULTS"
OLLAMA_MODEL: Final = "OLLAMA_MODEL"


def default_entries(environ: Mapping[str, str], today: date) -> Iterator[LLMEntry]:
    """An entry for every place whose vendor has a key in ``environ``; retired models give way to their successors."""
    _refuse_unknown_places(environ)
    pinned = flag(environ, PIN)
    for place in defaults().places:
        access = access_to(place.provider, environ)
        model = _model_for(place, environ, today, pinned=pinned) if access else None
        if access and model:
            yield _entry(place, model, access, today)


def _model_for(place: Place, environ: Mapping[str, str], today: date, *, pinned: bool) -> KnownModel | None:
    chosen = _chosen(place, environ)
    if chosen:
        return defaults().known(place.provider, chosen)
    if place.model is None:
        return None
    printed = defaults().known(place.provider, place.model)
    if pinned:
        return printed
    model = served(defaults().line(place.provider, place.model), today)
    if model is not printed:
        tell_succession(place, printed, model)
    return model


def _chosen(place: Place, environ: Mapping[str, str]) -> str | None:
    chosen = setting(environ, place.variable)
    if chosen is None and place.provider == "ollama":
        return setting(environ, OLLAMA_MODEL)
    return chosen


def _entry(place: Place, model: KnownModel, access: Access, today: date) -> LLMEntry:
    return LLMEntry(
        id=place.id,
        name=place.name or model.name or model.model,
        provider=place.provider,
        model=model.model,
        tier=place.tier,
        api_key=access.api_key,
        api_endpoint=access.api_endpoint,
        temperature=0.7 if model.sampling else None,
        capabilities=model.capabilities,
        context_window=model.context_window,
        pricing=price_of(place.provider, model.model, today) or Pricing(),
        retires_on=model.retires_on,
        successor=model.successor,
    )


def _refuse_unknown_places(environ: Mapping[str, str]) -> None:
    """A misspelt override would leave the default in place without a word."""
    places = defaults().places
    known = {place.variable for place in places}
    halves = {f"CREATIVE_SERVICES_{place.provider}_*_MODEL".upper() for place in places}
    halves |= {f"CREATIVE_SERVICES_*_{tier}_MODEL".upper() for tier in LLMTier}
    for name in environ:
        if name not in known and any(fnmatchcase(name, half) for half in halves):
            raise ConfigurationError(f"{name} names no place in the table of defaults.{did_you_mean(name, known)}")
