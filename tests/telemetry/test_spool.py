"""Records survive what kills a process or takes the keeper away, and none is kept twice."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from creative_services.telemetry import hand_over, spool
from creative_services.telemetry.hand_over import Spool
from creative_services.telemetry.spool import Batch, SpoolFile, SpoolReader, adopt, orphans


class Shelf:
    """A keeper that may be away, or may die just before or just after it stored."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.lasts: dict[str, int] = {}
        self.trouble: list[str] = []

    def last(self, name: str) -> int:
        return self.lasts.get(name, 0)

    def store(self, batch: Batch[int]) -> None:
        trouble = self.trouble.pop(0) if self.trouble else ""
        if trouble == "before":
            raise OSError("away")
        assert batch.first == self.last(batch.spool) + 1
        self.kept.extend(batch.records)
        self.lasts[batch.spool] = batch.last
        if trouble == "after":
            raise OSError("away after it was stored")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def make(tmp_path: Path, shelf: Shelf) -> Callable[[], Spool[int]]:
    return lambda: Spool(tmp_path, decode=json.loads, sink=shelf, pause=0.01)


def test_what_is_appended_arrives_once_and_in_order(make: Callable[[], Spool[int]], shelf: Shelf) -> None:
    records = make()
    for number in range(500):
        records.append(b"%d" % number)
    assert records.close()
    assert shelf.kept == list(range(500))


def test_a_closed_spool_leaves_no_file_and_may_be_used_again(
    make: Callable[[], Spool[int]], shelf: Shelf, tmp_path: Path
) -> None:
    records = make()
    records.append(b"1")
    assert records.close()
    assert list(tmp_path.iterdir()) == []
    records.append(b"2")
    assert records.close()
    assert shelf.kept == [1, 2]


def test_a_keeper_that_fails_before_or_after_storing_gets_each_once(
    make: Callable[[], Spool[int]], shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hand_over, "_RETRY_SECONDS", 0.01)
    shelf.trouble = ["before", "after", "before", "after"]
    records = make()
    for number in range(100):
        records.append(b"%d" % number)
    assert records.close()
    assert shelf.kept == list(range(100))


def test_many_threads(make: Callable[[], Spool[int]], shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "LONG", 1000)  # so that files follow one another meanwhile
    records = make()
    threads = [Thread(target=lambda: [records.append(b"%d" % n) for n in range(1000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert records.flush()
    records.append(b"1000")
    assert records.close()
    assert sorted(shelf.kept) == sorted([*list(range(1000)) * 8, 1000])
    assert len(shelf.lasts) > 1


def test_a_file_that_gave_way_is_not_taken_for_a_dead_process_s(
    make: Callable[[], Spool[int]], shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "LONG", 10)
    monkeypatch.setattr(hand_over, "_ADOPT_SECONDS", 0.0)
    records, other = make(), make()
    other.start()
    for number in range(200):
        records.append(b"%d" % number)
        if number % 10 == 0:
            assert records.flush()
    assert records.close()
    assert other.close()
    assert sorted(shelf.kept) == list(range(200))
    assert len(shelf.lasts) > 5
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_that_somebody_adopts_before_it_is_locked_is_given_up(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked, too_early = spool.take, [True, True]

    def take(descriptor: int) -> bool:
        if too_early:
            too_early.pop()
            for path in orphans(tmp_path, ""):
                adopt(path, json.loads, shelf)
        return locked(descriptor)

    monkeypatch.setattr(spool, "take", take)
    file = SpoolFile(tmp_path)
    assert file.append(b"1")
    assert file.path.read_bytes() == b"1\n"


WRITER = """
import json, sys, time
from pathlib import Path
from creative_services.telemetry.spool import SpoolFile
file = SpoolFile(Path(sys.argv[1]))
number = 0
while True:
    file.append(json.dumps(number).encode())
    print(number, flush=True)
    number += 1
"""


def test_kill_9_loses_nothing_that_was_appended(tmp_path: Path, shelf: Shelf) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    said = [int(writer.stdout.readline()) for _ in range(200)]
    (path,) = orphans(tmp_path, own="")
    assert adopt(path, json.loads, shelf) == 0, "its process lives"
    writer.send_signal(signal.SIGKILL)
    said += [int(line) for line in writer.stdout if line.endswith("\n")]
    writer.wait()
    writer.stdout.close()
    adopt(path, json.loads, shelf)
    # One more may have been appended whose number was not said any more.
    assert shelf.kept[: len(said)] == said
    assert len(shelf.kept) - len(said) <= 1
    assert not path.exists()


def test_a_living_process_adopts_what_a_dead_one_left(
    make: Callable[[], Spool[int]], shelf: Shelf, tmp_path: Path
) -> None:
    left = SpoolFile(tmp_path)
    left.append(b"7")
    left.append(b"8")
    SpoolReader(left.path, json.loads, shelf).hand_over()
    left.append(b"9")
    left.append(b"10")
    left.forget()  # as at the death of its process: unlocked, and still there
    records = make()
    records.append(b"1")
    assert records.close()
    assert sorted(shelf.kept) == [1, 7, 8, 9, 10]


def test_a_line_cut_off_by_death_is_no_record(tmp_path: Path, shelf: Shelf) -> None:
    left = SpoolFile(tmp_path)
    left.append(b"1")
    left.forget()
    with left.path.open("ab") as file:
        file.write(b"2")
    assert adopt(left.path, json.loads, shelf) == 1
    assert shelf.kept == [1]


def test_an_unreadable_line_keeps_its_number_and_holds_nobody_up(tmp_path: Path, shelf: Shelf) -> None:
    left = SpoolFile(tmp_path)
    for line in (b"1", b"{", b"3"):
        left.append(line)
    reader = SpoolReader(left.path, json.loads, shelf)
    assert reader.hand_over() == 3
    assert (shelf.kept, shelf.lasts) == ([1, 3], {left.name: 3})
    left.release(handed=3)


def test_a_full_spool_says_what_it_loses(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path, room=3)
    assert [file.append(b"12"), file.append(b"34"), file.append(b"56")] == [True, True, False]
    assert (file.written, file.lost) == (2, 1)
    file.release(handed=2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_writes_into_a_file_of_its_own(tmp_path: Path) -> None:
    script = """
import json, os, sys
from pathlib import Path
from creative_services.telemetry.hand_over import Spool

class Print:
    def last(self, name): return 0
    def store(self, batch): os.write(1, ("".join(f"{n}\\n" for n in batch.records)).encode())

spool = Spool(Path(sys.argv[1]), decode=json.loads, sink=Print())
spool.append(b"1")
assert spool.flush()
if child := os.fork():
    spool.append(b"2")
    os.waitpid(child, 0)
else:
    spool.append(b"3")
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (sorted(done.stdout.split()), done.returncode) == (["1", "2", "3"], 0), done.stderr
    assert list(tmp_path.iterdir()) == []
