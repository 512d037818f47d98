"""What the double of a Consul agent remembers: entries with their indexes, sessions and their locks."""

import asyncio
import json
import uuid
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One entry of the tree."""

    name: str
    value: str = ""  # base64, as it travels
    flags: int = 0
    created: int = 0
    modified: int = 0
    lock_index: int = 0
    session: str | None = None


@dataclass(slots=True, kw_only=True)
class Session:
    """A session; it ends at its time to live, a restart, or when it is destroyed."""

    id: str
    name: str = ""
    behavior: str = "release"
    ttl: float = 0.0
    lock_delay: float = 15.0
    created: int = 0
    ends: asyncio.TimerHandle | None = field(default=None, repr=False)


class State:
    """The tree. Every change has a number of its own, Raft's index."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self.index = 10  # an agent's first changes are its own
        self.entries: dict[str, Kept] = {}
        self.graves: dict[str, int] = {}  # names deleted, and at which index: it keeps blocking queries right
        self.sessions: dict[str, Session] = {}
        self._held_back: dict[str, float] = {}
        self.changed = asyncio.Condition()
        if file and file.exists():
            for line in file.read_text().splitlines():
                self._remember(json.loads(line))

    def index_under(self, prefix: str, *, recurse: bool) -> int:
        """The index a blocking query waits on: of the newest change under the prefix, else of the whole tree."""
        found = [entry.modified for name, entry in self.entries.items() if _under(name, prefix, recurse)]
        found += [index for name, index in self.graves.items() if _under(name, prefix, recurse)]
        return max(found, default=self.index)

    async def put(self, name: str, value: bytes, *, flags: int, cas: int | None) -> bool:
        """Write; with ``cas`` only if the index is that one, 0 meaning that there is no entry."""
        present = self.entries.get(name)
        if cas is not None and cas != (present.modified if present else 0):
            return False
        new = replace(present or Kept(name=name), value=b64encode(value).decode(), flags=flags)
        if new != present:  # writing what is there already moves no index
            await self._write(new)
        return True

    async def acquire(self, name: str, value: bytes, *, flags: int, session: str) -> bool:
        """Write and lock, unless another session holds it or the lock is still held back."""
        present = self.entries.get(name)
        if session not in self.sessions or asyncio.get_running_loop().time() < self._held_back.get(name, 0.0):
            return False
        if present and present.session not in (None, session):
            return False
        fresh = 0 if present and present.session == session else 1
        new = replace(present or Kept(name=name), value=b64encode(value).decode(), flags=flags, session=session)
        await self._write(replace(new, lock_index=new.lock_index + fresh))
        return True

    async def release(self, name: str, value: bytes, *, flags: int, session: str) -> bool:
        """Write and unlock, if this session holds it."""
        present = self.entries.get(name)
        if present is None or present.session != session:
            return False
        await self._write(replace(present, value=b64encode(value).decode(), flags=flags, session=None))
        return True

    async def delete(self, names: list[str], cas: int | None) -> bool:
        """Delete; with ``cas`` only if the index is that one."""
        if cas is not None and any(self.entries[name].modified != cas for name in names if name in self.entries):
            return False
        for name in [name for name in names if name in self.entries]:
            await self._tell({"deleted": name, "index": self.index + 1})
        return True

    def begin(self, *, name: str, behavior: str, ttl: float, lock_delay: float) -> Session:
        """A new session."""
        self.index += 1
        session = Session(id=str(uuid.uuid4()), name=name, behavior=behavior, ttl=ttl, lock_delay=lock_delay)
        session.created = self.index
        self.sessions[session.id] = session
        self.renew(session)
        return session

    def renew(self, session: Session) -> None:
        """Another time to live; Consul waits for twice that before it gives a session up."""
        if session.ends:
            session.ends.cancel()
        if session.ttl:
            loop = asyncio.get_running_loop()
            session.ends = loop.call_later(2 * session.ttl, lambda: loop.create_task(self.end(session, expired=True)))

    async def end(self, session: Session, *, expired: bool = False) -> None:
        """The session is over, and with it its locks."""
        self.sessions.pop(session.id, None)
        held = [entry for entry in self.entries.values() if entry.session == session.id]
        if expired:
            until = asyncio.get_running_loop().time() + session.lock_delay
            self._held_back.update({entry.name: until for entry in held})
        if session.behavior == "delete":
            await self.delete([entry.name for entry in held], None)
        else:
            for entry in held:
                await self._write(replace(entry, session=None))

    async def _write(self, entry: Kept) -> None:
        index = self.index + 1
        new = replace(entry, created=entry.created or index, modified=index)
        await self._tell({"written": asdict(new), "index": index})

    async def _tell(self, change: dict[str, Any]) -> None:
        """Make a change, on disk first, and wake whoever waits for one."""
        if self._file:
            with self._file.open("a") as journal:
                journal.write(json.dumps(change) + "\n")
        self._remember(change)
        async with self.changed:
            self.changed.notify_all()

    def _remember(self, change: dict[str, Any]) -> None:
        self.index = change["index"]
        if "deleted" in change:
            self.entries.pop(change["deleted"], None)
            self.graves[change["deleted"]] = self.index
        else:
            entry = Kept(**change["written"])
            self.entries[entry.name] = entry
            self.graves.pop(entry.name, None)


def raw(entry: Kept) -> bytes:
    """The value itself."""
    return b64decode(entry.value)


def _under(name: str, prefix: str, recurse: bool) -> bool:
    return name.startswith(prefix) if recurse else name == prefix
