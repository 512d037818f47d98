"""A registration as it comes in, is kept in a store, and is told to others."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from creative_services.core.errors import ConfigurationError
from creative_services.core.replicas import Replica

PREFIX: Final = "replica_"
# One key per process that holds registrations: while it lives, so do they. One write keeps thousands alive.
HOLDER_PREFIX: Final = "holder_"

MOST_CAPABILITIES: Final = 64
MOST_PAIRS: Final = 100
LONGEST_NAME: Final = 128
LONGEST_TEXT: Final = 1024
HEAVIEST: Final = 1000.0
FIGURES: Final = ("in_flight", "last_15_minutes", "last_15_minutes_latency")

_ID: Final = re.compile(r"[!-~][ -~]{0,199}\Z")
# host:port as gRPC wants it, or a URL; nothing that would begin another header, another query or a user's name.
_ENDPOINT: Final = re.compile(
    r"(?:(?:https?|grpcs?)://)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"(?P<port>:[0-9]{1,5})?(?P<path>/[A-Za-z0-9._~/-]*)?\Z"
)


def key_of(replica_id: str) -> str:
    """The key a registration is kept under."""
    return PREFIX + replica_id


def registration(document: Any) -> Replica:
    """The replica that a body of ``POST /register`` describes; ``ConfigurationError`` says what it lacks."""
    if not isinstance(document, Mapping):
        raise ConfigurationError("The body must be an object with replica_id, endpoint and capabilities.")
    draining = document.get("draining", False)
    if not isinstance(draining, bool):
        raise ConfigurationError("draining is true or false.")
    return Replica(
        id=_id(document.get("replica_id")),
        endpoint=checked_endpoint(document.get("endpoint")),
        capabilities=_capabilities(document.get("capabilities")),
        weight=_weight(document.get("weight", 1.0)),
        draining=draining,
    )


def _id(value: Any) -> str:
    if not isinstance(value, str) or not _ID.match(value):
        raise ConfigurationError("replica_id must be 1 to 200 printable ASCII characters.")
    return value


def checked_endpoint(value: Any) -> str:
    """An endpoint that can be asked: host:port, or a URL."""
    found = _ENDPOINT.match(value) if isinstance(value, str) and len(value) <= LONGEST_TEXT else None
    port = int(found["port"][1:]) if found and found["port"] else 1
    if found is None or not 0 < port < 65536:
        raise ConfigurationError('endpoint must be "host:port" or a URL of http, https, grpc or grpcs.')
    assert isinstance(value, str)
    return value


def _capabilities(value: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, list) or len(value) > MOST_CAPABILITIES or not all(map(_sound, value)):
        raise ConfigurationError(
            f"capabilities must be a list of at most {MOST_CAPABILITIES} objects, each of at most {MOST_PAIRS} pairs "
            f"of a name (up to {LONGEST_NAME} characters) and a value (up to {LONGEST_TEXT})."
        )
    return tuple(value)


def _sound(capability: Any) -> bool:
    if not isinstance(capability, dict) or len(capability) > MOST_PAIRS:
        return False
    return all(len(name) <= LONGEST_NAME and len(str(held)) <= LONGEST_TEXT for name, held in capability.items())


def _weight(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= HEAVIEST:
        raise ConfigurationError(f"weight must be a number above 0 and up to {HEAVIEST:g}.")
    return float(value)


def figures(document: Any) -> dict[str, Any]:
    """What a replica counts, as ``RequestCounterMiddleware`` tells it; ``ConfigurationError`` for anything else."""
    stats = document.get("request_stats", {}) if isinstance(document, Mapping) else None
    if not isinstance(stats, Mapping) or not all(map(_is_figure, (stats.get(name, 0) for name in FIGURES))):
        raise ConfigurationError(f'Figures are {{"request_stats": {{...}}}} with numbers for {", ".join(FIGURES)}.')
    known = {name: stats[name] for name in FIGURES if name in stats}
    return {"request_stats": known} if known else {}


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1e15


def told(replica: Replica) -> dict[str, Any]:
    """What others are told of a replica: the documented fields, and what is out of the ordinary."""
    document: dict[str, Any] = {
        "replica_id": replica.id,
        "endpoint": replica.endpoint,
        "capabilities": list(replica.capabilities),
    }
    if replica.weight != 1.0:
        document["weight"] = replica.weight
    if replica.draining:
        document["draining"] = True
    return document


def told_in_full(replica: Replica) -> dict[str, Any]:
    """The same for those who look after replicas: also who holds it, and since when."""
    figures = {"data": dict(replica.data)} if replica.data else {}
    return {**told(replica), "holder": replica.holder, "since": replica.since, **figures}


def encoded(replica: Replica) -> bytes:
    """What is kept."""
    return json.dumps({**told_in_full(replica), "token": replica.token, "edition": replica.edition}).encode()


def decoded(raw: bytes) -> Replica | None:
    """The replica that is kept in ``raw``; None for what is no registration."""
    try:
        document = json.loads(raw)
        replica = registration(document)
        return Replica(
            id=replica.id,
            endpoint=replica.endpoint,
            capabilities=replica.capabilities,
            weight=replica.weight,
            draining=replica.draining,
            holder=str(document["holder"]),
            token=int(document["token"]),
            edition=int(document.get("edition", 0)),
            data=figures(document.get("data") or {}),
            since=float(document.get("since", 0.0)),
        )
    except (ValueError, KeyError, TypeError):
        return None
