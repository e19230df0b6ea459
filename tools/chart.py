# SPDX-License-Identifier: BSD-2-Clause
"""An SVG chart of the rounds of each migration in a demo report."""
import math

WIDTH, PANEL, LEFT, TOP = 760, 250, 64, 46


def ticks(most):
    """A linear axis from 0 that holds MOST: 4 to 8 equal steps of 1, 2 or 5 times a power of ten.

    Returns the list of ticks; the last one is the end of the axis.
    """
    if most <= 0:
        return [0, 1]
    # The greatest step that still gives four or more.
    power = math.floor(math.log10(most))
    for mantissa, power in ((2, power), (1, power), (5, power - 1), (2, power - 1)):
        # 3 x 0.1 is not 0.3 in floating point, and 3 / 10 is: so a small step is divided by.
        scale = (mantissa, 10**-power) if power < 0 else (mantissa * 10**power, 1)
        steps = math.ceil(most * scale[1] / scale[0] - 1e-9)
        if steps >= 4:
            break
    return [i * scale[0] if scale[1] == 1 else i * scale[0] / scale[1] for i in range(steps + 1)]


def decades(values):
    """The ends of a logarithmic axis: the powers of ten that enclose all VALUES above 0."""
    positive = [value for value in values if value > 0] or [1]
    least = math.floor(math.log10(min(positive)) + 1e-9)
    most = math.ceil(math.log10(max(positive)) - 1e-9)
    return 10.0**least, 10.0**max(most, least + 1)


def _bar(x, y, width, height, colour):
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'fill="{colour}"/>')


def _text(x, y, text, size=12, anchor="middle", colour="#333"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}" font-family="sans-serif">{text}</text>')


def _escape(text):
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _number(value, unit):
    return "?" if value is None else f"{value:.0f} {unit}"


def _title(migration, rounds):
    total, downtime, blackout = (_number(migration.get(key), "ms") for key in
                                 ("total_ms", "downtime_ms", "guest_blackout_ms"))
    return (f'{migration["from"]} to {migration["to"]}: {len(rounds)} rounds, total {total}, '
            f'downtime {downtime}, seen by the guest {blackout}')


def _panel(migration, top):
    """One bar per round: its height is the MiB sent, above it stands the round's time.

    The last bar is the round that is sent while the guest is stopped.
    """
    rounds = migration.get("rounds") or []
    sizes = [r.get("bytes", 0) / 2**20 for r in rounds]
    marks = ticks(max(sizes, default=0))
    # Room above the axis' end: for the title, and for the time above a bar that is as tall.
    height, base = PANEL - 90, top + PANEL - 40
    out = [_text(LEFT, top + 16, _escape(_title(migration, rounds)), 14, "start", "#000")]
    for mark in marks:
        y = base - height * mark / marks[-1]
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - 16}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(_text(LEFT - 6, y + 4, f"{mark:g}", 11, "end"))
    step = (WIDTH - LEFT - 16) / max(len(rounds), 1)
    for i, (size, entry) in enumerate(zip(sizes, rounds)):
        x, tall = LEFT + step * i + step * 0.15, max(height * size / marks[-1], 1)
        width, stopped = min(step * 0.7, 80), i == len(rounds) - 1
        out.append(_bar(x, base - tall, width, tall, "#c0504d" if stopped else "#4f81bd"))
        middle = x + width / 2
        out.append(_text(middle, base - tall - 5, f'{entry.get("ms", 0):.0f} ms', 10))
        out.append(_text(middle, base + 15, "stopped" if stopped else f"round {i + 1}", 10))
        out.append(_text(middle, base + 28, f'{entry.get("pages", 0)} pages', 10))
    return out


def rounds_svg(report):
    migrations = report.get("migrations") or []
    height = TOP + PANEL * max(len(migrations), 1) + 10
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
           f'viewBox="0 0 {WIDTH} {height}">',
           f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
           _text(WIDTH / 2, 24, "Live migration: MiB sent in each round", 16, colour="#000")]
    for i, migration in enumerate(migrations):
        out += _panel(migration, TOP + PANEL * i)
    return "\n".join(out + ["</svg>", ""])
