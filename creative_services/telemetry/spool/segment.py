"""One file of a spool: room taken beforehand, lines copied into a shared mapping, each valid once its header is.

A mapping's pages belong to the kernel: what was copied into them survives the process, whatever ends it, and costs
no system call. A header is written after its line, so that a line cut off half-way does not exist.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zlib import crc32

SUFFIX: Final = ".segment"
_MAGIC: Final = b"CSLEDGR1"
_FIRST: Final = struct.Struct("<8sQ")  # the magic word, and the number of the first line
_HEADER: Final = struct.Struct("<II")  # a line's length and its checksum
_NO_LENGTH: Final = 0xFFFFFFFF  # where a header should be: the file ends here
_SEALED: Final = _HEADER.pack(_NO_LENGTH, 0)
_ROOM_AT_END: Final = _HEADER.size


class Segment:
    """A file being written."""

    __slots__ = ("_at", "_map", "_size", "path")

    def __init__(self, path: Path, *, first: int, size: int) -> None:
        self.path = path
        self._size = size
        # Under another name until it is whole, so that a reader never sees a file without its first number.
        unfinished = path.with_suffix(".new")
        fd = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _take_room(fd, size)
            self._map = mmap.mmap(fd, size)
        finally:
            os.close(fd)
        self._map[: _FIRST.size] = _FIRST.pack(_MAGIC, first)
        self._at = _FIRST.size
        unfinished.rename(path)

    def fits(self, line: bytes) -> bool:
        """Whether there is room for one more line."""
        return self._at + _HEADER.size + len(line) + _ROOM_AT_END <= self._size

    def write(self, line: bytes) -> None:
        """Add a line."""
        start = self._at + _HEADER.size
        end = start + len(line)
        self._map[start:end] = line
        self._map[self._at : start] = _HEADER.pack(len(line), crc32(line))
        self._at = end

    def forget(self) -> None:
        """Let go of the mapping, and write nothing."""
        self._map.close()

    def seal(self) -> None:
        """No line will follow."""
        self._map[self._at : self._at + _HEADER.size] = _SEALED
        self._map.close()


def _take_room(fd: int, size: int) -> None:
    # Really taken: writing to a mapping for which the disk has no room kills the process.
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
        return
    zeros = bytes(1024 * 1024)
    for start in range(0, size, len(zeros)):
        os.write(fd, zeros[: size - start])


class SegmentReader:
    """Reads a file that may still be written, from where it stopped."""

    __slots__ = ("_at", "_map", "number", "path", "sealed")

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, self.number = _FIRST.unpack_from(self._map)  # the number of the next line
        if magic != _MAGIC:
            self._map.close()
            raise ValueError(f"{path} is no segment of a ledger")
        self.sealed = False
        self._at = _FIRST.size

    def lines(self, most: int) -> Iterator[bytes]:
        """The next lines, at most so many. It ends where nothing is written yet, and goes on from there next time."""
        for _ in range(most):
            if self._at + _HEADER.size > len(self._map):
                return
            length, checksum = _HEADER.unpack_from(self._map, self._at)
            if length == _NO_LENGTH:
                self.sealed = True
                return
            start = self._at + _HEADER.size
            line = self._map[start : start + length]
            # A length of 0: not written yet. A wrong checksum: being written this moment, or cut off by a death.
            if not length or len(line) < length or crc32(line) != checksum:
                return
            self._at = start + length
            self.number += 1
            yield line

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
