"""Charts as SVG, drawn on the server: no script, no style attribute, colours by class, numbers as text for readers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WIDTH, _HEIGHT = 120, 28
_PAD: Final = 2.0


_SPARK: Final = (
    '<svg class="cs-spark" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"><title>{}</title>'
    '<polygon points="{}"/><polyline points="{}"/><polyline class="cs-end" points="{}"/></svg>'
)
_NO_SPARK: Final = (
    '<svg class="cs-spark cs-spark-empty" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img">'
    '<title>{}</title><line x1="0" x2="{}" y1="{}" y2="{}"/></svg>'
)


def sparkline(values: Sequence[float], label: str) -> SafeString:
    """A line of the last values; dotted where nothing was spent."""
    if not any(values):
        return format_html(_NO_SPARK, _WIDTH, _HEIGHT, label, _WIDTH, _HEIGHT - 2, _HEIGHT - 2)
    points = [f"{x:.1f},{y:.1f}" for x, y in _points(values)]
    line = " ".join(points)
    area = f"{_PAD},{_HEIGHT} {line} {_WIDTH - _PAD},{_HEIGHT}"
    # A line from the last point to itself, with round ends, is a dot that no stretching flattens.
    return format_html(_SPARK, _WIDTH, _HEIGHT, label, area, line, f"{points[-1]} {points[-1]}")


def _points(values: Sequence[float]) -> Iterator[tuple[float, float]]:
    top, steps = max(values), max(1, len(values) - 1)
    for place, value in enumerate(values):
        yield _PAD + place * (_WIDTH - 2 * _PAD) / steps, _HEIGHT - 3 - (value / top) * (_HEIGHT - 7)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name on the axis, its parts by series, and what a pointer reads."""

    name: str
    parts: Mapping[str, float]
    told: str
    link: str = ""

    @property
    def total(self) -> float:
        """The whole height."""
        return sum(self.parts.values())


_W, _H, _LEFT, _BOTTOM, _TOP = 860, 240, 56, 24, 12


def bars(found: Sequence[Bar], *, label: str, series: Sequence[str], money: bool = True) -> SafeString:
    """Stacked bars with four lines of a scale."""
    top = nice_top(max((bar.total for bar in found), default=0.0))
    step = (_W - _LEFT) / max(1, len(found))
    width = min(36.0, step * 0.7)
    columns = format_html_join(
        "", "{}", ((_column(bar, place, step, width, top, series),) for place, bar in enumerate(found))
    )
    every = max(1, -(-len(found) // 12))
    names = format_html_join(
        "",
        '<text class="cs-axis" x="{}" y="{}" text-anchor="middle">{}</text>',
        (
            (f"{_LEFT + step * (place + 0.5):.1f}", _H - 6, bar.name)
            for place, bar in enumerate(found)
            if place % every == 0
        ),
    )
    return format_html('<svg class="cs-bars" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
                       _W, _H, label, _scale(top, money), columns, names)  # fmt: skip


def _scale(top: float, money: bool) -> SafeString:
    rows = ((top * part / 4, _y(top * part / 4, top)) for part in range(5))
    return format_html_join(
        "",
        '<line class="cs-grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text class="cs-axis" x="{}" y="{}" '
        'text-anchor="end">{}</text>',
        (
            (_LEFT, _W, f"{y:.1f}", f"{y:.1f}", _LEFT - 8, f"{y + 4:.1f}", f"${value:g}" if money else f"{value:g}")
            for value, y in rows
        ),
    )


def _y(value: float, top: float) -> float:
    return _H - _BOTTOM - (value / top) * (_H - _BOTTOM - _TOP)


def _column(bar: Bar, place: int, step: float, width: float, top: float, series: Sequence[str]) -> SafeString:
    x = _LEFT + step * (place + 0.5) - width / 2
    rects = format_html_join("", '<rect class="cs-fill-{}" x="{}" y="{}" width="{}" height="{}" rx="2"/>',
                             _rects(bar, x, width, top, series))  # fmt: skip
    inner = format_html("<title>{}</title>{}", bar.told, rects)
    if bar.link:
        return format_html('<a href="{}">{}</a>', bar.link, inner)
    return format_html("<g>{}</g>", inner)


def _rects(bar: Bar, x: float, width: float, top: float, series: Sequence[str]) -> Iterator[tuple[str, ...]]:
    below = 0.0
    for name in series:
        if value := bar.parts.get(name, 0.0):
            upper, lower = _y(below + value, top), _y(below, top)
            yield name, f"{x:.1f}", f"{upper:.1f}", f"{width:.1f}", f"{max(0.5, lower - upper):.1f}"
            below += value


def nice_top(value: float) -> float:
    """The round number at or above ``value`` that a scale ends with."""
    if value <= 0:
        return 1.0
    from math import floor, log10

    size: float = 10.0 ** floor(log10(value))
    return next(step * size for step in (1, 2, 2.5, 4, 5, 8, 10) if step * size >= value * 0.999999)
