#!/usr/bin/env python3
"""Draws what bench.py measured: time over native time per program, Dragoman's and QEMU's, on a logarithmic axis.

    plot.py RESULT.json GUEST >FILE.svg

One row a piece of work, grouped by category; a category's head shows the geometric means as diamonds. To the right stands how many
times native's time Dragoman took. bench.py calls this by itself."""
import json
import math
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import bench
import svg

LEFT, RIGHT, WIDTH, ROW = 130, 54, 860, 15
OURS, QEMU, GRID = "#0b6e4f", "#c8553d", "#dddddd"
TICKS = (0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500)


def rows_of(result, guest):
    """[(None, category) or (name, (ours, QEMU's))] from top to bottom; only what was measured."""
    ours, qemu = "dragoman:" + guest, "qemu:" + guest
    out = []
    for c in bench.CATEGORIES:
        names = sorted((n for n, r in result.items() if r["category"] == c and bench.ratio(r, ours, "native")),
                       key=lambda n: -bench.ratio(result[n], ours, "native"))
        if names:
            pairs = [(n, (bench.ratio(result[n], ours, "native"), bench.ratio(result[n], qemu, "native"))) for n in names]
            out.append((None, c, (bench.geomean(p[1][0] for p in pairs), bench.geomean(p[1][1] for p in pairs))))
            out += [(n, c, p) for n, p in pairs]
    return out


def draw(doc, guest):
    rows = rows_of(doc["work"], guest)
    values = [v for r in rows for v in r[2] if v] or [1]
    low, high = min(0.8, min(values) * 0.9), max(4, max(values) * 1.1)
    top = 70
    height = top + sum(ROW + (6 if r[0] is None else 0) for r in rows) + 30
    d = svg.Drawing(WIDTH, height)

    def x_of(v):
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(v / low) / math.log(high / low)

    d.text(10, 20, "%s programs: time over native time" % guest, font_size=15, font_weight="bold")
    d.text(10, 38, "%s; medians of %s rounds%s" % (doc["machine"], bench.rounds_of(doc), "; tier " + doc["tier"] if doc.get("tier") else ""), fill="#555")
    d.circle(WIDTH - 250, 16, 4, OURS)
    d.text(WIDTH - 240, 20, "Dragoman")
    d.circle(WIDTH - 160, 16, 4, QEMU)
    d.text(WIDTH - 150, 20, "QEMU " + (re.findall(r"[0-9]+[.][0-9]+", doc["versions"].get("qemu", "")) or [""])[0])
    for t in TICKS:
        if low <= t <= high:
            d.line(x_of(t), top - 8, x_of(t), height - 24, "#888" if t == 1 else GRID, 1.4 if t == 1 else 1)
            for y in (top - 12, height - 10):
                d.text(x_of(t), y, "native" if t == 1 else "%g" % t, "middle", "#555", font_size=10)
    y = top
    for name, category, (ours, qemu) in rows:
        head = name is None
        y += 6 if head else 0
        middle = y + ROW / 2
        if head:
            d.rect(0, y, WIDTH, ROW, "#eef2f5")
            for v, colour in ((qemu, QEMU), (ours, OURS)):
                if v:
                    d.add("path", d="M%.1f %.1fl5 -5l5 5l-5 5z" % (x_of(v) - 5, middle), fill=colour)
        else:
            if qemu:
                d.line(x_of(ours), middle, x_of(qemu), middle, "#bbb")
                d.circle(x_of(qemu), middle, 3.2, QEMU)
            d.circle(x_of(ours), middle, 3.6, OURS)
        d.text(10 if head else 22, middle + 4, category if head else name, font_weight="bold" if head else None)
        d.text(WIDTH - 8, middle + 4, "%.2f" % ours, "end", OURS if qemu is None or ours <= qemu else "#c00000", font_weight="bold" if head else None)
        y += ROW
    return str(d)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as f:
        sys.stdout.write(draw(json.load(f), sys.argv[2]))
