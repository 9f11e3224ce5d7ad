"""The most telling figures as bars, in one SVG that can be read on light and dark ground."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import interval
import latency
import memory
import start
from report import Figure, Table, number
from rivals import BARE, FLASK, OURS, SERVERS

Tables = Mapping[str, Table]
WIDTH = 880
COLUMNS = 2
PANEL = WIDTH // COLUMNS
LABELS = 170
BARS = 185
LINE = 20
HEAD = 46
INK = "#737d87"  # text that stands out from white and from black alike
OURS_INK = "#2f81f7"
REST_INK = "#9aa4af"
STYLE = f"""text {{ font: 12px system-ui, sans-serif; fill: {INK}; }} .title {{ font-weight: 600; font-size: 13px; }}
.ours {{ fill: {OURS_INK}; }} .rest {{ fill: {REST_INK}; }} text.ours {{ font-weight: 600; }}
line {{ stroke: {INK}; stroke-width: 1; }}"""


@dataclass(frozen=True)
class Panel:
    title: str
    better: str
    bars: Sequence[tuple[str, Figure]]


def picked(tables: Tables, name: str, column: str, rows: Mapping[str, str]) -> list[tuple[str, Figure]]:
    """Of a table's rows those that are there, as they are called in the picture."""
    table = tables.get(name)
    if table is None:
        return []
    return [(label, table.rows[row][column]) for row, label in rows.items() if column in table.rows.get(row, {})]


def of_servers(tables: Tables, row: str) -> list[tuple[str, Figure]]:
    table = tables.get("Answers per second")
    cells = table.rows.get(row, {}) if table else {}
    return [(name, cells[name]) for name in SERVERS if name in cells]


def panels(tables: Tables) -> list[Panel]:
    slow = latency.where(latency.SLOW_SECONDS)
    waits = {
        f"{OURS}, warm, {slow}": f"{OURS}, warm",
        f"{OURS}, cold, {slow}": f"{OURS}, cold",
        f"{FLASK}, cold, {slow}": f"{FLASK}, cold",
    }
    starts = {
        "state directory, NAS dark": f"{OURS}, NAS off",
        "cold, NAS 20 ms away": f"{OURS}, cold",
        "twelve-line script, NAS 20 ms away": "twelve-line script",
    }
    memories = {
        f"{name}: {state}": f"{name}, {shown}"
        for state, shown in (("base", "base"), (f"churned, limit {memory.LIMIT} MB", "churned"))
        for name in (OURS, FLASK)
    }
    engines = [OURS, "synology-api", "py-synologydsm-api", FLASK]
    looks = {interval.row_of(name, 10_000, "unchanged"): name for name in engines}
    found = [
        Panel("300 KB photos per second", "more is better", of_servers(tables, "300 KB, 8 connections")),
        Panel("304 answers per second", "more is better", of_servers(tables, "304, 8 connections")),
        Panel(
            "GET /files, p99 in ms, NAS 300 ms away",
            "less is better",
            picked(tables, f"GET /files for {latency.KIOSKS} kiosks", "p99, ms", waits),
        ),
        Panel(
            "First photo after start, seconds, NAS 20 ms away",
            "less is better",
            picked(tables, "From start to the first photo", start.SECONDS, starts),
        ),
        Panel(
            f"Resident memory, MB (limit {memory.LIMIT} MB)",
            "less is better",
            picked(tables, "Resident memory", "MB", memories),
        ),
        Panel(
            "KB from the NAS for one look at 10,000 photos",
            "less is better",
            picked(tables, "One look at the album", "KB from the NAS", looks),
        ),
    ]
    return [panel for panel in found if panel.bars]


def draw(tables: Tables) -> str:
    found = panels(tables)
    shapes: list[str] = []
    top = 0
    for row in range(0, len(found), COLUMNS):
        beside = found[row : row + COLUMNS]
        for column, panel in enumerate(beside):
            shapes += _panel(panel, column * PANEL, top)
        top += HEAD + LINE * max(len(panel.bars) for panel in beside) + 14
    size = f'width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
        f"<title>photos-sync measured against {escape(BARE)}, Flask, nginx, Varnish and others</title>"
        f"<style>{STYLE}</style>\n" + "\n".join(shapes) + "\n</svg>\n"
    )


def _panel(panel: Panel, left: int, top: int) -> Iterator[str]:
    yield f'<text class="title" x="{left + 10}" y="{top + 22}">{escape(panel.title)}</text>'
    yield f'<text x="{left + 10}" y="{top + 38}">{escape(panel.better)}</text>'
    longest = max(max(found.values) for _, found in panel.bars)
    for place, (label, found) in enumerate(panel.bars):
        kind = "ours" if label.startswith(OURS) else "rest"
        middle = top + HEAD + LINE * place + 9
        yield from _bar(label, found, kind, left, middle, BARS / longest)


def _bar(label: str, found: Figure, kind: str, left: int, middle: int, scale: float) -> Iterator[str]:
    """The median, and a line from the least to the most."""
    zero = left + LABELS
    least, most = (zero + value * scale for value in (min(found.values), max(found.values)))
    shown = ' class="ours"' if kind == "ours" else ""
    yield f'<text{shown} x="{zero - 8}" y="{middle + 4}" text-anchor="end">{escape(label)}</text>'
    width = max(1.0, found.median * scale)
    yield f'<rect class="{kind}" x="{zero}" y="{middle - 6}" width="{width:.1f}" height="12" rx="2"/>'
    yield f'<line x1="{least:.1f}" y1="{middle}" x2="{most:.1f}" y2="{middle}"/>'
    yield f'<text x="{max(most, zero + width) + 6:.1f}" y="{middle + 4}">{number(found.median)}</text>'
