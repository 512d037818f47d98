"""Self-hosted servers found, balanced and reached. Each name is loaded when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from creative_services.core.replicas import Replica as Replica
    from creative_services.core.store import KeyValueStore as KeyValueStore
    from creative_services.replicas.discovery import Client as Client
    from creative_services.replicas.http_client import RegistryHTTPClient as RegistryHTTPClient
    from creative_services.replicas.middleware import RequestCounterMiddleware as RequestCounterMiddleware
    from creative_services.replicas.models import ModelRegistry as ModelRegistry
    from creative_services.replicas.registration import Registration as Registration
    from creative_services.replicas.registry import ServerRegistry as ServerRegistry
    from creative_services.stores import open_store as open_store
    from creative_services.stores.consul import ConsulKVStore as ConsulKVStore
    from creative_services.stores.file import FileSystemKVStore as FileSystemKVStore

_HOMES: Final = {
    "Client": "replicas.discovery",
    "ConsulKVStore": "stores.consul",
    "FileSystemKVStore": "stores.file",
    "KeyValueStore": "core.store",
    "ModelRegistry": "replicas.models",
    "Registration": "replicas.registration",
    "RegistryHTTPClient": "replicas.http_client",
    "Replica": "core.replicas",
    "RequestCounterMiddleware": "replicas.middleware",
    "ServerRegistry": "replicas.registry",
    "open_store": "stores",
}
# Whose driver comes with an extra.
_EXTRAS: Final = {"ConsulKVStore": "consul", "RegistryHTTPClient": "http"}

__all__ = [
    "Client",
    "ConsulKVStore",
    "FileSystemKVStore",
    "KeyValueStore",
    "ModelRegistry",
    "Registration",
    "RegistryHTTPClient",
    "Replica",
    "RequestCounterMiddleware",
    "ServerRegistry",
    "open_store",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(f"creative_services.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith("creative_services") or name not in _EXTRAS:
            raise
        from creative_services.core.errors import MissingDependencyError

        raise MissingDependencyError(name, extra=_EXTRAS[name], missing=missing) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
