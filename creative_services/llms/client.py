"""DynamicLLMClient: ask for a tier; the registry decides which model answers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import random
from types import TracebackType
from typing import Self, Unpack
from warnings import warn

from creative_services.core.breakers import DEFAULT_RULES, BreakerRules
from creative_services.core.budgets import Budget, BudgetStore
from creative_services.core.clock import Clock
from creative_services.core.completions import EmbeddingResponse, LLMResponse, Piece
from creative_services.core.errors import ConfigurationError
from creative_services.core.events import Listener
from creative_services.core.llm_registry import GuardsCalls, LLMRegistry
from creative_services.core.provider import Provider
from creative_services.core.wishes import Explanation
from creative_services.llms import batch, embedding, generating
from creative_services.llms.accounts import Accounts
from creative_services.llms.asking import CallOptions, understand, understand_wish
from creative_services.llms.bell import Bell
from creative_services.llms.blocking import iterate_blocking, loop_thread, run_blocking
from creative_services.llms.desk import Desk, Patience
from creative_services.llms.health import Health
from creative_services.llms.lookup import active_entries, checked
from creative_services.llms.plan import explain
from creative_services.llms.progress import Progress
from creative_services.llms.shelf import Shelf
from creative_services.llms.streaming import LLMStream
from creative_services.system_clock import SystemClock


class DynamicLLMClient:
    """Picks the cheapest active model of a tier, calls it, falls over when it fails, and says what it cost."""

    def __init__(
        self,
        registry: LLMRegistry,
        *,
        providers: Mapping[str, Provider] | None = None,
        listeners: Iterable[Listener] = (),
        budgets: Sequence[Budget] = (),
        budget_store: BudgetStore | None = None,
        patience: Patience | None = None,
        breaker_rules: BreakerRules = DEFAULT_RULES,
        clock: Clock | None = None,
    ) -> None:
        if not isinstance(patience, Patience | None):
            raise ConfigurationError(f"patience= is a record such as Patience(timeout=30); got {patience!r}.")
        clock = clock or SystemClock()
        self._desk = Desk(
            registry=checked(registry),
            shelf=Shelf(providers),
            health=Health(now=clock.now, chance=random, rules=breaker_rules),
            accounts=Accounts(budgets, budget_store),
            bell=Bell(listeners),
            clock=clock,
            chance=random,
            patience=patience or Patience(),
            guard=registry if isinstance(registry, GuardsCalls) else None,
        )

    @property
    def registry(self) -> LLMRegistry:
        """Where this client looks its entries up."""
        return self._desk.registry

    def listen(self, listener: Listener) -> None:
        """From the next event on, ``listener`` hears every one."""
        self._desk.bell.add(listener)

    def reset_health(self) -> None:
        """Close every breaker, for whoever has just mended a vendor or a key."""
        self._desk.health.reset()

    async def generate(self, prompt: str | None = None, **options: Unpack[CallOptions]) -> LLMResponse:
        """The whole answer to a prompt (or ``messages=[...]``), from a ``tier`` or one ``llm_id``."""
        return await generating.generate(self._desk, understand(prompt, options))

    def stream(self, prompt: str | None = None, **options: Unpack[CallOptions]) -> LLMStream:
        """The answer piece by piece; the last piece carries the response with usage and cost."""
        return LLMStream(self._desk, understand(prompt, options, streamed=True))

    async def embed(self, texts: Sequence[str], **options: Unpack[CallOptions]) -> EmbeddingResponse:
        """One vector per text, from an entry that has the capability ``embeddings``."""
        return await embedding.embed(self._desk, texts, options)

    async def generate_many(
        self,
        prompts: Iterable[str | batch.Item],
        *,
        concurrency: int = 32,
        progress: bool | Progress = False,
        journal: str | Path | None = None,
        **options: Unpack[CallOptions],
    ) -> list[batch.Result]:
        """Answers in the order of the prompts; a failed one is its error, and a journal lets a broken run go on."""
        return await batch.generate_many(
            self._desk, prompts, options, concurrency=concurrency, progress=progress, journal=journal
        )

    async def warm_up(self) -> None:
        """Import the SDKs of every active entry now, so that no caller waits for it; for servers at their start."""
        for entry in await active_entries(self._desk.registry):
            if not self._desk.shelf.has(entry):
                await self._desk.shelf.fetch(entry)

    async def aexplain(self, **options: Unpack[CallOptions]) -> Explanation:
        """Every candidate of a wish (``tier=..., needs=...``) with the reason it wins or loses."""
        return await explain(self._desk.registry, understand_wish(options), self._desk.health)

    def explain(self, **options: Unpack[CallOptions]) -> Explanation:
        """``aexplain`` for code without an event loop."""
        return run_blocking(self.aexplain(**options))

    def generate_sync(self, prompt: str | None = None, **options: Unpack[CallOptions]) -> LLMResponse:
        """``generate`` for code without an event loop."""
        return run_blocking(self.generate(prompt, **options))

    def stream_sync(self, prompt: str | None = None, **options: Unpack[CallOptions]) -> Iterator[Piece]:
        """``stream`` for code without an event loop."""
        return iterate_blocking(self.stream(prompt, **options))

    def embed_sync(self, texts: Sequence[str], **options: Unpack[CallOptions]) -> EmbeddingResponse:
        """``embed`` for code without an event loop."""
        return run_blocking(self.embed(texts, **options))

    async def aclose(self) -> None:
        """Close every connection, those of the shared loop thread too. The client may be used again."""
        await self._desk.shelf.aclose()
        await loop_thread.also(self._desk.shelf.aclose)
        self._desk.shelf.forget()

    def close(self) -> None:
        """``aclose`` for code without an event loop."""
        run_blocking(self.aclose())

    # ``warn`` is bound here because at the interpreter's end a module's names are gone before its objects.
    def __del__(self, warn: Callable[..., None] = warn) -> None:
        if getattr(self, "_desk", None) is not None and self._desk.shelf.in_use:
            warn("A DynamicLLMClient was dropped without aclose(); use `async with`.", ResourceWarning, stacklevel=2)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
