"""Records survive what kills a process or takes the keeper away, and none is kept twice."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from creative_services.core.ledger import Batch
from creative_services.telemetry.spool import handing_over
from creative_services.telemetry.spool.keeper import Keeper
from creative_services.telemetry.spool.shipper import Shipper
from creative_services.telemetry.spool.spool import Spool


class Shelf:
    """Keeps numbers; may be away, or fail just before or just after it stored."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.lasts: dict[str, int] = {}
        self.trouble: list[str] = []

    def last(self, spool: str) -> int:
        return self.lasts.get(spool, 0)

    def store(self, batch: Batch[int]) -> None:
        trouble = self.trouble.pop(0) if self.trouble else ""
        if trouble == "before":
            raise OSError("away")
        if batch.first != self.last(batch.spool) + 1:
            raise OSError("stored already")
        self.kept.extend(batch.records)
        self.lasts[batch.spool] = batch.last
        if trouble == "after":
            raise OSError("away after it was stored")


Make = Callable[[], Keeper[int]]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def make(tmp_path: Path, shelf: Shelf) -> Iterator[Make]:
    made: list[Keeper[int]] = []

    def new() -> Keeper[int]:
        made.append(Keeper(tmp_path, decode=json.loads, sink=shelf))
        return made[-1]

    yield new
    for keeper in made:
        keeper.close()


def spools(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if path.is_dir()]


def test_what_is_appended_arrives_once_and_in_order(make: Make, shelf: Shelf) -> None:
    keeper = make()
    for number in range(500):
        keeper.append(b"%d" % number)
    assert keeper.flush()
    assert (shelf.kept, keeper.waiting) == (list(range(500)), 0)


def test_a_closed_one_leaves_nothing_and_may_be_used_again(make: Make, shelf: Shelf, tmp_path: Path) -> None:
    keeper = make()
    keeper.append(b"1")
    assert keeper.close()
    assert spools(tmp_path) == []
    keeper.append(b"2")
    assert keeper.close()
    assert shelf.kept == [1, 2]


def test_a_sink_that_fails_before_or_after_storing_gets_each_once(
    make: Make, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing_over, "PAUSE", 0.01)
    shelf.trouble = ["before", "after", "before", "after"]
    keeper = make()
    for number in range(100):
        keeper.append(b"%d" % number)
    assert keeper.flush(30)
    assert shelf.kept == list(range(100))


def test_many_threads(make: Make, shelf: Shelf) -> None:
    keeper = make()
    threads = [Thread(target=lambda: [keeper.append(b"%d" % n) for n in range(1000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keeper.close()
    assert sorted(shelf.kept) == sorted(list(range(1000)) * 8)


def test_two_processes_share_one_who_empties(make: Make, shelf: Shelf) -> None:
    one, other = make(), make()
    one.append(b"1")
    assert one.flush()
    other.append(b"2")
    assert other.flush(), "the first one empties the spool of the other too"
    assert shelf.kept == [1, 2]


WRITER = """
import sys
from pathlib import Path
from creative_services.telemetry.spool.spool import Spool
spool = Spool(Path(sys.argv[1]), size=65536)
number = 0
while True:
    spool.append(b"%d" % number)
    print(number, flush=True)
    number += 1
"""


def test_kill_9_loses_nothing_that_was_appended(tmp_path: Path, shelf: Shelf) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    said = [int(writer.stdout.readline()) for _ in range(3000)]
    writer.send_signal(signal.SIGKILL)
    said += [int(line) for line in writer.stdout if line.endswith("\n")]
    writer.wait()
    writer.stdout.close()
    shipper = Shipper(tmp_path, shelf, json.loads)
    shipper.ship()
    shipper.close()
    # One more may have been appended whose number was not said any more.
    assert shelf.kept[: len(said)] == said
    assert len(shelf.kept) - len(said) <= 1
    assert spools(tmp_path) == []


def test_an_unreadable_line_keeps_its_number_and_holds_nobody_up(tmp_path: Path, shelf: Shelf) -> None:
    left = Spool(tmp_path, size=4096)
    for line in (b"1", b"{", b"3"):
        left.append(line)
    left.close()
    shipper = Shipper(tmp_path, shelf, json.loads)
    assert shipper.ship() == 3
    shipper.close()
    assert (shelf.kept, shelf.lasts) == ([1, 3], {left.directory.name: 3})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_writes_into_a_spool_of_its_own(tmp_path: Path) -> None:
    script = """
import json, os, sys
from pathlib import Path
from creative_services.telemetry.spool.keeper import Keeper

class Print:
    def __init__(self): self.lasts = {}
    def last(self, name): return self.lasts.get(name, 0)
    def store(self, batch):
        os.write(1, ("".join(f"{n}\\n" for n in batch.records)).encode())
        self.lasts[batch.spool] = batch.last

keeper = Keeper(Path(sys.argv[1]), decode=json.loads, sink=Print())
keeper.append(b"1")
assert keeper.flush()
if child := os.fork():
    keeper.append(b"2")
    os.waitpid(child, 0)
else:
    keeper.append(b"3")
"""
    command = [sys.executable, "-W", "ignore", "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (sorted(done.stdout.split()), done.returncode) == (["1", "2", "3"], 0), done.stderr
    assert spools(tmp_path) == []
