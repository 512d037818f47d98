"""The one settings dictionary, ``CREATIVE_SERVICES``: typed defaults, and what is wrong with what was written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final

from django.conf import settings as django_settings
from django.core.signals import setting_changed

from creative_services.config import did_you_mean
from creative_services.core.errors import ConfigurationError

NAME: Final = "CREATIVE_SERVICES"

# The environment variables an entry may name. A wide pattern would let everyone who may edit entries
# send SECRET_KEY or a payment key to an endpoint of their own.
ENV_ALLOW: Final = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY", "OLLAMA_API_KEY", "LLM_KEY_*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set, with its default. The keys of the dictionary are these names in capitals."""

    encryption_keys: tuple[str, ...] = ()
    env_allow: tuple[str, ...] = ENV_ALLOW
    file_allow: tuple[str, ...] = ("/run/secrets",)
    endpoint_allow: tuple[str, ...] = ()
    poll_seconds: float = 0.5
    reload_seconds: float = 60.0
    redis_url: str = ""
    retirement_warning_days: int = 60
    price_age_days: int = 90
    key_age_days: int = 365
    spool_dir: str = ""
    usage_days: int = 90
    replicas: str = ""
    replicas_changes: str = ""


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError("a list of strings")
    return tuple(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a string")
    return value


def _positive(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise TypeError("a number above 0")
    return float(value)


def _poll(value: Any) -> float:
    # An edit is promised to be used within one second; the poll must leave room for the load itself.
    if (seconds := _positive(value)) > 0.9:
        raise TypeError("a number of seconds above 0 and at most 0.9")
    return seconds


def _days(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TypeError("a whole number of days, at least 1")
    return value


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "encryption_keys": _texts,
    "env_allow": _texts,
    "file_allow": _texts,
    "endpoint_allow": _texts,
    "poll_seconds": _poll,
    "reload_seconds": _positive,
    "redis_url": _text,
    "retirement_warning_days": _days,
    "price_age_days": _days,
    "key_age_days": _days,
    "spool_dir": _text,
    "usage_days": _days,
    "replicas": _text,
    "replicas_changes": _text,
}


def written() -> Any:
    """The dictionary as the project wrote it."""
    return getattr(django_settings, NAME, {})


def problems() -> Iterator[str]:
    """What is wrong with the dictionary, a sentence each; no value is quoted, since it may be a key."""
    found = written()
    if not isinstance(found, Mapping):
        yield f"{NAME} must be a dictionary."
        return
    known = [field.name.upper() for field in fields(Settings)]
    for name, value in found.items():
        if name not in known:
            yield f"{NAME} has an unknown key {name!r}.{did_you_mean(str(name), known)}"
        elif expected := _refusal(name.lower(), value):
            yield f"{NAME}[{name!r}] must be {expected}."


def _refusal(name: str, value: Any) -> str | None:
    try:
        _READERS[name](value)
    except TypeError as error:
        return str(error) if str(error).startswith("a ") else "a list of strings"
    return None


@cache
def current() -> Settings:
    """The settings in force; ``override_settings`` is followed."""
    if wrong := next(problems(), None):
        raise ConfigurationError(f"{wrong} `manage.py check` lists everything that is wrong with it.")
    return Settings(**{name.lower(): _READERS[name.lower()](value) for name, value in written().items()})


def follow_settings() -> None:
    """Forget what was read whenever a test or a tool changes the dictionary."""
    setting_changed.connect(_forget, dispatch_uid=f"{__name__}.forget")


def _forget(*, setting: str, **_: Any) -> None:
    if setting == NAME:
        current.cache_clear()
        from creative_services.adapters.django_feed import forget_all

        forget_all()
