"""Folders and SQLite files under many processes, killed writers, full disks, damage and clocks that jump."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from creative_services.core.errors import ConfigurationError, StoreError, StoreTimedOutError
from creative_services.stores.file import FileSystemKVStore
from creative_services.stores.sqlite import SQLiteKVStore
from creative_services.testing import SteppingClock
from creative_services.testing.store_powers import mirrored, told

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]
MAKERS: dict[str, tuple[str, Callable[..., Any]]] = {
    "file": ("store", FileSystemKVStore),
    "sqlite": ("x.db", SQLiteKVStore),
}

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(params=MAKERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path(kind: str, tmp_path: Path) -> Path:
    return tmp_path / MAKERS[kind][0]


@pytest.fixture
def make(kind: str, path: Path) -> Callable[..., Any]:
    return lambda **options: MAKERS[kind][1](path, **options)


@pytest.fixture
def start(kind: str, path: Path) -> Iterator[Start]:
    """``start("count", "100")`` sets another process to work on the store."""
    started: list[subprocess.Popen[str]] = []

    def worker(*task: str) -> "subprocess.Popen[str]":
        command = [
            sys.executable,
            str(ROOT / "tests" / "stores" / "workers.py"),
            task[0],
            f"{kind}://{path}",
            *task[1:],
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
        return started[-1]

    yield worker
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


async def test_eight_processes_lose_no_increment(make: Callable[..., Any], start: Start) -> None:
    counting = [start("count", "25") for _ in range(8)]
    for process in counting:
        assert await asyncio.to_thread(process.wait) == 0
    async with make() as store:
        assert await store.get("count") == b"200"


async def test_a_writer_killed_in_the_middle_harms_nobody(make: Callable[..., Any], start: Start) -> None:
    async with make() as store:
        counting, scribbling = start("count", "10000"), start("scribble")
        for process in (counting, scribbling):
            assert process.stdout
            for _ in range(20):
                assert await asyncio.to_thread(process.stdout.readline) == "+\n"
            process.kill()
        told_before = (await asyncio.to_thread(counting.communicate))[0].count("+") + 20
        count = int(await store.get("count"))
        assert told_before <= count <= told_before + 1, "acknowledged ones, and at most the one under way"
        page = await store.get("page")
        assert (len(page), len(set(page))) == (100_000, 1)
        assert await store.swap("count", str(count), "0")


async def test_readers_meet_no_half_written_value(make: Callable[..., Any], start: Start) -> None:
    scribbling = start("scribble")
    assert scribbling.stdout
    assert await asyncio.to_thread(scribbling.stdout.readline) == "+\n"
    async with make() as store:
        for _ in range(200):
            page = (await store.read_many("page"))["page"]
            assert (len(page), len(set(page))) == (100_000, 1)


async def test_a_writer_that_hangs_costs_others_their_deadline_and_readers_nothing(
    make: Callable[..., Any], start: Start
) -> None:
    async with make(timeout=0.3) as store:
        await store.set("a", b"1")
        holding = start("hold")
        assert holding.stdout
        assert await asyncio.to_thread(holding.stdout.readline) == "+\n"
        for write in (
            store.set("a", b"2"),
            store.delete("a"),
            store.swap("a", b"1", b"2"),
            store.set_expiring("a", b"2", 60),
        ):
            with pytest.raises(StoreTimedOutError):
                await write
            assert await store.get("a") == b"1"
            assert await store.keys() == ["a"]
        holding.kill()
        await asyncio.to_thread(holding.wait)
        assert await store.set("a", b"2")


def test_a_full_disk_is_said_and_the_old_value_stays(start: Start) -> None:
    said = start("outgrow").communicate()[0].splitlines()
    assert said[0].startswith("StoreError "), said
    assert said[-1] == "True", said


def test_a_forked_child_opens_its_own(start: Start) -> None:
    assert start("fork").communicate()[0].strip() == "['child', 'parent', 'parent again']"


class Computer:
    """A computer's clocks: one that runs steadily since its boot, and one that people set."""

    def __init__(self) -> None:
        self.steady, self.set_forward = SteppingClock(), 0.0

    def now(self) -> float:
        return self.steady.now()

    def utcnow(self) -> datetime:
        return self.steady.utcnow() + timedelta(seconds=self.set_forward)


async def test_a_clock_that_jumps_ends_nothing_early_and_nothing_late(make: Callable[..., Any]) -> None:
    clock = Computer()
    async with make(clock=clock, boot="one") as store:
        await store.set_expiring("a", b"1", 30)
        for jump in (3600.0, -3600.0):
            clock.set_forward = jump
            # Another process, started after the clock was set.
            async with make(clock=clock, boot="one") as other:
                assert await other.get("a") == b"1"
                await other.set_expiring("b", b"1", 30)
            assert await store.get("a") == b"1"
        clock.steady.advance(29)
        assert sorted(await store.keys()) == ["a", "b"]
        clock.steady.advance(1)
        assert await store.keys() == []


async def test_after_a_boot_the_wall_clock_counts(make: Callable[..., Any]) -> None:
    before, after = Computer(), Computer()
    before.steady.advance(1_000_000)
    after.set_forward = 1_000_010
    async with make(clock=before, boot="one") as store:
        await store.set_expiring("short", b"1", 5)
        await store.set_expiring("long", b"1", 60)
    async with make(clock=after, boot="two") as store:
        assert await store.keys() == ["long"]


async def test_where_no_boot_has_a_name_the_wall_clock_counts(make: Callable[..., Any]) -> None:
    clock = Computer()
    async with make(clock=clock, boot="") as store:
        await store.set_expiring("a", b"1", 30)
        clock.set_forward = 31
        assert await store.get("a") is None


