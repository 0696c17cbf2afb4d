"""Where the boxes and arrows of a BPMN drawing go: columns by distance from the start, rows within lanes. Pure.

```
    column 0        column 1
  ┌───────────────────────────────   lane
  │  box ──┐   ┌──► box              row 0
  │        │   │    (o) border event
  │        └───┘                     arrows run in the channels
  │  box                             row 1     between columns and below rows
```

Each box has a cell of its own, and arrows run between the cells only, so that nothing lies over a box.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workflow_engine.exchange.bpmn_drawing import Arrow, Box, Drawing

BAND = 30
"""Width of the band with the name of the pool, and of that of a lane."""

CELL_WIDTH = 100
CHANNEL = 90
CELL_HEIGHT = 140
MARGIN = 10
"""Above the box in a cell; a task has 80 of the rest, and below it run border events and arrows."""

_SIZES = {"Event": (36, 36), "Gateway": (50, 50), "Task": (100, 80)}
"""Of boxes by the last word of their element, as editors draw them."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A rectangle; y grows downwards."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> tuple[int, int]:
        """The point in its middle."""
        return self.x + self.width // 2, self.y + self.height // 2


Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes.

    Attributes:
        pool: Around everything.
        lanes: By key of the actor.
        boxes: By id.
        arrows: Way points by id.
    """

    pool: Bounds
    lanes: Mapping[str, Bounds]
    boxes: Mapping[str, Bounds]
    arrows: Mapping[str, Sequence[Point]]


def lay_out(drawing: Drawing, lanes: Sequence[str]) -> Layout:
    """Return the places of a drawing whose lanes come in this order; without lanes the pool is one."""
    standing = [box for box in drawing.boxes if not box.host]
    columns = _columns(drawing, standing)
    names = list(lanes) or [""]
    cells: dict[str, tuple[int, int, int]] = {}
    rows: dict[str, int] = dict.fromkeys(names, 1)
    filled: dict[tuple[str, int], int] = {}
    for box in standing:
        place = (box.lane, columns[box.id])
        row = filled.get(place, 0)
        filled[place] = row + 1
        rows[box.lane] = max(rows[box.lane], row + 1)
        cells[box.id] = (names.index(box.lane), columns[box.id], row)
    width = BAND + CHANNEL + (max(columns.values(), default=0) + 1) * (CELL_WIDTH + CHANNEL)
    tops, top = {}, 0
    for name in names:
        tops[name] = top
        top += rows[name] * CELL_HEIGHT
    boxes = {box.id: _standing(box, tops[box.lane], cells[box.id]) for box in standing}
    boxes |= {box.id: _attached(box, boxes[box.host]) for box in drawing.boxes if box.host}
    return Layout(
        pool=Bounds(0, 0, width + BAND, top),
        lanes={name: Bounds(BAND, tops[name], width, rows[name] * CELL_HEIGHT) for name in lanes},
        boxes=boxes,
        arrows={arrow.id: _way(arrow, index, boxes, drawing) for index, arrow in enumerate(drawing.arrows)},
    )


def _columns(drawing: Drawing, standing: Sequence[Box]) -> dict[str, int]:
    """Return the column of each box: its longest distance from the start, arrows that close a circle left out."""
    hosts = {box.id: box.host or box.id for box in drawing.boxes}
    following: dict[str, list[str]] = {box.id: [] for box in standing}
    for arrow in drawing.arrows:
        following[hosts[arrow.source]].append(arrow.target)
    order = _finished(following)
    columns = dict.fromkeys(following, 0)
    position = {key: index for index, key in enumerate(order)}
    for key in order:
        for target in following[key]:
            if position[target] > position[key]:
                columns[target] = max(columns[target], columns[key] + 1)
    return columns


def _finished(following: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the boxes so that arrows lead forward, but for those that close a circle (depth first, no recursion)."""
    found: list[str] = []
    seen: set[str] = set()
    for root in following:
        if root in seen:
            continue
        seen.add(root)
        stack = [(root, iter(following[root]))]
        while stack:
            key, targets = stack[-1]
            target = next((item for item in targets if item not in seen), None)
            if target is None:
                found.append(key)
                stack.pop()
            else:
                seen.add(target)
                stack.append((target, iter(following[target])))
    return found[::-1]


def _size(box: Box) -> tuple[int, int]:
    return next(size for word, size in _SIZES.items() if box.element.endswith(word))


def _standing(box: Box, top: int, cell: tuple[int, int, int]) -> Bounds:
    (width, height), (_, column, row) = _size(box), cell
    left = 2 * BAND + CHANNEL + column * (CELL_WIDTH + CHANNEL)
    middle = top + row * CELL_HEIGHT + MARGIN + _SIZES["Task"][1] // 2
    return Bounds(left + (CELL_WIDTH - width) // 2, middle - height // 2, width, height)


def _attached(box: Box, host: Bounds) -> Bounds:
    """Return the place of a border event: a timer left, an error right on the lower border."""
    (width, height), offset = _size(box), 25 if box.definition == "timer" else 75
    return Bounds(host.x + offset - width // 2, host.y + host.height - height // 2, width, height)


def _way(arrow: Arrow, index: int, boxes: Mapping[str, Bounds], drawing: Drawing) -> list[Point]:
    source, target = boxes[arrow.source], boxes[arrow.target]
    hosts = {box.id: box.host for box in drawing.boxes}
    left, right = (
        _cell_left(target) - CHANNEL + 50 + index % 8 * 4,
        _cell_left(source) + CELL_WIDTH + 12 + index % 8 * 4,
    )
    end = [(left, target.middle[1]), (target.x, target.middle[1])]
    if hosts[arrow.source]:
        x, below = source.middle[0], _channel(boxes[hosts[arrow.source]], index)
        return [(x, source.y + source.height), (x, below), (left, below), *end]
    start = (source.x + source.width, source.middle[1])
    if _cell_left(target) == _cell_left(source) + CELL_WIDTH + CHANNEL:
        if source.middle[1] == target.middle[1]:
            return [start, end[-1]]
        return [start, (right, start[1]), (right, end[0][1]), end[-1]]
    below = _channel(source, index)
    return [start, (right, start[1]), (right, below), (left, below), *end]


def _cell_left(box: Bounds) -> int:
    return box.middle[0] - CELL_WIDTH // 2


def _channel(box: Bounds, index: int) -> int:
    """Return the height of an arrow in the channel below a box."""
    return box.middle[1] + _SIZES["Task"][1] // 2 + 22 + index % 8 * 3
