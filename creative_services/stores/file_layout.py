"""A folder of values: which file a key lives in, and how files are read, replaced and listed without a half-done state.

::

    folder/
      server_box-1f0c...      a plain key: the file is called what the key is called, as the original registry does it
      .creative_services/
        odd/<sha256>          any other key: the file begins with the key, then the value
        tmp/                  being written
        lock                  held for the microseconds of a replacement
        clock-<boot>          see _steady.py
      .literegistry_ttl/      the original's ends of life; heeded when there
"""

import errno
import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from creative_services.core.errors import StoreError
from creative_services.core.store import key_bytes
from creative_services.stores._leased import split_end, with_end

# What every file system keeps as it is. No slash and no leading dot, so no key leads out of the folder or hides in it.
_PLAIN: Final = re.compile(r"[!-\-0-~][ -.0-~]{0,199}\Z")
_ABANDONED: Final = 3600.0  # a temporary file this old has no writer any more
_USUAL: Final = 16 * 1024  # a record of a server is far smaller
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class Found:
    """A value, and when it ends."""

    value: bytes
    ends_at: float | None = None

    def live(self, now: float) -> bool:
        """Whether it has not ended."""
        return self.ends_at is None or now < self.ends_at


class Layout:
    """Where things are in the folder, and the smallest steps on them. Blocking."""

    def __init__(self, root: Path, *, durable: bool, patience: float) -> None:
        self.root = root
        home = root / ".creative_services"
        self.odd, self.tmp, self._lock = home / "odd", home / "tmp", home / "lock"
        self.home = home
        self._foreign_ends = root / ".literegistry_ttl"
        self._durable, self._patience = durable, patience

    def prepare(self) -> None:
        """Make the folders, and clear away what writers that were killed left behind."""
        for folder in (self.odd, self.tmp):
            folder.mkdir(parents=True, exist_ok=True)
        for entry in os.scandir(self.tmp):
            with suppress(FileNotFoundError):
                if time.time() - entry.stat().st_mtime > _ABANDONED:
                    Path(entry.path).unlink()

    def path(self, key: str) -> Path:
        """The file of a key."""
        if _PLAIN.match(key):
            return self.root / key
        return self.odd / hashlib.sha256(key_bytes(key)).hexdigest()

    def read(self, key: str) -> Found | None:
        """What the key's file holds, be it live or not."""
        path = self.path(key)
        raw = _read(path)
        if raw is None:
            return None
        if path.parent == self.odd:
            held = _split_key(raw)
            if held is None or held[0] != key:
                raise StoreError(f"The file {path} of the key {key!r} is damaged. Delete it; its value is lost.")
            raw = held[1]
        value, ends_at = split_end(raw)
        return Found(value, self._foreign_end(key) if ends_at is None else ends_at)

    def find(self, prefix: str) -> Iterator[tuple[str, Found]]:
        """Every key that begins with ``prefix``. A damaged file costs its own key only."""
        foreign = self._foreign_ends.is_dir()
        for name, raw in _contents(self.root, prefix):
            if _PLAIN.match(name):
                value, ends_at = split_end(raw)
                yield name, Found(value, self._foreign_end(name) if foreign and ends_at is None else ends_at)
        for _, raw in _contents(self.odd, ""):
            held = _split_key(raw)
            if held and held[0].startswith(prefix):
                yield held[0], Found(*split_end(held[1]))

    def draft(self, key: str, found: Found) -> Path:
        """The value in a temporary file, on the disk before it can take anyone's place."""
        content = with_end(found.value, found.ends_at)
        if self.path(key).parent == self.odd:
            content = _join_key(key, content)
        path = self.tmp / f"{os.getpid()}-{os.urandom(8).hex()}"
        try:
            with path.open("xb") as file:
                file.write(content)
                file.flush()
                if self._durable:
                    os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def place(self, key: str, draft: Path) -> None:
        """Let the draft be the key's value from now on."""
        draft.replace(self.path(key))
        self._drop_foreign_end(key)

    def remove(self, key: str) -> bool:
        """Delete the key's file."""
        try:
            self.path(key).unlink()
        except FileNotFoundError:
            return False
        self._drop_foreign_end(key)
        return True

    def settle(self, key: str) -> None:
        """Have the folder itself on the disk, without which a replaced file may reappear after a power failure."""
        if not self._durable:
            return
        folder = os.open(self.path(key).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else writes meanwhile. Readers need no lock: a file is replaced whole."""
        file = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            self._take(file)
            yield
        finally:
            os.close(file)

    def _take(self, file: int) -> None:
        # Asked again and again rather than waited for: a writer that was stopped must not take our thread with it.
        deadline, pause = time.monotonic() + self._patience, 0.0002
        while True:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"another process holds {self._lock}") from None
                time.sleep(pause)
                pause = min(0.005, pause * 1.5)

    def _foreign_end(self, key: str) -> float | None:
        raw = _read(self._foreign_ends / hashlib.sha256(key_bytes(key)).hexdigest())
        try:
            return float(raw) if raw else None
        except ValueError:
            return None  # as the original has it: a damaged end hides no value

    def _drop_foreign_end(self, key: str) -> None:
        if self._foreign_ends.is_dir():
            (self._foreign_ends / hashlib.sha256(key_bytes(key)).hexdigest()).unlink(missing_ok=True)


def _contents(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each file. By descriptors and names instead of paths: a roster of thousands waits for this."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for entry in os.scandir(place):
            if entry.name.startswith(prefix) and entry.is_file(follow_symlinks=False):
                raw = _read(entry.name, place)
                if raw is not None:
                    yield entry.name, raw
    finally:
        os.close(place)


def _read(path: str | Path, folder: int | None = None) -> bytes | None:
    """The file's bytes; None when there is no such file, or it is a folder or a link."""
    try:
        file = os.open(path, _READ, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return None
        raise
    try:
        raw = os.read(file, _USUAL)
        return raw if len(raw) < _USUAL else raw + _rest(file)
    except IsADirectoryError:
        return None
    finally:
        os.close(file)


def _rest(file: int) -> bytes:
    parts = []
    while part := os.read(file, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _join_key(key: str, value: bytes) -> bytes:
    encoded = key_bytes(key)
    return b"%d\n%s%s" % (len(encoded), encoded, value)


def _split_key(raw: bytes) -> tuple[str, bytes] | None:
    """(key, value) of a file with an odd key; None when it is damaged."""
    length, _, rest = raw.partition(b"\n")
    if not length.isdigit() or len(rest) < int(length):
        return None
    try:
        return rest[: int(length)].decode(), rest[int(length) :]
    except UnicodeDecodeError:
        return None
