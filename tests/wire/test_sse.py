"""Streams come cut anywhere; what comes out must not depend on where."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from creative_services.wire.sse import Event, EventDecoder, NDJSONDecoder


def decode(*pieces: bytes) -> list[Event]:
    decoder = EventDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(marks)]


STREAM = (
    b"\xef\xbb\xbfdata: one\n\n"
    b": a comment\n\n"
    b"event: ping\ndata: {}\n\n"
    b"data: two\ndata: lines\n\n"
    b"data:no space\nid: 7\nretry: 10\n\n"
    b"data\n\n"
    b"data:  two spaces\n\n"
    b"data: [DONE]\n\n"
    b"data: cut off"
)
EVENTS = [
    Event("", b"one"),
    Event("ping", b"{}"),
    Event("", b"two\nlines"),
    Event("", b"no space"),
    Event("", b""),
    Event("", b" two spaces"),
    Event("", b"[DONE]"),
]


def test_the_whole_at_once() -> None:
    assert decode(STREAM) == EVENTS


def test_every_line_end() -> None:
    assert decode(STREAM.replace(b"\n", b"\r\n")) == EVENTS
    assert decode(STREAM.replace(b"\n", b"\r")) == EVENTS


@given(st.lists(st.integers(0, 10_000), max_size=40), st.sampled_from([b"\n", b"\r", b"\r\n"]))
def test_cut_anywhere(places: list[int], end: bytes) -> None:
    assert decode(*cut(STREAM.replace(b"\n", end), places)) == EVENTS


def test_byte_by_byte() -> None:
    for end in (b"\n", b"\r", b"\r\n"):
        data = STREAM.replace(b"\n", end)
        assert decode(*(data[place : place + 1] for place in range(len(data)))) == EVENTS


def test_an_event_s_name_does_not_reach_the_next() -> None:
    assert decode(b"event: a\n\ndata: x\n\n") == [Event("", b"x")]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_any_bytes_give_the_same_however_cut(data: bytes, places: list[int]) -> None:
    assert decode(*cut(data, places)) == decode(data)


@given(st.lists(st.text('ab {}"é', min_size=1, max_size=9).filter(str.strip), max_size=9), st.lists(st.integers(0, 99)))
def test_documents_line_by_line(documents: list[str], places: list[int]) -> None:
    wanted = [document.encode() for document in documents]
    decoder = NDJSONDecoder()
    got = [each for piece in cut(b"\n".join(wanted), places) for each in decoder.feed(piece)]
    assert got + decoder.flush() == wanted


def test_blank_lines_are_no_documents() -> None:
    decoder = NDJSONDecoder()
    assert decoder.feed(b"{}\r\n\r\n \n{}\n") == [b"{}", b"{}"]
    assert decoder.flush() == []
