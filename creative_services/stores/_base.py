"""What our stores have in common: a name for people, and an end."""

from types import TracebackType
from typing import Self


class Base:
    """``async with`` closes the store at the end of the block."""

    name: str

    async def aclose(self) -> None:
        """Let go of connections and threads; the store may be used again, and opens them anew."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"
