"""What all calls of one client share."""

from collections.abc import Callable
from dataclasses import dataclass

from creative_services.core.clock import Clock
from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import GuardsCalls, LLMRegistry
from creative_services.llms.accounts import Accounts
from creative_services.llms.bell import Bell
from creative_services.llms.health import Health
from creative_services.llms.shelf import Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long and how often, in seconds and times."""

    timeout: float = 300.0  # for a whole call, every try included
    attempt_timeout: float | None = None  # for one try; None: half of what is left while another entry waits
    idle_timeout: float = 60.0  # between two pieces of a stream
    max_retries: int = 2  # of an entry that has no other beside it

    def __post_init__(self) -> None:
        for name in ("timeout", "attempt_timeout", "idle_timeout"):
            seconds = getattr(self, name)
            if seconds is None and name == "attempt_timeout":
                continue
            if not isinstance(seconds, int | float) or not seconds > 0:
                raise ConfigurationError(f"Patience: {name} is a number of seconds above 0; got {seconds!r}.")
        if not isinstance(self.max_retries, int) or self.max_retries < 0:
            raise ConfigurationError(f"Patience: max_retries is a whole number from 0; got {self.max_retries!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The registry that is asked, the providers that reach, the health that is known, the accounts, the listeners."""

    registry: LLMRegistry
    shelf: Shelf
    health: Health
    accounts: Accounts
    bell: Bell
    clock: Clock
    chance: Callable[[], float]
    patience: Patience
    guard: GuardsCalls | None = None
