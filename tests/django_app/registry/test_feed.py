"""When a commit waits for this process to see it."""

from dataclasses import dataclass, field

from creative_services.adapters.django_feed import Feed
from creative_services.adapters.django_reading import Held, Pace, Reading, Revision
from creative_services.core.llm_registry import LLMEntry


@dataclass
class CommitsMeanwhile:
    """A source behind which somebody commits while its rows are read."""

    feed: Feed | None = None
    pace: Pace = field(default_factory=Pace)

    def revision(self) -> Revision:
        return Revision(1, 1)

    def read(self, revision: Revision, *, refresh: bool) -> Reading:
        assert self.feed is not None
        self.feed.committed()
        return Reading(revision=revision, entries=())

    async def refusal(self, entry: LLMEntry) -> str | None:
        return None

    def announce(self, held: Held) -> None:
        """Nobody listens."""


@dataclass
class Counting:
    """A follower that is asked and does not look."""

    alive: bool = True
    asked: int = 0

    def look(self, timeout: float) -> None:
        self.asked += 1

    def stop(self) -> None:
        """Nothing runs."""


def test_a_commit_during_the_very_first_look_is_looked_for_again() -> None:
    source, follower = CommitsMeanwhile(), Counting()
    source.feed = feed = Feed("default", source)
    feed._follower = follower
    feed.committed()
    assert follower.asked == 0  # nobody here has looked anything up yet
    feed.look()
    assert follower.asked == 1
    feed.committed()
    assert follower.asked == 2
