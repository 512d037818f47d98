"""Servers by model: who serves it, who is asked next, and what was learned from the answers."""

from collections.abc import Callable, Mapping, Sequence
from random import random
from typing import Final

from creative_services.core.balancing import RULES, BalancingRules
from creative_services.core.clock import Clock
from creative_services.core.errors import NoReplicaError
from creative_services.core.replicas import MODEL_FIELD, Replica, of_server
from creative_services.core.store import KeyValueStore
from creative_services.replicas.balancer import Balancer
from creative_services.replicas.records import Record
from creative_services.replicas.registry import LEASE, ServerRegistry
from creative_services.replicas.view import RosterView

# The original's name for servers that say nothing about their model.
DEFAULT_MODEL: Final = "default"
_NONE: Final[Mapping[str, Sequence[Record]]] = {}


class ModelRegistry(ServerRegistry):
    """The roster by model, kept at hand, with a balancer for each model.

    The roster is read anew every few seconds while it is used. ``cache_ttl`` is for how many seconds the last good one
    is served when the store does not answer; ``service_type`` is the metadata field that names the model.
    """

    def __init__(
        self,
        store: KeyValueStore,
        max_history: int = 3600,
        cache_ttl: float = 300,
        *,
        service_type: str = MODEL_FIELD,
        lease: float = LEASE,
        host: str | None = None,
        clock: Clock | None = None,
        chance: Callable[[], float] = random,
        rules: BalancingRules = RULES,
    ) -> None:
        super().__init__(store, max_history, lease=lease, host=host, clock=clock)
        self.cache_ttl = cache_ttl
        self.service_type = service_type
        self.chance, self._rules = chance, rules
        self._balancers: dict[str, Balancer] = {}
        self._handed_out: dict[str, str] = {}
        self._models: Mapping[str, list[Record]] = {}
        self._records: dict[str, Record] = {}
        self._settled = -1
        lasts = min(lease, cache_ttl)
        self.view = RosterView(self._replicas, self._clock, fresh=lasts / 3, lasts=lasts, keeps=max(cache_ttl, lasts))

    async def models(self, force: bool = False) -> dict[str, list[Record]]:
        """The records of the living servers by model."""
        if force:
            self.view.expire()
        await self._fresh()
        return {model: [dict(record) for record in records] for model, records in self._models.items()}

    async def get(self, model: str, force: bool = False) -> str:
        """The endpoint to ask next. ``NoReplicaError``, which is a ``ValueError``, when nobody serves the model."""
        balancer = await self.balancer(model, force=force)
        uri = balancer.choose()
        if uri is None:
            raise await self._nobody(model)
        self._handed_out[uri] = model
        return uri

    async def get_all(self, model: str, n: int | None = None, force: bool = False) -> list[str]:
        """Different endpoints that serve the model, all or ``n``, first choice first; none when nobody does."""
        balancer = await self.balancer(model, force=force)
        chosen = balancer.ranked(len(balancer.pool) if n is None else n)
        self._handed_out.update(dict.fromkeys(chosen, model))
        return chosen

    def report_latency(
        self, uri: str, response_time: float, success: bool = True, *, model: str | None = None, refused: bool = False
    ) -> None:
        """How a call went. Without ``model`` it is the one that ``uri`` was last handed out for."""
        where = uri.rstrip("/")
        named = model if model is not None else self._handed_out.get(where)
        for name in [named] if named is not None else self._models_of(where):
            balancer = self._balancer(name)
            if success:
                balancer.succeeded(where, response_time)
            else:
                balancer.failed(where, response_time, refused=refused)

    def invalidate_cache(self, model: str | None = None) -> None:
        """Read the roster anew before the next answer. What was learned about servers stays."""
        self.view.expire()

    async def balancer(self, model: str, *, force: bool = False) -> Balancer:
        """The balancer of a model, with the servers that are there now."""
        if force:
            self.view.expire()
        await self._fresh()
        if model not in self._models and await self.view.look_again():
            self._settle()
        return self._balancer(model)

    async def _fresh(self) -> None:
        if not self.view.glance():
            await self.view.settle()
        if self._settled != self.view.version:
            self._settle()

    def _settle(self) -> None:
        by_model: dict[str, list[Replica]] = {}
        records: dict[str, list[Record]] = {}
        # Also of those whom the view keeps although the last reading had them not.
        self._records = {replica.id: self._records[replica.id] for replica in self.view.replicas}
        for replica in self.view.replicas:
            record = self._records[replica.id]
            model = str(record["metadata"].get(self.service_type, DEFAULT_MODEL))
            by_model.setdefault(model, []).append(replica)
            records.setdefault(model, []).append(record)
        self._models, self._settled = records, self.view.version
        for model in [*by_model, *(self._balancers.keys() - by_model.keys())]:
            self._balancer(model).settle(by_model.get(model, ()))
        uris = {replica.endpoint for replica in self.view.replicas}
        self._handed_out = {uri: model for uri, model in self._handed_out.items() if uri in uris}

    async def _replicas(self) -> Sequence[Replica]:
        living = [{**record, "uri": record["uri"].rstrip("/")} for record in await self._living()]
        self._records |= {record["server_id"]: record for record in living}
        return [of_server(record) for record in living]

    def _balancer(self, model: str) -> Balancer:
        known = self._balancers.get(model)
        if known is None:
            # One for a name that nobody serves is not kept: the names come from callers.
            known = Balancer(now=self._clock.now, chance=self.chance, rules=self._rules)
            if model in self._models:
                self._balancers[model] = known
        return known

    def _models_of(self, uri: str) -> list[str]:
        return [model for model, balancer in self._balancers.items() if uri in balancer.pool]

    async def _nobody(self, model: str) -> NoReplicaError:
        known = ", ".join(sorted(self._models)) or "none"
        return NoReplicaError(
            f"No server for the model {model!r} is on the roster of {getattr(self.store, 'name', 'the store')}. "
            f"Models there: {known}."
        )

    def _changed(self) -> None:
        self.view.expire()