async def test_what_expired_leaves_the_disk(make: Callable[..., Any], path: Path) -> None:
    clock = Computer()
    async with make(clock=clock, boot="one") as store:
        for number in range(10):
            await store.set_expiring(f"server_{number}", b"unmistakable", 30)
        clock.steady.advance(31)
        assert await store.read_many() == {}
        await store.set("a", b"1")
    files = path.rglob("*") if path.is_dir() else [path]
    kept = [file for file in files if file.is_file() and file.name.startswith("server_")]
    assert kept == []
    if path.is_file():
        assert sqlite3.connect(path).execute("SELECT count(*) FROM entries").fetchone() == (1,)


class TestFolder:
    async def test_no_key_leads_out_of_the_folder(self, tmp_path: Path) -> None:
        store = FileSystemKVStore(tmp_path / "inside" / "store")
        outside = tmp_path / "escape"
        for key in (
            "../escape",
            "../../escape",
            str(outside),
            "a/../../../escape",
            ".creative_services/lock",
            "\x00",
            ".",
        ):
            await store.set(key, b"x")
            assert await store.get(key) == b"x"
        assert {entry.name for entry in tmp_path.iterdir()} == {"inside"}
        assert {entry.name for entry in (tmp_path / "inside").iterdir()} == {"store"}
        assert (tmp_path / "inside" / "store" / ".creative_services" / "lock").read_bytes() == b""

    async def test_a_link_is_not_followed(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_bytes(b"secret")
        store = FileSystemKVStore(tmp_path / "store")
        (tmp_path / "store" / "link").symlink_to(secret)
        (tmp_path / "store" / "folder").mkdir()
        for key in ("link", "folder"):
            assert await store.get(key) is None
        assert await store.read_many() == {}
        await store.set("link", b"mine")
        assert (secret.read_bytes(), await store.get("link")) == (b"secret", b"mine")

    async def test_a_damaged_file_costs_its_own_key_only(self, tmp_path: Path) -> None:
        store = FileSystemKVStore(tmp_path)
        await store.set("a/b", b"1")
        await store.set("plain", b"2")
        (damaged,) = (tmp_path / ".creative_services" / "odd").iterdir()
        for garbage in (b"", b"\xff\xff", b"99\na/b", b"3\nxyz", b"nonsense\n"):
            damaged.write_bytes(garbage)
            with pytest.raises(StoreError, match="damaged"):
                await store.get("a/b")
            assert (await store.read_many())["plain"] == b"2"
        await store.set("a/b", b"mended")
        assert await store.get("a/b") == b"mended"

    async def test_a_folder_that_vanished_is_no_empty_store(self, tmp_path: Path) -> None:
        store = FileSystemKVStore(tmp_path / "store", poll=0.01)
        await store.set("server_1", b"1")
        async with aclosing(store.watch()) as watch:
            await told(watch)
            (tmp_path / "store").rename(tmp_path / "unmounted")
            (tmp_path / "store").mkdir()
            for ask in (store.read_many, store.keys, lambda: store.set("a", b"1")):
                with pytest.raises(StoreError):
                    await ask()
            assert isinstance((await told(watch)).outage, StoreError)
            (tmp_path / "store").rmdir()
            (tmp_path / "unmounted").rename(tmp_path / "store")
            assert (await told(watch)).outage is None
            await store.set("server_2", b"2")
            await mirrored(watch, {"server_1": b"1"}, {"server_1": b"1", "server_2": b"2"})

    def test_a_folder_one_may_not_write_to_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigurationError, match="may write"):
            FileSystemKVStore(tmp_path / "file")

    def test_what_a_killed_writer_left_is_cleared_away(self, tmp_path: Path) -> None:
        FileSystemKVStore(tmp_path)
        left = tmp_path / ".creative_services" / "tmp" / "99-left"
        fresh = left.with_name("98-fresh")
        for file in (left, fresh):
            file.write_bytes(b"half")
        os.utime(left, (1, 1))
        FileSystemKVStore(tmp_path)
        assert (left.exists(), fresh.exists()) == (False, True)

    async def test_a_change_within_the_tick_of_a_coarse_clock_is_told(self, tmp_path: Path) -> None:
        store = FileSystemKVStore(tmp_path, poll=0.01)
        async with aclosing(store.watch()) as watch:
            await told(watch)
            await store.set("a", b"1")
            await mirrored(watch, {}, {"a": b"1"})
            stamp = tmp_path.stat().st_mtime_ns
            await store.set("a", b"2")
            os.utime(tmp_path, ns=(stamp, stamp))
            await mirrored(watch, {"a": b"1"}, {"a": b"2"})


class TestSQLiteFile:
    async def test_a_file_that_is_none_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "x.db").write_bytes(b"this is no database" * 1000)
        async with SQLiteKVStore(tmp_path / "x.db") as store:
            for ask in (store.keys, lambda: store.set("a", b"1")):
                with pytest.raises(StoreError, match="not a database"):
                    await ask()

    async def test_a_page_gone_bad_is_said(self, tmp_path: Path) -> None:
        async with SQLiteKVStore(tmp_path / "x.db") as store:
            for number in range(500):
                await store.set(f"server_{number}", b"x" * 200)
        content = bytearray((tmp_path / "x.db").read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        (tmp_path / "x.db").write_bytes(content)
        async with SQLiteKVStore(tmp_path / "x.db") as store:
            with pytest.raises(StoreError, match="malformed"):
                await store.read_many()

    async def test_a_folder_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        async with SQLiteKVStore(tmp_path / "nowhere" / "x.db") as store:
            with pytest.raises(ConnectionError, match="folder"):
                await store.keys()
