"""Server-sent events and newline-delimited JSON, decoded from bytes however they are split."""

from typing import Final, NamedTuple

_BOM: Final = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One server-sent event: its name (empty when not given) and its data lines joined by newlines."""

    name: str
    data: bytes


class Lines:
    """Cuts bytes into lines at LF, CR or CRLF, keeping what is not yet a whole line."""

    __slots__ = ("_after_cr", "_rest")

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # pieces, not one string: a huge line in small reads stays linear
        self._after_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that ``data`` completes, without their ends."""
        if self._after_cr and data:
            self._after_cr = False
            data = data[1:] if data.startswith(b"\n") else data
        if b"\r" in data:
            # A CR at the very end may be half of a CRLF: it ends the line now, and its LF is dropped when it comes.
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in data:
            if data:
                self._rest.append(data)
            return []
        if self._rest:
            self._rest.append(data)
            data = b"".join(self._rest)
            self._rest.clear()
        lines = data.split(b"\n")
        if rest := lines.pop():
            self._rest.append(rest)
        return lines

    def flush(self) -> bytes:
        """What came after the last line end."""
        rest = b"".join(self._rest)
        self._rest.clear()
        return rest


class EventDecoder:
    """Feeds on bytes, gives whole events. An event cut off by the end of the stream is no event."""

    __slots__ = ("_data", "_first", "_lines", "_name")

    def __init__(self) -> None:
        self._lines = Lines()
        self._data: list[bytes] = []
        self._name = b""
        self._first = True

    def feed(self, data: bytes) -> list[Event]:
        """The events that ``data`` completes."""
        lines = self._lines.feed(data)
        if self._first and lines:
            self._first = False
            lines[0] = lines[0].removeprefix(_BOM)
        events: list[Event] = []
        for line in lines:
            if not line:
                self._dispatch(events)
            elif line[:6] == b"data: ":  # nearly every line there is
                self._data.append(line[6:])
            else:
                self._field(line)
        return events

    def _dispatch(self, events: list[Event]) -> None:
        if self._data:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            events.append(Event(self._name.decode(errors="replace"), data))
            self._data.clear()
        self._name = b""

    def _field(self, line: bytes) -> None:
        # Comments (":...") have an empty name; "id" and "retry" concern reconnection, which no vendor offers.
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._name = value


class NDJSONDecoder:
    """Feeds on bytes, gives one document per line."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines = Lines()

    def feed(self, data: bytes) -> list[bytes]:
        """The documents that ``data`` completes."""
        return [line for line in self._lines.feed(data) if line.strip()]

    def flush(self) -> list[bytes]:
        """The last document, when the stream did not end in a line end."""
        rest = self._lines.flush()
        return [rest] if rest.strip() else []
