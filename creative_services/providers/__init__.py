"""Ways to vendors, loaded by name when first needed.

A provider of your own is a class with ``generate``, ``stream`` and ``aclose``, named in the entry-point group
``creative_services.providers``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from creative_services.core.errors import MissingDependencyError, UnknownProviderError
from creative_services.core.provider import Provider
from creative_services.providers.vendors import VENDORS

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

GROUP: Final = "creative_services.providers"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """Where a provider lives, and which extra brings what it stands on."""

    module: str
    maker: str
    extra: str = ""
    takes_name: bool = False


_HOME: Final = "creative_services.providers."
_OWN: Final[dict[str, _Row]] = {
    "openai": _Row(module=f"{_HOME}openai", maker="OpenAIProvider", extra="openai"),
    "anthropic": _Row(module=f"{_HOME}anthropic", maker="AnthropicProvider", extra="anthropic"),
    "groq": _Row(module=f"{_HOME}groq", maker="GroqProvider", extra="groq"),
    "ollama": _Row(module=f"{_HOME}ollama", maker="OllamaProvider", extra="http"),
    "offline": _Row(module=f"{_HOME}offline", maker="OfflineProvider"),
    # A joint between two neighbours, so it stands a floor above us and is known here by name only.
    "replicas": _Row(module="creative_services.adapters.replicas", maker="ReplicasProvider", extra="http"),
    **{
        name: _Row(module=f"{_HOME}compatible", maker="CompatibleProvider", extra="http", takes_name=True)
        for name in VENDORS
    },
}


def known_providers() -> tuple[str, ...]:
    """Every name an entry may give as its provider."""
    return tuple(sorted({*_OWN, *(point.name for point in _points())}))


def load_provider(name: str) -> Provider:
    """The provider of this name; its driver is imported now and not before."""
    row = _OWN.get(name)
    provider = _own(name, row) if row else _strangers(name)
    if not isinstance(provider, Provider):
        raise UnknownProviderError(f"The provider '{name}' lacks one of generate, stream and aclose: {provider!r}.")
    return provider


def _own(name: str, row: _Row) -> Any:
    # A vendor's SDK is imported when its provider is made, so both steps may find it missing.
    try:
        maker = getattr(import_module(row.module), row.maker)
        return maker(name) if row.takes_name else maker()
    except ModuleNotFoundError as error:
        missing = error.name or row.extra
        if missing.startswith("creative_services"):
            raise
        raise MissingDependencyError(f"The provider '{name}'", extra=row.extra, missing=missing) from error


def _strangers(name: str) -> Any:
    for point in _points():
        if point.name == name:
            return point.load()()
    raise UnknownProviderError(f"No provider is called '{name}'. Known: {', '.join(known_providers())}.")


def _points() -> "EntryPoints":
    # Imported here: with its parsers of e-mail and zip files it is half of what this module would weigh.
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


def warm_up(names: Iterable[str]) -> None:
    """Import the drivers of these providers now, so that a server's first request does not wait for it."""
    for name in dict.fromkeys(names):
        load_provider(name)
