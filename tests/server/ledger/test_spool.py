"""A spool and its hand-over, whoever dies when."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from creative_services.core.ledger import Batch, LedgerRecord
from creative_services.server.ledger.lines import line_of, record_in
from creative_services.telemetry.spool.handing_over import HandingOver
from creative_services.telemetry.spool.segment import Segment, SegmentReader
from creative_services.telemetry.spool.shipper import Shipper
from creative_services.telemetry.spool.spool import Spool
from creative_services.testing.ledger_contract import BARE, FULL
from tests.server.house import MemoryLedger


def line(number: int, padding: int = 0) -> bytes:
    head = (f"r{number}", 1.5, 0.25, "chat", 200, "x" * padding, "k", "o", False, "", 1, 1, "openai", "gpt", "economy")
    return line_of(head, FULL.usage, FULL.cost)


def ids(ledger: MemoryLedger) -> list[str]:
    return [record.request_id for record in ledger.records]


def expected(count: int) -> list[str]:
    return [f"r{number}" for number in range(count)]


class TestLines:
    def test_a_record_survives_its_line(self) -> None:
        head = (
            FULL.request_id, FULL.at.timestamp(), FULL.seconds, FULL.surface, FULL.status, FULL.asked,
            FULL.key_id, FULL.owner,
            FULL.streamed, FULL.error, FULL.attempts, FULL.llm_id, FULL.provider, FULL.model, FULL.tier,
        )  # fmt: skip
        assert record_in(line_of(head, FULL.usage, FULL.cost)) == FULL

    def test_a_call_without_usage_survives_too(self) -> None:
        head = ("req_2", BARE.at.timestamp(), 0.0, "embeddings", 502, "", "", "", False, "", 0, None, "", "", "")
        assert record_in(line_of(head, None, None)) == BARE

    def test_a_line_of_a_later_version_is_not_misread(self) -> None:
        with pytest.raises(ValueError, match="version 99"):
            record_in(b"[99,1,2]")


class TestSegments:
    def test_what_was_written_is_read(self, tmp_path: Path) -> None:
        segment = Segment(tmp_path / "1.segment", first=7, size=4096)
        for each in (b"one", b"two"):
            segment.write(each)
        reader = SegmentReader(tmp_path / "1.segment")
        assert (reader.number, list(reader.lines(10)), reader.number) == (7, [b"one", b"two"], 9)
        segment.write(b"three")
        assert list(reader.lines(10)) == [b"three"]
        assert not reader.sealed
        segment.seal()
        assert list(reader.lines(10)) == []
        assert reader.sealed
        reader.close()

    def test_a_line_cut_off_half_way_does_not_exist(self, tmp_path: Path) -> None:
        path = tmp_path / "1.segment"
        segment = Segment(path, first=1, size=4096)
        segment.write(b"whole")
        before = path.read_bytes()
        segment.write(b"a longer line that will be cut")
        after = path.read_bytes()
        changed = [place for place in range(len(before)) if before[place] != after[place]]
        random = Random(7)
        for _ in range(200):
            # Death may come after any part of the copying; the header is copied last.
            torn = bytearray(before)
            for place in random.sample(changed, random.randrange(len(changed))):
                torn[place] = after[place]
            (tmp_path / "torn.segment").write_bytes(torn)
            reader = SegmentReader(tmp_path / "torn.segment")
            assert list(reader.lines(10)) == [b"whole"]
            reader.close()

    def test_another_file_is_no_segment(self, tmp_path: Path) -> None:
        (tmp_path / "x.segment").write_bytes(b"hello, this is something else")
        with pytest.raises(ValueError, match="no segment"):
            SegmentReader(tmp_path / "x.segment")


class TestHandingOver:
    def test_a_writer_faster_than_the_sink_keeps_nobody_waiting(self, tmp_path: Path) -> None:
        first, second = Spool(tmp_path), Spool(tmp_path)
        second.append(line(999_999))

        class Fed(MemoryLedger):
            def store(self, batch: Batch[LedgerRecord]) -> None:
                super().store(batch)
                if batch.spool == first.directory.name:
                    for _ in range(len(batch.records)):
                        first.append(line(1))

        for _ in range(10):
            first.append(line(0))
        ledger = Fed()
        shipper = Shipper(tmp_path, ledger, record_in)
        shipper.ship()
        assert "r999999" in ids(ledger)
        shipper.close()
        first.close()
        second.close()

    def test_everything_once_and_in_order(self, tmp_path: Path) -> None:
        spool, ledger = Spool(tmp_path, size=4096), MemoryLedger()
        shipper = Shipper(tmp_path, ledger, record_in)
        for number in range(500):
            spool.append(line(number))
            if number % 7 == 0:
                shipper.ship()
        spool.close()
        shipper.ship()
        assert ids(ledger) == expected(500)
        assert [path.name for path in tmp_path.iterdir()] == ["shipper.lock"]
        shipper.close()

    def test_a_shipper_that_dies_is_followed_by_one_that_goes_on(self, tmp_path: Path) -> None:
        spool, ledger = Spool(tmp_path, size=4096), MemoryLedger()
        for number in range(300):
            spool.append(line(number))
            if number % 50 == 0:
                shipper = Shipper(tmp_path, ledger, record_in)
                shipper.ship()
                shipper.close()
        shipper = Shipper(tmp_path, ledger, record_in)
        shipper.ship()
        assert ids(ledger) == expected(300)
        shipper.close()
        spool.close()

    def test_a_sink_that_fails_gets_the_same_again(self, tmp_path: Path) -> None:
        class Failing(MemoryLedger):
            fails = 5

            def store(self, batch: Batch[LedgerRecord]) -> None:
                if self.fails:
                    self.fails -= 1
                    raise OSError("the disk is full")
                super().store(batch)

        spool, ledger = Spool(tmp_path), Failing()
        shipper = Shipper(tmp_path, ledger, record_in)
        for number in range(10):
            spool.append(line(number))
            try:
                shipper.ship()
            except OSError:
                continue
        shipper.ship()
        assert ids(ledger) == expected(10)
        shipper.close()
        spool.close()

    def test_a_sink_that_stored_and_then_lost_the_word_is_asked(self, tmp_path: Path) -> None:
        class Forgetful(MemoryLedger):
            def store(self, batch: Batch[LedgerRecord]) -> None:
                super().store(batch)
                if len(self.batches) == 1:
                    raise ConnectionError("stored, but the answer was lost")

        spool, ledger = Spool(tmp_path), Forgetful()
        for number in range(10):
            spool.append(line(number))
        shipper = Shipper(tmp_path, ledger, record_in)
        with pytest.raises(ConnectionError):
            shipper.ship()
        shipper.ship()
        assert ids(ledger) == expected(10)
        shipper.close()
        spool.close()

    def test_two_shippers_do_not_meet(self, tmp_path: Path) -> None:
        spool, ledger = Spool(tmp_path), MemoryLedger()
        spool.append(line(0))
        first, second = Shipper(tmp_path, ledger, record_in), Shipper(tmp_path, ledger, record_in)
        assert first.ship() == 1
        spool.append(line(1))
        assert second.ship() == 0
        first.close()
        assert second.ship() == 1
        assert ids(ledger) == expected(2)
        second.close()
        spool.close()

    def test_lines_longer_than_a_block(self, tmp_path: Path) -> None:
        spool, ledger = Spool(tmp_path, size=64 * 1024), MemoryLedger()
        for number in range(20):
            spool.append(line(number, padding=10_000))
        spool.close()
        shipper = Shipper(tmp_path, ledger, record_in)
        shipper.ship()
        assert ids(ledger) == expected(20)
        shipper.close()

    def test_a_full_disk_loses_nothing_and_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        spool, ledger = Spool(tmp_path, size=4096), MemoryLedger()
        full = True

        def no_room(*_: object) -> None:
            if full:
                raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "posix_fallocate", no_room)
        for number in range(100):
            spool.append(line(number))
        assert spool.waiting
        full = False
        monkeypatch.undo()
        spool.retry()
        assert not spool.waiting
        spool.close()
        shipper = Shipper(tmp_path, ledger, record_in)
        shipper.ship()
        assert ids(ledger) == expected(100)
        shipper.close()

    def test_the_thread_hands_over_and_ends(self, tmp_path: Path) -> None:
        spool, ledger = Spool(tmp_path), MemoryLedger()
        thread = HandingOver(lambda: Shipper(tmp_path, ledger, record_in))
        thread.start()
        for number in range(50):
            spool.append(line(number))
        spool.close()
        thread.stop()
        assert ids(ledger) == expected(50)


WRITER = """
import sys
import time
from pathlib import Path
from creative_services.telemetry.spool.spool import Spool
from tests.server.ledger.test_spool import line
spool = Spool(Path(sys.argv[1]), size=64 * 1024)
number = int(sys.argv[2])
while True:
    spool.append(line(number))
    # The word that it is safe follows the line, as an answer follows its record.
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    time.sleep(0.0003)
    number += 1
