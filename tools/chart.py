# SPDX-License-Identifier: BSD-2-Clause
"""An SVG chart of the rounds of each migration in a demo report."""

WIDTH, PANEL, LEFT, TOP = 760, 250, 64, 46


def _bar(x, y, width, height, colour):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _text(x, y, text, size=12, anchor="middle", colour="#333"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
            f'font-family="sans-serif">{text}</text>')


def _escape(text):
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _number(value, unit):
    return "?" if value is None else f"{value:.0f} {unit}"


def _panel(migration, top):
    """MiB sent in each round as bars, its time written above; the last round is the one with the guest stopped."""
    rounds = migration.get("rounds") or []
    sizes = [r.get("bytes", 0) / 2**20 for r in rounds]
    most = max(sizes, default=0) or 1
    height, base = PANEL - 90, top + PANEL - 40
    title = (f'{migration["from"]} to {migration["to"]}: {len(rounds)} rounds, total {_number(migration.get("total_ms"), "ms")}, '
             f'downtime {_number(migration.get("downtime_ms"), "ms")}, seen by the guest '
             f'{_number(migration.get("guest_blackout_ms"), "ms")}')
    out = [_text(LEFT, top + 16, _escape(title), 14, "start", "#000")]
    for tick in range(5):
        y = base - height * tick / 4
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - 16}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(_text(LEFT - 6, y + 4, f"{most * tick / 4:.3g}", 11, "end"))
    step = (WIDTH - LEFT - 16) / max(len(rounds), 1)
    for i, (size, entry) in enumerate(zip(sizes, rounds)):
        x, tall = LEFT + step * i + step * 0.15, height * size / most
        stopped = i == len(rounds) - 1
        out.append(_bar(x, base - max(tall, 1), min(step * 0.7, 80), max(tall, 1), "#c0504d" if stopped else "#4f81bd"))
        middle = x + min(step * 0.7, 80) / 2
        out.append(_text(middle, base - max(tall, 1) - 5, f'{entry.get("ms", 0):.0f} ms', 10))
        out.append(_text(middle, base + 15, "stopped" if stopped else f"round {i + 1}", 10))
        out.append(_text(middle, base + 28, f'{entry.get("pages", 0)} pages', 10))
    return out


def rounds_svg(report):
    migrations = report.get("migrations") or []
    height = TOP + PANEL * max(len(migrations), 1) + 10
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">',
           f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
           _text(WIDTH / 2, 24, "Live migration: MiB sent in each round", 16, colour="#000")]
    for i, migration in enumerate(migrations):
        out += _panel(migration, TOP + PANEL * i)
    return "\n".join(out + ["</svg>", ""])
