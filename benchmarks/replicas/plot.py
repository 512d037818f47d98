"""The simulation as a picture for the documentation: mean latency of each way to choose, on a logarithmic scale."""

import math
from pathlib import Path
from typing import Final

from benchmarks.replicas.simulation import CHOOSERS, mean_of

TARGET: Final = Path(__file__).parents[2] / "docs" / "replicas" / "balancing.svg"
_ROW, _LEFT, _WIDTH, _TOP = 34, 250, 380, 34
_LEAST, _MOST = 0.1, 100.0
_STYLE: Final = (
    "text{font:13px sans-serif;fill:#444}.faint{fill:#888}.grid{stroke:#ccc;stroke-width:.6}"
    "rect{fill:#9db4c8}rect.ours{fill:#2f6f4f}@media(prefers-color-scheme:dark){text{fill:#ccc}.grid{stroke:#555}}"
)


def _place(seconds: float) -> float:
    share = math.log(seconds / _LEAST) / math.log(_MOST / _LEAST)
    return _LEFT + _WIDTH * min(1.0, max(0.0, share))


def drawn(means: dict[str, float]) -> str:
    """The picture."""
    height = _TOP + _ROW * len(means) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 70} {height}" role="img">',
        f"<style>{_STYLE}</style>",
    ]
    for tick in (0.1, 1.0, 10.0, 100.0):
        x = _place(tick)
        parts.append(f'<line class="grid" x1="{x:.0f}" y1="{_TOP - 8}" x2="{x:.0f}" y2="{height}"/>')
        parts.append(f'<text class="faint" x="{x:.0f}" y="{_TOP - 14}" text-anchor="middle">{tick:g} s</text>')
    for row, (name, mean) in enumerate(means.items()):
        y = _TOP + _ROW * row
        kind = ' class="ours"' if name.startswith("two random") else ""
        parts.append(f'<text x="{_LEFT - 12}" y="{y + 17}" text-anchor="end">{name}</text>')
        parts.append(f'<rect{kind} x="{_LEFT}" y="{y}" width="{_place(mean) - _LEFT:.0f}" height="24"/>')
        parts.append(f'<text x="{_place(mean) + 6:.0f}" y="{y + 17}">{mean:.2f} s</text>')
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    """Simulate and draw."""
    TARGET.write_text(drawn({name: mean_of(name) for name in CHOOSERS}))
    print(TARGET)


if __name__ == "__main__":
    main()
