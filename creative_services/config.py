"""The only reader of the process environment and of configuration files."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from creative_services.core.errors import ConfigurationError
from creative_services.core.secrets import Secret, secret

CONFIG_VARIABLE: Final = "CREATIVE_SERVICES_CONFIG"

_ON: Final = ("1", "true", "yes", "on")
_OFF: Final = ("0", "false", "no", "off")


def environment() -> Mapping[str, str]:
    """The process environment, live."""
    return os.environ


def setting(environ: Mapping[str, str], name: str) -> str | None:
    """The value of a variable without surrounding blanks; one that is set empty counts as not set."""
    return environ.get(name, "").strip() or None


def flag(environ: Mapping[str, str], name: str) -> bool:
    """Whether a switch is on: 1, true, yes or on."""
    value = (setting(environ, name) or "off").lower()
    if value not in _ON + _OFF:
        raise ConfigurationError(f"{name}={value!r} is neither on nor off. Write one of {', '.join(_ON + _OFF)}.")
    return value in _ON


def config_path(environ: Mapping[str, str]) -> Path | None:
    """The file named by CREATIVE_SERVICES_CONFIG, if one is."""
    named = setting(environ, CONFIG_VARIABLE)
    return Path(named).expanduser() if named else None


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Numbers with a point become Decimals, so that a price is the one written."""
    import tomllib
    from decimal import Decimal

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigurationError(f"The configuration file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # not UTF-8, or not TOML: both kinds say where
        raise ConfigurationError(f"The configuration file {path} is not valid TOML: {error}.") from error


def resolve_secret(written: str, *, environ: Mapping[str, str], beside: Path, owner: str) -> Secret | None:
    """The secret a file means: ``env:NAME``, ``file:PATH`` (relative to ``beside``), or the text itself."""
    kind, _, rest = written.partition(":")
    if kind == "env":
        return _from_environment(rest.strip(), environ, owner)
    if kind == "file":
        return _from_file(beside / Path(rest.strip()).expanduser(), owner)
    return secret(written)


def _from_environment(name: str, environ: Mapping[str, str], owner: str) -> Secret | None:
    value = setting(environ, name)
    if value is None:
        raise ConfigurationError(f"{owner}: its key should be in the environment variable {name}, which is not set.")
    return secret(value)


def _from_file(path: Path, owner: str) -> Secret | None:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{owner}: its key file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigurationError(f"{owner}: its key file {path} is not text.") from error
    if not value:
        raise ConfigurationError(f"{owner}: its key file {path} is empty.")
    return secret(value)


def only_known(written: Iterable[str], known: Iterable[str], owner: str) -> None:
    """Refuse keys nobody reads: a misspelt one would be ignored in silence."""
    names = sorted(known)
    for key in written:
        if key not in names:
            raise ConfigurationError(f"{owner}: unknown key {key!r}.{did_you_mean(key, names)}")


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """A hint for a misspelt word, with a leading blank: the nearest name, else all of them."""
    from difflib import get_close_matches

    known = sorted(names)
    near = get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known)}."
