"""What a command works with: the registry of this environment, and a client over it."""

from collections.abc import Coroutine, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from creative_services.config import CONFIG_VARIABLE, environment
from creative_services.llms.dict_registry import DictRegistry
from creative_services.system_clock import SystemClock

if TYPE_CHECKING:
    from creative_services.llms.client import DynamicLLMClient

T = TypeVar("T")


def environment_with(config: Path | None) -> Mapping[str, str]:
    """The process environment, with the file of ``--config`` in its place."""
    return {**environment(), CONFIG_VARIABLE: str(config)} if config else environment()


def open_registry(config: Path | None, *, demo: bool) -> DictRegistry:
    """The entries of this environment, or the offline ones."""
    if demo:
        from creative_services.cli.demo import demo_entries

        return DictRegistry(demo_entries())
    return DictRegistry.from_env(environment_with(config))


def open_client(config: Path | None, *, demo: bool) -> "DynamicLLMClient":
    """A client whose calls are logged; ``--verbose`` shows the log."""
    # Imported here: a listing needs no event loop, which is most of what the client costs to load.
    from creative_services.llms.client import DynamicLLMClient
    from creative_services.telemetry.logs import LogListener

    return DynamicLLMClient(open_registry(config, demo=demo), listeners=[LogListener()])


def run(work: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result; Ctrl-C cancels it first, so that a vendor is not left answering."""
    import asyncio  # a third of what a listing would cost to start

    return asyncio.run(work)


def today() -> date:
    """The date, for retirements."""
    return SystemClock().today()


def only_said(**options: Any) -> Any:
    """The options that were given; the rest are the library's to choose."""
    return {name: value for name, value in options.items() if value is not None}
