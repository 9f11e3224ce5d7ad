"""Figures, each measured several times, in tables; and targets, met or missed."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from processes import end_in_order


@dataclass(frozen=True)
class Figure:
    """What one quantity was in each run."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        if len(self.values) == 1:
            return number(self.median)
        return f"{number(self.median)} ({number(min(self.values))}–{number(max(self.values))})"


def figure(values: Iterable[float]) -> Figure:
    return Figure(tuple(values))


def ratio(these: Figure, those: Figure) -> Figure:
    """Run by run: both were measured in turn, so that a change of the machine's speed meets both."""
    return figure(one / other for one, other in zip(these.values, those.values, strict=True))


def number(value: float) -> str:
    """Three digits are what such measurements are good for."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


@dataclass(frozen=True)
class Target:
    """A limit for the median of a figure, as it is printed."""

    text: str
    figure: Figure
    limit: float
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        value = round(self.figure.median, 2) if self.figure.median >= 0.01 else self.figure.median
        return value >= self.limit if self.at_least else value <= self.limit

    @property
    def wanted(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {number(self.limit)}"


@dataclass
class Table:
    """`name` says what and in which unit; a cell that is missing was not measured."""

    name: str
    columns: Sequence[str]
    rows: dict[str, dict[str, Figure]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def put(self, row: str, column: str, values: Iterable[float]) -> Figure:
        assert column in self.columns, column
        found = figure(values)
        self.rows.setdefault(row, {})[column] = found
        return found

    def at(self, row: str, column: str) -> Figure:
        return self.rows[row][column]

    def has(self, row: str) -> bool:
        return row in self.rows

    def markdown(self) -> str:
        lines = [f"### {self.name}", "", f"| | {' | '.join(self.columns)} |", f"|---|{'---|' * len(self.columns)}"]
        for row, cells in self.rows.items():
            lines.append(f"| {row} | {' | '.join(str(cells.get(column, '')) for column in self.columns)} |")
        if self.targets:
            lines += ["", "| target | wanted | measured | |", "|---|---|---|---|"]
        for target in self.targets:
            verdict = "met" if target.is_met else "**missed**"
            lines.append(f"| {target.text} | {target.wanted} | {target.figure} | {verdict} |")
        for note in self.notes:
            lines += ["", note]
        return "\n".join(lines) + "\n"

    def json_lines(self) -> Iterator[str]:
        for row, cells in self.rows.items():
            for column, found in cells.items():
                yield json.dumps({"table": self.name, "row": row, "column": column, "values": found.values})
        for target in self.targets:
            told = {"target": target.text, "wanted": target.wanted, "values": target.figure.values}
            yield json.dumps({"table": self.name, **told, "met": target.is_met})


def show(run: Callable[[], list[Table]]) -> None:
    """One benchmark alone."""
    end_in_order()
    for table in run():
        print(table.markdown())
