"""Draws the dashboard without Grafana: `python scripts/draw_dashboard.py http://127.0.0.1:9090 picture.svg`.

Sends the dashboard's queries for the last two minutes to Prometheus and draws the results.
"""

import json
import sys
import time
import urllib.parse
import urllib.request
from html import escape
from pathlib import Path
from typing import Any

from make_dashboard import PANELS

SECONDS, STEP, RATE_INTERVAL = 120, 1, "10s"
WIDTH, HEIGHT, MARGIN = 560, 210, 14
COLOURS = ("#3274d9", "#e0752d", "#37872d", "#c4162a", "#8f3bb8", "#b08800", "#1f8f8f", "#7a7a7a")
FACTORS = {"s": (1000, "ms"), "percentunit": (100, "%"), "bytes": (1 / 1024**2, "MiB"), "reqps": (1, "/s")}

Series = list[tuple[str, list[tuple[float, float]]]]


def main(prometheus: str, picture: str) -> None:
    """Draw all panels in two columns."""
    end = time.time()
    panels = []
    for number, (title, (unit, queries)) in enumerate(PANELS.items()):
        series = [line for legend, query in queries.items() for line in fetch(prometheus, legend, query, end)]
        x, y = number % 2 * WIDTH, number // 2 * HEIGHT
        panels.append(f'<g transform="translate({x} {y})">{draw(title, unit, series, end)}</g>')
    rows = -(-len(PANELS) // 2)
    frame = f'width="{2 * WIDTH}" height="{rows * HEIGHT}" font-family="sans-serif" font-size="11"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {frame}><rect width="100%" height="100%" fill="#fff"/>'
    Path(picture).write_text(svg + "\n".join(panels) + "</svg>\n")


def fetch(prometheus: str, legend: str, query: str, end: float) -> Series:
    """Return the lines of a query, with their legends."""
    expression = query.replace("$__rate_interval", RATE_INTERVAL)
    parameters = urllib.parse.urlencode({"query": expression, "start": end - SECONDS, "end": end, "step": STEP})
    address = f"{prometheus}/api/v1/query_range?{parameters}"
    with urllib.request.urlopen(address, timeout=10) as response:  # noqa: S310 - the caller's own server
        found: list[dict[str, Any]] = json.load(response)["data"]["result"]
    lines: Series = []
    for line in found:
        name = legend
        for label, value in line["metric"].items():
            name = name.replace("{{" + label + "}}", value)
        lines.append((name, [(at, float(value)) for at, value in line["values"] if value != "NaN"]))
    return lines


def draw(title: str, unit: str, series: Series, end: float) -> str:
    """Return one panel: title, axis, lines and legend."""
    factor, name = FACTORS.get(unit, (1, ""))
    top = max((value for _, points in series for _, value in points), default=0) or 1
    left, low, high = 70, HEIGHT - 58, 34
    width = WIDTH - left - MARGIN
    parts = [
        f'<rect x="4" y="4" width="{WIDTH - 8}" height="{HEIGHT - 8}" fill="none" stroke="#ddd"/>',
        f'<text x="{MARGIN}" y="22" font-weight="bold">{escape(title)}</text>',
    ]
    for share in (0, 0.5, 1):
        y = low - share * (low - high)
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y}" y2="{y}" stroke="#eee"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{short(top * share * factor)} {name}</text>')
    for position, (legend, points) in enumerate(series[:8]):
        colour = COLOURS[position]
        path = " ".join(
            f"{left + (at - end + SECONDS) / SECONDS * width:.1f},{low - value / top * (low - high):.1f}"
            for at, value in points
        )
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        x, y = MARGIN + position % 3 * 180, HEIGHT - 40 + position // 3 * 15
        parts.append(f'<text x="{x}" y="{y}" fill="{colour}">{escape(legend)}</text>')
    return "".join(parts)


def short(value: float) -> str:
    """Format a number for an axis."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits are enough


if __name__ == "__main__":
    main(*sys.argv[1:])
