"""A gateway out of nothing but environment variables."""

from collections import Counter
from dataclasses import replace
from functools import partial
from logging import ERROR, getLogger
from typing import Final

from creative_services.config import environment
from creative_services.core.llm_registry import LLMTier
from creative_services.llms.dict_registry import DictRegistry
from creative_services.server.access.keys import keys_from
from creative_services.server.app import DataPlane
from creative_services.server.build import Parts, build
from creative_services.server.ledger.sqlite_sink import SQLiteSink
from creative_services.server.logs import log_as_json
from creative_services.server.serve import Serving, refuse_open_door, serve
from creative_services.server.settings import Settings

_log: Final = getLogger("creative_services.gateway")


def serve_environment(*, host: str, port: int, workers: int) -> int:
    """Run until told to stop; the exit code."""
    environ = environment()
    settings = replace(Settings.from_env(environ), workers=workers)
    keys_from(environ)  # a mistake in them is told here, once, and not by every worker
    refuse_open_door(host, has_keys=settings.has_keys)
    log_as_json()
    _introduce(DictRegistry.from_env(environ), settings)
    return serve(
        Serving(
            host=host, port=port, workers=workers, settings=settings, make=partial(data_plane, workers), sink=SQLiteSink
        )
    )


def _introduce(registry: DictRegistry, settings: Settings) -> None:
    """Who will answer and who may ask, once; workers do not repeat it."""
    tiers = Counter(entry.tier for entry in registry.list_active())
    if tiers.keys() <= {LLMTier.LOCAL}:
        _log.warning("No vendor's key is set (OPENAI_API_KEY, say), so only entries on this machine can answer.")
    _log.info(
        "Entries: %s. Callers: %s.",
        ", ".join(f"{tier} {tiers[tier]}" for tier in LLMTier if tiers[tier]) or "none",
        "those with a key" if settings.has_keys else "everyone on this machine, without a key",
    )


def data_plane(workers: int = 1) -> DataPlane:
    """One worker's, of so many."""
    environ = environment()
    getLogger("creative_services.catalog").setLevel(ERROR)  # the parent has told of retirements already
    settings = replace(Settings.from_env(environ), workers=workers)
    return build(
        Parts(
            registry=DictRegistry.from_env(environ),
            settings=settings,
            keys=keys_from(environ) if settings.has_keys else None,
        )
    )
