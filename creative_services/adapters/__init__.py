"""Joints between our nouns and other people's frameworks, each loaded when first named."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from creative_services.adapters.django import DjangoLLMRegistry as DjangoLLMRegistry
    from creative_services.adapters.django_keys import DjangoKeys as DjangoKeys

__all__ = ["DjangoKeys", "DjangoLLMRegistry"]

_HOMES: Final = {"DjangoKeys": "django_keys", "DjangoLLMRegistry": "django"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "django":
            raise
        from creative_services.core.errors import MissingDependencyError

        raise MissingDependencyError(name, extra="django", missing="django") from error
    globals()[name] = found
    return found
