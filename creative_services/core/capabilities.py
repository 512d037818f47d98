"""What a replica can do, and which replicas can do what is asked: a subset rule, and an index that makes it cheap."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

Value = object
Capability = Mapping[str, Value]
Pair = tuple[str, str, object]  # name, kind of value, value

# Wishes remembered with their answer. A service is asked the same few over and over; strangers' inventions must not
# fill its memory.
MOST_WISHES: Final = 512


def meaning(name: str, value: Value) -> Pair | None:
    """A capability's pair as it is compared; None for a list or an object, which no query can name."""
    if isinstance(value, bool):
        return (name, "truth", value)
    if isinstance(value, int | float):
        return (name, "number", value)
    if isinstance(value, str):
        return (name, "text", value)
    return (name, "nothing", None) if value is None else None


def readings(name: str, text: str) -> tuple[Pair, ...]:
    """What ``name=text`` in a query may mean: the text, and the number or truth that it spells.

    A replica that registered the text "1.10" is not found by ``1.1``, one that registered the number 1.1 is.
    """
    found: list[Pair] = [(name, "text", text)]
    if text.lower() in ("true", "false"):
        found.append((name, "truth", text.lower() == "true"))
    elif text in ("null", "None"):
        found.append((name, "nothing", None))
    elif (number := _number(text)) is not None:
        found.append((name, "number", number))
    return tuple(found)


def _number(text: str) -> int | float | None:
    # Beyond this an integer costs more to read than a query may.
    if len(text) > 40 or not text.isascii() or "_" in text:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def as_text(value: Value) -> str:
    """A value as a query writes it."""
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def wish_of(wanted: Mapping[str, Value]) -> tuple[tuple[str, str], ...]:
    """A wish as pairs of text, in one order."""
    return tuple(sorted((name, as_text(value)) for name, value in wanted.items()))


def satisfies(capability: Capability, wish: Iterable[tuple[str, str]]) -> bool:
    """The rule: every pair of the wish is in this one capability."""
    return all(name in capability and meaning(name, capability[name]) in readings(name, text) for name, text in wish)


def matches(capabilities: Iterable[Capability], wish: Sequence[tuple[str, str]]) -> bool:
    """Whether a single one of the capabilities holds the whole wish; two that hold half each do not."""
    return any(satisfies(capability, wish) for capability in capabilities)


class Pool:
    """Names in no order: adding, removing and picking by number take the same time for ten and for ten thousand."""

    __slots__ = ("_places", "names")

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = list(names)
        self._places = {name: place for place, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def add(self, name: str) -> None:
        """Take ``name`` in."""
        if name not in self._places:
            self._places[name] = len(self.names)
            self.names.append(name)

    def discard(self, name: str) -> None:
        """Let ``name`` go; the last one takes its place."""
        place = self._places.pop(name, None)
        if place is not None:
            last = self.names.pop()
            if last != name:
                self.names[place] = last
                self._places[last] = place


Wish = tuple[tuple[str, str], ...]
_NOBODY: Final = Pool()


class CapabilityIndex:
    """Who has which capabilities, indexed by pair when written, so that a look-up does not grow with their number."""

    __slots__ = ("_by_pair", "_everyone", "_known", "_watched", "_wishes")

    def __init__(self) -> None:
        self._known: dict[str, tuple[Capability, ...]] = {}
        self._everyone = Pool()
        self._by_pair: dict[Pair, Pool] = {}
        self._wishes: dict[Wish, Pool] = {}
        # The wishes whose answer may change with a replica that has the pair.
        self._watched: dict[Pair, set[Wish]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def put(self, name: str, capabilities: Iterable[Capability]) -> None:
        """``name`` has these capabilities, and none of those it had before."""
        self.drop(name)
        self._known[name] = held = tuple(capabilities)
        self._everyone.add(name)
        for pair in _pairs(held):
            self._by_pair.setdefault(pair, Pool()).add(name)
        for wish in self._concerned(held):
            if matches(held, wish):
                self._wishes[wish].add(name)

    def drop(self, name: str) -> None:
        """``name`` is gone."""
        held = self._known.pop(name, None)
        if held is None:
            return
        self._everyone.discard(name)
        for wish in self._concerned(held):
            self._wishes[wish].discard(name)
        for pair in _pairs(held):
            pool = self._by_pair[pair]
            pool.discard(name)
            if not pool:
                del self._by_pair[pair]

    def find(self, wish: Wish) -> Pool:
        """Everyone who satisfies the wish; nobody may change what is returned. The empty wish is everyone's."""
        if not wish:
            return self._everyone
        found = self._wishes.get(wish)
        return self._remembered(wish) if found is None else found

    def _remembered(self, wish: Wish) -> Pool:
        if len(self._wishes) >= MOST_WISHES:
            self._forget(next(iter(self._wishes)))
        # The rarest condition has the fewest to look at.
        rarest = min((self._having(name, text) for name, text in wish), key=len)
        found = self._wishes[wish] = Pool(name for name in rarest if matches(self._known[name], wish))
        for pair in readings(*wish[0]):
            self._watched.setdefault(pair, set()).add(wish)
        return found

    def _having(self, name: str, text: str) -> list[str]:
        # A replica may have the pair as text in one capability and as a number in another.
        pools = [self._by_pair.get(pair, _NOBODY).names for pair in readings(name, text)]
        return list(dict.fromkeys(found for pool in pools for found in pool))

    def _forget(self, wish: Wish) -> None:
        del self._wishes[wish]
        for pair in readings(*wish[0]):
            self._watched[pair].discard(wish)
            if not self._watched[pair]:
                del self._watched[pair]

    def _concerned(self, held: tuple[Capability, ...]) -> set[Wish]:
        return {wish for pair in _pairs(held) for wish in self._watched.get(pair, ())}


def _pairs(capabilities: Iterable[Capability]) -> set[Pair]:
    pairs = (meaning(name, value) for capability in capabilities for name, value in capability.items())
    return {pair for pair in pairs if pair is not None}