"""


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for each in started:
        each.kill()
        each.wait()


def test_kill_9_loses_no_line_that_was_safe_and_doubles_none(
    tmp_path: Path, writers: list[subprocess.Popen[bytes]]
) -> None:
    """Writers die at a random moment, one after the other, while what they write is handed over."""
    root = Path(__file__).parents[3]
    ledger, random = MemoryLedger(), Random(11)
    shipper = Shipper(tmp_path, ledger, record_in)
    safe: list[int] = []
    for round_ in range(4):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(round_ * 1_000_000)]
        with (tmp_path / f"said-{round_}").open("wb") as said:
            writer = subprocess.Popen(command, stdout=said, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
        writers.append(writer)
        deadline = time.monotonic() + 20
        while (tmp_path / f"said-{round_}").stat().st_size < 100 and time.monotonic() < deadline:
            time.sleep(0.01)
        until = time.monotonic() + random.uniform(0.01, 0.15)
        while time.monotonic() < until:
            shipper.ship()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        while shipper.ship():
            continue
        words = (tmp_path / f"said-{round_}").read_bytes().split(b"\n")
        safe += [int(word) for word in words[:-1]]
    shipper.ship()
    shipper.close()
    stored = [int(record.request_id[1:]) for record in ledger.records]
    assert len(safe) > 50
    assert len(stored) == len(set(stored)), "a line came twice"
    assert set(safe) <= set(stored), "a safe line is missing"
    # Of each writer at most the one line whose word was never said is more.
    assert len(set(stored) - set(safe)) <= 4
    assert not list(tmp_path.glob("*/*.segment"))


def test_what_is_read_is_what_the_ledger_keeps() -> None:
    assert record_in(line(5)).usage == FULL.usage
    assert record_in(line(5)).cost == replace(FULL).cost
