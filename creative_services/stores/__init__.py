"""Stores, opened by address; a driver is imported when the first address asks for it.

::

    store = open_store("sqlite:///replicas.db")
"""

import re
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from creative_services.core.errors import ConfigurationError, MissingDependencyError
from creative_services.core.store import KeyValueStore


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """Where a store lives, which extra brings its driver, and what an address looks like."""

    module: str
    maker: str
    example: str
    extra: str = ""


_HOME: Final = "creative_services.stores."
_FILE: Final = _Row(module=f"{_HOME}file", maker="FileSystemKVStore", example="file:///var/lib/replicas")
_REDIS: Final = _Row(module=f"{_HOME}redis", maker="RedisKVStore", extra="redis", example="redis://127.0.0.1:6379/0")
_CONSUL: Final = _Row(module=f"{_HOME}consul", maker="ConsulKVStore", extra="consul", example="consul://127.0.0.1:8500")
_ETCD: Final = _Row(module=f"{_HOME}etcd", maker="EtcdKVStore", extra="etcd", example="etcd://127.0.0.1:2379")
_NATS: Final = _Row(module=f"{_HOME}nats", maker="NATSKVStore", extra="nats", example="nats://127.0.0.1:4222")

SCHEMES: Final[dict[str, _Row]] = {
    "memory": _Row(module=f"{_HOME}memory", maker="MemoryKVStore", example="memory://"),
    "file": _FILE,
    "sqlite": _Row(module=f"{_HOME}sqlite", maker="SQLiteKVStore", example="sqlite:///replicas.db"),
    "redis": _REDIS,
    "rediss": _REDIS,
    "consul": _CONSUL,
    "consuls": _CONSUL,
    "etcd": _ETCD,
    "etcds": _ETCD,
    "nats": _NATS,
    "tls": _NATS,
}


def open_store(url: str, **options: Any) -> KeyValueStore:
    """The store at ``url``, or in the folder of that name when it is a plain path. Nothing is connected to yet."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", url)
    row = SCHEMES.get(scheme[1].lower()) if scheme else _FILE
    if row is None:
        examples = ", ".join(dict.fromkeys(known.example for known in SCHEMES.values()))
        raise ConfigurationError(f"No store is opened by {url.partition(':')[0]}:. Known: {examples}, or a plain path.")
    store: KeyValueStore = _maker(row).from_url(url, **options)
    return store


def _maker(row: _Row) -> Any:
    try:
        return getattr(import_module(row.module), row.maker)
    except ModuleNotFoundError as error:
        missing = error.name or row.extra
        if missing.startswith("creative_services"):
            raise
        raise MissingDependencyError(f"The store {row.maker}", extra=row.extra, missing=missing) from error
