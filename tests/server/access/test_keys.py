"""Keys: from the environment, in a ring, followed."""

import asyncio
from collections.abc import Hashable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from creative_services.core.access import KeyRecord, KeyScope, KeySnapshot
from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMTier
from creative_services.server.access.key_follower import KeyFollower
from creative_services.server.access.keys import KeyRing, digest_of, keys_from
from creative_services.testing import SteppingClock
from tests.server.house import KEY, House

SECRET = "a-long-enough-secret-1"


def named(written: str) -> KeySnapshot:
    return keys_from({"CREATIVE_SERVICES_GATEWAY_KEYS": written})


class TestFromTheEnvironment:
    def test_a_key_alone(self) -> None:
        (record,) = named(SECRET).by_digest.values()
        assert (record.id, record.owner, record.tiers, record.scopes) == ("key-1", "", None, None)
        assert record.digest == digest_of(SECRET)

    def test_with_everything(self) -> None:
        limits = "rpm=60; tpm=9000; tiers=economy+local; scopes=chat+models; day=1.5; month=20; until=2030-01-01"
        written = f"alice={SECRET}; {limits}"
        (record,) = named(written).by_digest.values()
        assert (record.id, record.requests_per_minute, record.tokens_per_minute) == ("alice", 60, 9000)
        assert record.tiers == {LLMTier.ECONOMY, LLMTier.LOCAL}
        assert record.scopes == {KeyScope.CHAT, KeyScope.MODELS}
        assert (record.budget_per_day, record.budget_per_month) == (Decimal("1.5"), Decimal(20))
        assert record.expires_at == datetime(2030, 1, 1, tzinfo=UTC)

    def test_several_on_lines_and_behind_commas(self) -> None:
        snapshot = named(f"{SECRET}a,\n bob={SECRET}b ,\n\n sha256:{digest_of('x').hex()}")
        assert [record.id for record in snapshot.by_digest.values()] == ["key-1", "bob", "key-3"]

    def test_a_hashed_key_is_the_key(self) -> None:
        assert KeyRing(named(f"eve=sha256:{digest_of(SECRET).hex()}")).find(SECRET.encode()) is not None

    def test_a_key_in_base64(self) -> None:
        assert KeyRing(named("c2VjcmV0LXNlY3JldC1zZWNyZXQ==")).find(b"c2VjcmV0LXNlY3JldC1zZWNyZXQ==") is not None

    @pytest.mark.parametrize(
        ("written", "words"),
        [
            ("short", "at least 16"), ("ä" * 20, "at least 16"), (f"{SECRET};rpm=many", "cannot be read"),
            (f"{SECRET};colour=red", "unknown option"), (f"{SECRET};tiers=gold", "cannot be read"),
            (f"{SECRET};scopes=all", r"as in scopes=chat\+embeddings"), (f"{SECRET};scopes=", "cannot be read"),
            ("sha256:zz", "64 hexadecimal"), (f"{SECRET},{SECRET}", "the same key"), (f"{SECRET};day=x", "day"),
            (f"bob={SECRET}a,bob={SECRET}b", "two keys are called 'bob'"), (f"{SECRET};rpm=0", "lets nothing through"),
        ],
    )  # fmt: skip
    def test_a_mistake_says_what_and_not_the_key(self, written: str, words: str) -> None:
        with pytest.raises((ConfigurationError, ValueError), match=words) as caught:
            named(written)
        assert SECRET not in str(caught.value)

    def test_no_repr_shows_a_digest(self) -> None:
        snapshot = named(SECRET)
        assert digest_of(SECRET).hex() not in repr(snapshot.by_digest.values())


class ScriptedFeed:
    """Says what it is told to."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.known: list[Hashable] = []

    async def fetch(self, known: Hashable) -> KeySnapshot | None:
        self.known.append(known)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        assert answer is None or isinstance(answer, KeySnapshot)
        return answer


def snapshot(revision: int, *keys: str) -> KeySnapshot:
    return KeySnapshot.of([KeyRecord(id=key, digest=digest_of(key)) for key in keys], revision=revision)


class TestFollowing:
    async def test_it_begins_with_what_the_feed_says(self) -> None:
        ring, feed = KeyRing(KeySnapshot.of(())), ScriptedFeed(snapshot(1, "a"))
        follower = KeyFollower(ring, feed, SteppingClock())
        await follower.start()
        assert ring.find(b"a") is not None
        await follower.stop()

    async def test_a_change_takes_the_place_of_everything_before(self) -> None:
        ring, feed = KeyRing(snapshot(1, "a")), ScriptedFeed(None, snapshot(2, "b"))
        follower = KeyFollower(ring, feed, SteppingClock())
        await follower.look()
        assert ring.find(b"a") is not None
        await follower.look()
        assert ring.find(b"a") is None
        assert ring.find(b"b") is not None
        assert feed.known == [1, 1]

    async def test_a_feed_that_cannot_be_asked_changes_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        ring = KeyRing(snapshot(1, "a"))
        clock = SteppingClock()
        follower = KeyFollower(ring, ScriptedFeed(OSError("away"), OSError("away"), None), clock)
        for _ in range(2):
            clock.advance(1.0)
            await follower.look()
        assert ring.find(b"a") is not None
        assert follower.stale_for == 2.0
        assert sum("away" in record.message for record in caplog.records) == 1
        await follower.look()
        assert follower.stale_for == 0.0

    async def test_without_a_first_word_nobody_is_let_in_by_mistake(self) -> None:
        with pytest.raises(OSError, match="away"):
            await KeyFollower(KeyRing(KeySnapshot.of(())), ScriptedFeed(OSError("away")), SteppingClock()).start()


class Managed:
    """Keys that somebody manages elsewhere."""

    def __init__(self) -> None:
        self.current = snapshot(1, KEY)

    async def fetch(self, known: Hashable) -> KeySnapshot | None:
        return None if known == self.current.revision else self.current


async def test_a_revoked_key_is_refused_within_a_second(open_house: Any) -> None:
    managed = Managed()
    house: House = await open_house(keys=None, feed=managed)
    assert (await house.ask()).status == 200
    managed.current = snapshot(2, "another-key-altogether")
    await asyncio.sleep(1.0)
    assert (await house.ask()).status == 401
    assert (await house.ask(key="another-key-altogether")).status == 200


async def test_an_expired_key(open_house: Any) -> None:
    house: House = await open_house(keys=f"{KEY};until=2020-01-01")
    said = await house.ask()
    assert said.status == 401
    assert "expired at 2020-01-01" in said.document["error"]["message"]


async def test_tiers_a_key_may_not_have(open_house: Any) -> None:
    house: House = await open_house(keys=f"{KEY};tiers=economy+local")
    assert (await house.ask(model="economy")).status == 200
    for model in ("standard", "tier:premium", "llm:2", "Claude", "claude-mid"):
        said = await house.ask(model=model)
        assert said.status == 403, model
        assert "economy, local" in said.document["error"]["message"]
    listed = await house.ask("/v1/models", method="GET")
    assert [row["id"] for row in listed.document["data"]][:2] == ["economy", "local"]
    assert "claude-mid" not in listed.body.decode()


async def test_without_keys_everybody_here_may_call(open_house: Any) -> None:
    house: House = await open_house(keys=None)
    assert (await house.ask(key=None)).status == 200
    assert (await house.ask(key="whatever")).status == 200
