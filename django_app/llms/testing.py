"""For the tests of projects: ``override_llms`` puts entries of your choice behind every ``DjangoLLMRegistry``."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from creative_services.adapters import django_feed
from creative_services.adapters.django_reading import Held, Reading, Revision
from creative_services.core.llm_registry import LLMEntry

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class override_llms:  # noqa: N801 - named like Django's own override_settings
    """Only these entries exist, for a block, a test function (``async`` too) or all tests of a class::

        @override_llms(LLMEntry(id=1, name="Fake", provider="offline", model="echo", tier="standard"))
        def test_story(self): ...

    No database is needed, and none is asked.
    """

    def __init__(self, *entries: LLMEntry) -> None:
        self._reading = Reading(revision=Revision(), entries=entries)
        self._shown: list[Held] = []

    def __enter__(self) -> Self:
        held = Held.of(self._reading, datetime.now(UTC))
        self._shown.append(held)
        django_feed.override(held)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        django_feed.restore(self._shown.pop())

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, decorated: Decorated) -> Decorated:
        """Decorate a function, a coroutine function, or each test method of a class."""
        if isinstance(decorated, type):
            for name in dir(decorated):
                if name.startswith("test") and callable(method := getattr(decorated, name)):
                    setattr(decorated, name, self(method))
            return decorated
        around = self._around_coroutine if iscoroutinefunction(decorated) else self._around
        return cast("Decorated", around(decorated))

    def _around(self, function: Any) -> Any:
        @wraps(function)
        def within(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return within

    def _around_coroutine(self, function: Any) -> Any:
        @wraps(function)
        async def within(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return within
