"""The environment with references in the place of keys, so that what is read from it can be stored."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

# What the SDK reads from the environment besides keys.
_NO_KEYS: Final = ("*_BASE_URL", "*_HOST", "*_MODEL", "CREATIVE_SERVICES_*")


class References(Mapping[str, str]):
    """``references["OPENAI_API_KEY"] == "env:OPENAI_API_KEY"``; addresses and model names are as they are."""

    def __init__(self, environ: Mapping[str, str], *, suppose_set: bool = False) -> None:
        self._environ = environ
        self._suppose_set = suppose_set

    def __getitem__(self, name: str) -> str:
        if any(fnmatchcase(name, pattern) for pattern in _NO_KEYS):
            return self._environ[name]
        if self._suppose_set or self._environ[name].strip():
            return f"env:{name}"
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)
