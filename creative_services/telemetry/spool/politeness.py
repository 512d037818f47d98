"""Work in bulk beside calls that hurry."""

import os
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

# A tenth of a millisecond's work: shorter than anybody waits for, longer than the word itself takes by far.
_FEW: Final = 16

T = TypeVar("T")


def politely(items: Iterable[T]) -> Iterator[T]:
    """The items; between every few of them whoever waits for this core has it.

    Left to itself the kernel lets a task finish its turn of some milliseconds, also one that nobody waits for, and on a
    single core every hundredth call would wait for the ledger.
    """
    give_way = getattr(os, "sched_yield", None)
    for place, item in enumerate(items):
        if not place % _FEW and give_way is not None:
            give_way()
        yield item
