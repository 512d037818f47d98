"""The directory that holds all a site remembers: its database, its keys, the spools of its workers."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from creative_services.core.errors import ConfigurationError

DATABASE: Final = "site.sqlite3"
SECRET_KEY: Final = "secret_key"  # noqa: S105 - a file's name
ENCRYPTION_KEYS: Final = "encryption_keys"
_LOCK: Final = "up.lock"
_SOCKET: Final = "control.sock"
_LONGEST_SOCKET: Final = 100  # bytes; systems allow 104 or 108


def prepare(path: Path) -> None:
    """Make it, for its owner's eyes only."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {path} cannot be written ({error.strerror}). Choose another one with --data-dir."
        ) from error


@contextmanager
def held(path: Path) -> Iterator[None]:
    """One ``up`` at a time."""
    with (path / _LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise ConfigurationError(
                f"Another `creative-services up` (process {lock.read().strip() or 'unknown'}) works in {path}. "
                "Stop it, or choose another --data-dir."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def socket_path(path: Path) -> Iterator[str]:
    """Where the control plane listens: in the directory, or elsewhere when its name is too long for a socket."""
    inside = path / _SOCKET
    if len(os.fsencode(inside)) <= _LONGEST_SOCKET:
        yield str(inside)
        inside.unlink(missing_ok=True)
        return
    with TemporaryDirectory(prefix="creative-services-") as elsewhere:
        yield str(Path(elsewhere) / _SOCKET)


def kept(path: Path, make: Callable[[], str]) -> str:
    """The text of a secret file; made once, and readable by its owner alone."""
    try:
        return _read(path)
    except FileNotFoundError:
        _write(path, make())
        return _read(path)


def _read(path: Path) -> str:
    text = path.read_text(encoding="ascii").strip()
    if not text:
        raise ConfigurationError(
            f"{path} is empty. Put back what was in it; a new one would open nothing sealed so far."
        )
    return text


def _write(path: Path, text: str) -> None:
    # Whole or not at all, and never over another process's: the first one wins.
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()
