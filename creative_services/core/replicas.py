"""A replica: one running server that can be asked, for as long as its lease lasts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from creative_services.core.capabilities import Capability, Wish, as_text, matches, meaning
from creative_services.core.leases import Lease, granted

# The original registry groups servers by this field of their metadata.
MODEL_FIELD: Final = "model_path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """Who can be asked, where, and for what. ``token`` tells two registrations of one id apart: the higher is newer."""

    id: str
    endpoint: str
    capabilities: tuple[Capability, ...] = ()
    weight: float = 1.0  # twice the weight, twice the load
    draining: bool = False  # known, but asked no more
    holder: str = ""  # who keeps it alive; empty when it does so itself
    token: int = 0
    edition: int = 0  # of one registration: what changes is never mistaken for what it was before
    since: float = 0.0  # when it registered, by the wall clock of who holds it; 0 when nobody noted it
    data: Mapping[str, Any] = field(default_factory=dict)

    def drained(self, draining: bool = True) -> "Replica":
        """The same, asked no more; or again."""
        return replace(self, draining=draining, edition=self.edition + 1)

    def counting(self, data: Mapping[str, Any]) -> "Replica":
        """The same with new figures of its own."""
        return replace(self, data=data, edition=self.edition + 1)

    def differs_by_figures(self, other: "Replica") -> bool:
        """Whether only what it counts is another: nothing that a route depends on."""
        return replace(self, data=other.data, edition=other.edition) == other

    def precedes(self, other: "Replica") -> bool:
        """Whether ``other`` is a later registration of the same id, or a later state of this one."""
        return (self.token, self.edition) < (other.token, other.edition)

    def succeeding(self, other: "Replica | None", now: float, seconds: float, *, above: int = 0) -> "Replica":
        """This replica registered after ``other`` of the same id: whoever comes last has the place.

        Its token is higher than the other's and than ``above``: one that was given out is never given out again.
        """
        before = Lease(subject=other.id, holder=other.holder, expires_at=now, token=other.token) if other else None
        lease = granted(before, subject=self.id, holder=self.holder, now=now, seconds=seconds, above=above)
        assert lease is not None, "a lease that ends now stands in nobody's way"
        return replace(self, token=lease.token)


def weight_in(metadata: Mapping[str, Any]) -> float:
    """The weight that metadata name; 1 when they name none that is one."""
    weight = metadata.get("weight", 1.0)
    usable = isinstance(weight, int | float) and not isinstance(weight, bool) and 0 < weight < float("inf")
    return float(weight) if usable else 1.0


def of_server(document: Mapping[str, Any]) -> Replica:
    """A record of the server registry as a replica: its metadata are its one capability.

    ``model`` is another name of ``model_path``, so that one query finds servers of both kinds of registration.
    """
    metadata = document["metadata"]
    also = {"model": metadata[MODEL_FIELD]} if MODEL_FIELD in metadata else {}
    return Replica(
        id=document["server_id"],
        endpoint=document["uri"],
        capabilities=({**also, **metadata},),
        weight=weight_in(metadata),
        draining=document["status"] == "draining",
        data=document.get("data") or {},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What nobody could do any more; ``alone`` are those of its pairs that nobody would have in any company."""

    wish: Wish
    alone: Wish


def losses(leaving: Replica, roster: Collection[Replica]) -> list[Loss]:
    """What would be asked in vain if ``leaving`` were asked no more. One that drains already takes nothing along."""
    if leaving.draining:
        return []
    others = [each for each in roster if each.id != leaving.id and not each.draining]

    def missing(wish: Wish) -> bool:
        return not any(matches(other.capabilities, wish) for other in others)

    wishes = dict.fromkeys(nameable(capability) for capability in leaving.capabilities)
    return [Loss(wish=wish, alone=tuple(pair for pair in wish if missing((pair,)))) for wish in wishes if missing(wish)]


def nameable(capability: Capability) -> Wish:
    """The wish that asks for all of a capability that a query can name."""
    return tuple(sorted((name, as_text(value)) for name, value in capability.items() if meaning(name, value)))
