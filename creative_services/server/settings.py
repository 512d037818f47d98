"""How a server is set up, read from the environment once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from creative_services.config import flag, setting
from creative_services.core.errors import ConfigurationError
from creative_services.server.access.keys import KEYS_VARIABLE

_PREFIX: Final = "CREATIVE_SERVICES_GATEWAY_"
_MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One server's, the same in each of its workers."""

    state: Path
    ledger: Path | None  # None: usage is not kept
    redis_url: str | None = None
    workers: int = 1
    largest_body: int = 32 * _MEGABYTE
    most_calls: int = 10_000  # under way at once in one worker; past it callers are told to come back
    timeout: float = 300.0
    idle_timeout: float = 60.0
    drain_seconds: float = 1.0
    access_log: bool = False
    has_keys: bool = False

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """What the environment says; every variable is optional."""
        state = Path(setting(environ, "CREATIVE_SERVICES_STATE_DIR") or _default_state(environ)).expanduser()
        ledger = setting(environ, "CREATIVE_SERVICES_LEDGER") or str(state / "ledger.sqlite3")
        return cls(
            state=state,
            ledger=None if ledger.lower() in ("off", "none") else Path(ledger).expanduser(),
            redis_url=setting(environ, "REDIS_URL"),
            largest_body=_number(environ, "BODY_MB", 32, int) * _MEGABYTE,
            most_calls=_number(environ, "CALLS", 10_000, int),
            timeout=_number(environ, "TIMEOUT", 300.0, float),
            idle_timeout=_number(environ, "IDLE_TIMEOUT", 60.0, float),
            drain_seconds=_number(environ, "DRAIN", 1.0, float),
            access_log=flag(environ, f"{_PREFIX}ACCESS_LOG"),
            has_keys=setting(environ, KEYS_VARIABLE) is not None,
        )


def _default_state(environ: Mapping[str, str]) -> str:
    base = setting(environ, "XDG_STATE_HOME") or "~/.local/state"
    return f"{base}/creative-services"


def _number(environ: Mapping[str, str], name: str, otherwise: Any, read: Callable[[str], Any]) -> Any:
    written = setting(environ, _PREFIX + name)
    if written is None:
        return otherwise
    try:
        number = read(written)
    except ValueError:
        number = -1
    if number <= 0:
        raise ConfigurationError(f"{_PREFIX}{name}={written!r} is no number above 0.")
    return number
