"""From a reference to the key it names: ``env:NAME``, ``file:/path``, or the scheme of an installed resolver."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from creative_services.config import environment, resolve_secret
from creative_services.core.errors import ConfigurationError
from creative_services.core.secrets import Secret, secret
from django_app.llms import conf

GROUP: Final = "creative_services.secret_resolvers"

Resolver = Callable[[str], str]


@cache
def installed() -> Mapping[str, EntryPoint]:
    """The resolvers other packages bring: ``vault = "my_package:read"`` answers ``vault:some/path``."""
    return {point.name: point for point in entry_points(group=GROUP)}


def schemes() -> frozenset[str]:
    """Every scheme a reference may have here."""
    return frozenset({"env", "file", *installed()})


def resolve(reference: str, *, owner: str) -> Secret:
    """The key a reference names; raises ConfigurationError that says what to do."""
    scheme, _, rest = reference.partition(":")
    if scheme == "env":
        _refuse_variable(rest.strip(), owner)
    elif scheme == "file":
        _refuse_path(Path(rest.strip()), owner)
    else:
        return _from_resolver(scheme, rest, owner)
    found = resolve_secret(reference, environ=environment(), beside=Path("/"), owner=owner)
    if not found:
        raise ConfigurationError(f"{owner}: {reference} gives an empty key.")
    return found


def _refuse_variable(name: str, owner: str) -> None:
    if not any(fnmatchcase(name, pattern) for pattern in conf.current().env_allow):
        raise ConfigurationError(
            f"{owner}: the environment variable {name} is not on the allow-list. "
            f'Add it to {conf.NAME}["ENV_ALLOW"] in the settings if entries may use it.'
        )


def _refuse_path(path: Path, owner: str) -> None:
    real = path.resolve()  # a link out of the directory must not lead around the list
    if not any(real.is_relative_to(Path(root).resolve()) for root in conf.current().file_allow):
        raise ConfigurationError(
            f"{owner}: the key file {path} is in no allowed directory. "
            f'Add its directory to {conf.NAME}["FILE_ALLOW"] in the settings if entries may read it.'
        )


def _from_resolver(scheme: str, rest: str, owner: str) -> Secret:
    value = secret(resolver(scheme)(rest))
    if not value:
        raise ConfigurationError(f"{owner}: the resolver of {scheme}: has no key for it.")
    return value


def resolver(scheme: str) -> Resolver:
    """The installed resolver of a scheme."""
    found: Resolver = installed()[scheme].load()
    return found
