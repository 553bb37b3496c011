"""Draw the state diagrams of ``states.md`` as SVG for the site.

Strategy: the states are boxes below each other. An arrow to the next state is straight. Each other
arrow has a lane beside the boxes: downwards at the right, upwards at the left. Its label is in a
gap between boxes, which no arrow crosses sideways. What leads back to the same state is named in
the box.
"""

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import NamedTuple

_ARROW = re.compile(r"^ *(\S+) --> (\w+)(?:: (.+))?$", re.MULTILINE)
_START = "[*]"

# All in pixels; the style sheet sets letters of 13.
_BOX = 180
_LINE = 17
_PORT = 14
_LETTER = 7.2
_EDGE = 4


class _Arrow(NamedTuple):
    source: int
    target: int
    events: tuple[str, ...]

    @property
    def upper(self) -> int:
        return min(self.source, self.target)

    @property
    def lower(self) -> int:
        return max(self.source, self.target)


def draw(diagram: str) -> str:
    """Return the SVG of a Mermaid state diagram.

    Args:
        diagram: lines of ``state --> state: event, event``, and one from ``[*]``.
    """
    found = _ARROW.findall(diagram)
    [first] = [target for source, target, _ in found if source == _START]
    found = [(source, target, events) for source, target, events in found if source != _START]
    names = list(dict.fromkeys(source for source, _, _ in found))
    arrows = [
        _Arrow(names.index(source), names.index(target), tuple(events.split(", ")))
        for source, target, events in found
    ]
    return "".join(_Drawing(names, first, arrows).svg())


class _Drawing:
    """A diagram with its measures."""

    def __init__(self, names: list[str], first: str, arrows: list[_Arrow]) -> None:
        self._names, self._first, self._arrows = names, first, arrows
        self._stays = {
            arrow.source: arrow.events for arrow in arrows if arrow.source == arrow.target
        }
        self._next = [arrow for arrow in arrows if arrow.target == arrow.source + 1]
        self._down = _lanes(arrow for arrow in arrows if arrow.target > arrow.source + 1)
        self._up = _lanes(arrow for arrow in arrows if arrow.target < arrow.source)
        self._left = _EDGE + max(map(sum, self._up.values()), default=0)
        self._width = self._left + _BOX + max(map(sum, self._down.values()), default=0) + _EDGE
        self._place_boxes()

    def _place_boxes(self) -> None:
        """Set the tops and heights of the boxes."""
        self._tops: list[int] = []
        self._heights: list[int] = []
        y = _EDGE
        for state in range(len(self._names)):
            ports = max(len(self._ports(lanes, state)) for lanes in (self._down, self._up))
            height = max(_LINE * (1 + len(self._stays.get(state, ()))) + 16, _PORT * ports + 8)
            labels = [len(arrow.events) for arrow in self._arrows if arrow.upper == state]
            self._tops.append(y)
            self._heights.append(height)
            y += height + _LINE * max(labels, default=0) + 18
        self._height = self._tops[-1] + self._heights[-1] + _EDGE

    def svg(self) -> Iterator[str]:
        """Yield the parts of the SVG."""
        said = "; ".join(
            f"{self._names[source]} to {self._names[target]}: {', '.join(events)}"
            for source, target, events in self._arrows
        )
        yield (
            f'<svg class="states" role="img" aria-label="{escape(said)}" '
            f'width="{self._width:.0f}" height="{self._height}">'
        )
        for state, name in enumerate(self._names):
            yield from self._box(state, name)
        for arrow in self._next:
            x, bottom, top = (
                self._left + _BOX / 2,
                self._bottom(arrow.source),
                self._tops[arrow.target],
            )
            yield _path(
                f"M{x} {bottom}V{top - 2}", f"M{x - 4} {top - 8}L{x} {top - 1}L{x + 4} {top - 8}"
            )
            yield _label(x + 9, (bottom + top) / 2, arrow.events)
        for arrow in self._down:
            yield from self._beside(self._down, arrow, self._left + _BOX, 1)
        for arrow in self._up:
            yield from self._beside(self._up, arrow, self._left, -1)
        yield "</svg>"

    def _bottom(self, state: int) -> int:
        return self._tops[state] + self._heights[state]

    def _box(self, state: int, name: str) -> Iterator[str]:
        stays = self._stays.get(state, ())
        x, y = self._left + _BOX / 2, self._tops[state] + self._heights[state] / 2
        yield (
            f'<rect{" class=first" if name == self._first else ""} x="{self._left:.0f}" '
            f'y="{self._tops[state]}" width="{_BOX}" height="{self._heights[state]}" rx="6"/>'
        )
        yield _text(x, y - _LINE * len(stays) / 2, name, "name")
        for line, event in enumerate(stays):
            yield _text(x, y + _LINE * (line + 1 - len(stays) / 2), f"↻ {event}", "stays")

    def _ports(self, lanes: dict[_Arrow, tuple[float, float]], state: int) -> list[_Arrow]:
        """Return the arrows at one side of a box, from above: the nearest lanes are outermost."""
        above = [arrow for arrow in lanes if arrow.lower == state]
        return [*above, *(arrow for arrow in reversed(lanes) if arrow.upper == state)]

    def _port(self, lanes: dict[_Arrow, tuple[float, float]], arrow: _Arrow, state: int) -> float:
        ports = self._ports(lanes, state)
        middle = self._tops[state] + self._heights[state] / 2
        return middle + (ports.index(arrow) - (len(ports) - 1) / 2) * _PORT

    def _beside(
        self, lanes: dict[_Arrow, tuple[float, float]], arrow: _Arrow, edge: float, out: int
    ) -> Iterator[str]:
        start, end = (self._port(lanes, arrow, state) for state in (arrow.source, arrow.target))
        x = edge + out * lanes[arrow][0]
        way = f"M{edge} {start}H{x}V{end}H{edge + 2 * out}"
        yield _path(
            way, f"M{edge + 8 * out} {end - 4}L{edge + out} {end}L{edge + 8 * out} {end + 4}"
        )
        between = (self._bottom(arrow.upper) + self._tops[arrow.upper + 1]) / 2
        yield _label(x + 6 * out, between, arrow.events, "" if out > 0 else "before")


def _lanes(arrows: Iterable[_Arrow]) -> dict[_Arrow, tuple[float, float]]:
    """Give each arrow the distance of its lane from the boxes, and the width of its label.

    Short arrows are near the boxes.
    """
    lanes = {}
    distance = 16.0
    for arrow in sorted(arrows, key=lambda arrow: (arrow.lower - arrow.upper, arrow.upper)):
        width = 6 + _LETTER * max(map(len, arrow.events))
        lanes[arrow] = distance, width
        distance += width + 10
    return lanes


def _path(*ways: str) -> str:
    return f'<path d="{"".join(ways)}"/>'


def _label(x: float, y: float, lines: tuple[str, ...], kind: str = "") -> str:
    top = y - _LINE * (len(lines) - 1) / 2
    return "".join(_text(x, top + _LINE * row, line, kind) for row, line in enumerate(lines))


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
