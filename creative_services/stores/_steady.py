"""The time of a whole computer, for what its processes leave to each other on disk: it does not jump.

Wall clocks are set forward and back, and monotonic ones mean nothing after a restart. So the first process that uses a
store writes down how far the two were apart, and until the next boot everybody adds that to the monotonic clock.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from creative_services.core.clock import Clock

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
# Containers may see a monotonic clock of their own; then they are another computer to us.
_CLOCKS: Final = Path("/proc/self/ns/time")


def this_boot() -> str:
    """A name that changes with every boot of this computer; empty where none can be had."""
    try:
        boot = _BOOT.read_text().strip()
    except OSError:
        return ""
    try:
        return f"{boot}-{_CLOCKS.readlink().name.strip('time:[]')}"
    except OSError:
        return boot


class SteadyTime:
    """Seconds since 1970 as this boot of this computer counts them."""

    __slots__ = ("_agree", "_boot", "_clock", "_offset")

    def __init__(self, clock: Clock, agree: Callable[[str, float], float], boot: str | None = None) -> None:
        """``agree(boot, offset)`` remembers the first offset proposed for a boot, and answers it ever after."""
        self._clock, self._agree = clock, agree
        self._boot = this_boot() if boot is None else boot
        self._offset: float | None = None

    def now(self) -> float:
        """The moment, comparable among the processes of this computer."""
        if not self._boot:
            return self._clock.utcnow().timestamp()
        return self._settled() + self._clock.now()

    def _settled(self) -> float:
        """Agree on the offset, the first time."""
        if self._offset is None:
            apart = self._clock.utcnow().timestamp() - self._clock.now()
            self._offset = self._agree(self._boot, apart) if self._boot else apart
        return self._offset
