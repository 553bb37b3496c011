"""The picture of docs/performance.md, as SVG."""

from dataclasses import dataclass
from html import escape

from .figures import Book, Spread, shown

WIDTH, PANEL_WIDTH, MARGIN = 1000, 470, 20
LABEL_WIDTH, ROW_HEIGHT, HEAD_HEIGHT, FOOT_HEIGHT, TOP = 120, 22, 34, 38, 64
BAR_WIDTH = PANEL_WIDTH - LABEL_WIDTH - 70

OURS, FLOOR, OTHERS = "#1f6feb", "#57606a", "#a8b3bf"
INK, FAINT, GROUND = "#1f2328", "#d0d7de", "#ffffff"


@dataclass(frozen=True, slots=True)
class Panel:
    """One comparison."""

    title: str
    scenario: str
    figure: str
    axis: str
    unit: float = 1


PANELS = (
    Panel(
        "Fan-out to 1,000, one message in flight",
        "fanout_1000_b1_64",
        "cpu_us_per_delivery",
        "CPU µs per delivery",
    ),
    Panel(
        "Fan-out to 1,000, bursts of 16",
        "fanout_1000_b16_64",
        "cpu_us_per_delivery",
        "CPU µs per delivery",
    ),
    Panel(
        "Private messages to 1,000 users, full rate",
        "private",
        "cpu_us_per_delivery",
        "CPU µs per delivery",
    ),
    Panel("Private messages, 1,000 a second", "private_rate", "p99_us", "p99 latency, ms", 1000),
    Panel(
        "Connect (Sockgate alone checks a login)",
        "connect_1000",
        "connect_cpu_us",
        "CPU µs per connection",
    ),
    Panel("Memory of one of 1,000 idle connections", "idle_1000", "held_kib_per_conn", "KiB (PSS)"),
)
"""Panels; only those with results are drawn."""


def draw(book: Book) -> str:
    """Draw all panels, two a row."""
    parts, y = [], TOP
    panels = [p for p in PANELS if book.spread(p.scenario, "sockgate", p.figure)]
    for first in range(0, len(panels), 2):
        pair = panels[first : first + 2]
        drawn = [
            _panel(book, panel, MARGIN + i * (PANEL_WIDTH + 20), y) for i, panel in enumerate(pair)
        ]
        parts += [svg for svg, _ in drawn]
        y += max(height for _, height in drawn)
    return "\n".join([*_head(book, y), *parts, "</svg>", ""])


def _head(book: Book, height: int) -> list[str]:
    title = "Sockgate beside the others: less is better"
    facts = f"One core, medians of interleaved runs (lines: from least to most); {book.mode}"
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="{title}">',
        f'<rect width="{WIDTH}" height="{height}" fill="{GROUND}"/>',
        _text(MARGIN, 28, title, size=19, weight="bold"),
        _text(MARGIN, 48, facts, colour=FLOOR),
    ]


def _panel(book: Book, panel: Panel, x: int, y: int) -> tuple[str, int]:
    rows = [
        (server, spread)
        for server in book.versions
        if (spread := book.spread(panel.scenario, server, panel.figure)) and spread.median > 0
    ]
    height = HEAD_HEIGHT + len(rows) * ROW_HEIGHT + FOOT_HEIGHT
    if not rows:
        return "", height
    largest = max(spread.median for _, spread in rows) / panel.unit
    step = _step(largest)
    scale = BAR_WIDTH / (largest or 1)
    bottom = y + HEAD_HEIGHT + len(rows) * ROW_HEIGHT
    parts = [_text(x, y + 18, panel.title, size=14, weight="bold")]
    parts += _axis(x + LABEL_WIDTH, y + HEAD_HEIGHT - 6, bottom, step, largest, scale, panel.axis)
    for i, (server, spread) in enumerate(rows):
        parts.append(
            _bar(
                x, y + HEAD_HEIGHT + i * ROW_HEIGHT, server, spread, scale / panel.unit, panel.unit
            )
        )
    return "\n".join(parts), height


def _axis(
    x: int, top: int, bottom: int, step: float, largest: float, scale: float, name: str
) -> list[str]:
    parts = [_text(x + BAR_WIDTH / 2, bottom + 28, name, colour=FLOOR, anchor="middle", size=12)]
    for i in range(int(largest / step) + 1):
        at = x + i * step * scale
        parts.append(
            f'<line x1="{at:.1f}" y1="{top}" x2="{at:.1f}" y2="{bottom}" stroke="{FAINT}"/>'
        )
        parts.append(
            _text(at, bottom + 14, f"{i * step:g}", colour=FLOOR, anchor="middle", size=11)
        )
    return parts


def _bar(x: int, y: int, server: str, spread: Spread, scale: float, unit: float) -> str:
    is_ours = server == "sockgate"
    colour = OURS if is_ours else FLOOR if server == "floor" else OTHERS
    left, width, middle = x + LABEL_WIDTH, spread.median * scale, y + ROW_HEIGHT / 2
    low, high = left + spread.low * scale, left + min(spread.high * scale, BAR_WIDTH + 8)
    weight = "bold" if is_ours else "normal"
    return "\n".join(
        [
            _text(left - 8, middle + 4, server, anchor="end", weight=weight),
            f'<rect x="{left}" y="{y + 3}" width="{max(width, 1):.1f}" '
            f'height="{ROW_HEIGHT - 6}" fill="{colour}"/>',
            f'<line x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}" stroke="{INK}"/>',
            _text(
                max(left + width, high) + 6,
                middle + 4,
                shown(spread.median / unit),
                weight=weight,
            ),
        ]
    )


def _step(largest: float) -> float:
    """Choose a round step, for about five steps."""
    if largest <= 0:
        return 1
    size = 10.0 ** (len(f"{int(largest)}") - 1) if largest >= 1 else 0.1
    return next((size * m for m in (0.1, 0.2, 0.5, 1, 2, 5) if largest / (size * m) <= 6), size * 5)


def _text(
    x: float,
    y: float,
    text: str,
    *,
    colour: str = INK,
    anchor: str = "start",
    size: int = 13,
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" '
        f'font-size="{size}" font-weight="{weight}">{escape(text)}</text>'
    )
