"""How a server is set up, read from the environment once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from creative_services.config import did_you_mean, flag, setting
from creative_services.core.errors import ConfigurationError
from creative_services.server.access.keys import KEYS_VARIABLE

_PREFIX: Final = "CREATIVE_SERVICES_GATEWAY_"
_MEGABYTE: Final = 1024 * 1024
STATE_VARIABLE: Final = "CREATIVE_SERVICES_STATE_DIR"
LEDGER_VARIABLE: Final = "CREATIVE_SERVICES_LEDGER"
REDIS_VARIABLE: Final = "REDIS_URL"

_MOST: Final = 1e9  # neither infinity nor a number that no clock knows

# Every variable read here: what holds without it, and what it says. Pages print this table.
VARIABLES: Final[Mapping[str, tuple[str, str]]] = {
    KEYS_VARIABLE: ("none", "The keys of your callers; without any only this machine may call."),
    STATE_VARIABLE: ("~/.local/state/creative-services", "Where spools, finished answers and figures are kept."),
    LEDGER_VARIABLE: ("ledger.sqlite3 in there", "The file of the ledger; 'off' keeps none."),
    REDIS_VARIABLE: ("none", "The Redis through which workers and machines share limits and budgets."),
    f"{_PREFIX}ACCESS_LOG": ("off", "'on' writes a line to the log for every request."),
    f"{_PREFIX}BODY_MB": ("32", "The largest body that is read, in MiB."),
    f"{_PREFIX}CALLS": ("10000", "Calls under way at once in one worker; past it callers are told to come back."),
    f"{_PREFIX}TIMEOUT": ("300", "Seconds for a whole call, every try included."),
    f"{_PREFIX}IDLE_TIMEOUT": ("60", "Seconds a stream may be silent."),
    f"{_PREFIX}DRAIN": ("1", "Seconds between the word to stop and the last new connection."),
}
# What Kubernetes sets for a Service that is called as we are.
_FOREIGN: Final = re.compile(rf"{_PREFIX}(?:SERVICE_|PORT(?:_|$))")


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
        _refuse_unknown(environ)
        state = Path(setting(environ, STATE_VARIABLE) or _default_state(environ)).expanduser()
        ledger = setting(environ, LEDGER_VARIABLE) or str(state / "ledger.sqlite3")
        return cls(
            state=state,
            ledger=None if ledger.lower() in ("off", "none") else Path(ledger).expanduser(),
            redis_url=_redis_url(environ),
            largest_body=_number(environ, "BODY_MB", 32, int) * _MEGABYTE,
            most_calls=_number(environ, "CALLS", 10_000, int),
            timeout=_number(environ, "TIMEOUT", 300.0, float),
            idle_timeout=_number(environ, "IDLE_TIMEOUT", 60.0, float),
            drain_seconds=_number(environ, "DRAIN", 1.0, float),
            access_log=flag(environ, f"{_PREFIX}ACCESS_LOG"),
            has_keys=setting(environ, KEYS_VARIABLE) is not None,
        )


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    for name in environ:
        if name.startswith(_PREFIX) and name not in VARIABLES and not _FOREIGN.match(name):
            ours = [known for known in VARIABLES if known.startswith(_PREFIX)]
            raise ConfigurationError(f"Nothing reads {name}.{did_you_mean(name, ours)}")


def _redis_url(environ: Mapping[str, str]) -> str | None:
    url = setting(environ, REDIS_VARIABLE)
    if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
        raise ConfigurationError(
            f"{REDIS_VARIABLE} is no address of a Redis: one begins with redis://, rediss:// or unix://."
        )
    return url


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
    if not 0 < number < _MOST:
        raise ConfigurationError(f"{_PREFIX}{name}={written!r} is no number above 0.")
    return number
