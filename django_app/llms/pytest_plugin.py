"""The fixture for pytest: ``def test_story(override_llms): override_llms(entry, ...)``."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from creative_services.core.llm_registry import LLMEntry


@pytest.fixture
def override_llms() -> "Iterator[Callable[..., None]]":
    """Call it with entries: until the test ends, only they exist for every ``DjangoLLMRegistry``."""
    with ExitStack() as stack:

        def use(*entries: "LLMEntry") -> None:
            from django_app.llms.testing import override_llms as override

            stack.enter_context(override(*entries))

        yield use
