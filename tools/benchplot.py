# SPDX-License-Identifier: BSD-2-Clause
"""SVG plots of figures (benchdata.py), drawn by gnuplot.

Linear axes have ticks of 1, 2 or 5 times a power of ten, logarithmic ones end at powers of ten.
"""
import os
import subprocess

import benchdata
import chart

COLOURS = ("#1f6fb2", "#c0504d", "#3c8d2f", "#8064a2", "#e08a1e", "#4bacc6", "#7f7f7f", "#a05020")
HEAD = """set terminal svg size {width},{height} font 'sans-serif,13' background 'white'
set output '{path}'
set title '{title}' noenhanced
set xlabel '{xlabel}' noenhanced
set ylabel '{ylabel}' noenhanced
set grid ytics lc '#dddddd'
set border 3
set tics nomirror
set key outside right top Left reverse noenhanced
"""


def linear_axis(values):
    """gnuplot's settings of a y axis from 0 that holds VALUES."""
    marks = chart.ticks(max(values, default=0))
    return f"set yrange [0:{marks[-1]:g}]\nset ytics {marks[1]:g}\n"


def log_axis(values):
    """gnuplot's settings of a logarithmic y axis that holds VALUES."""
    least, most = chart.decades(values)
    return f"set logscale y\nset yrange [{least:g}:{most:g}]\nset ytics {least:g},10,{most:g}\n"


def _gnuplot(path, script):
    done = subprocess.run(["gnuplot"], input=script, capture_output=True, text=True, check=False)
    if done.returncode or not os.path.getsize(path):
        raise ValueError(f"gnuplot could not draw {path}: {done.stderr.strip()}")


def _lines(path, title, xlabel, ylabel, series, axis, settings=""):
    """SERIES: [(label, [(x, y)])]; AXIS: linear_axis or log_axis."""
    script = HEAD.format(width=900, height=460, path=path, title=title, xlabel=xlabel,
                         ylabel=ylabel)
    script += axis([y for _, points in series for _, y in points]) + settings
    blocks, plots = [], []
    for i, (label, points) in enumerate(one for one in series if one[1]):
        blocks.append(f"$d{i} << EOD\n" + "\n".join(f"{x} {y}" for x, y in points) + "\nEOD\n")
        # The curves of hardware often lie on those of software: dashes leave both visible.
        dashes = 2 if "hw" in label.split(", ") else 1
        plots.append(f"$d{i} using 1:2 with linespoints lw 2 dt {dashes} pt {5 + i % 4 * 2} ps 0.7 "
                     f"lc '{COLOURS[i % len(COLOURS)]}' title '{label}'")
    _gnuplot(path, script + "".join(blocks) + "plot " + ", ".join(plots) + "\n")


def _points(figures, work, x, **parameters):
    return sorted((one["parameters"][x], one["value"])
                  for one in benchdata.select(figures, work, **parameters)
                  if x in one["parameters"] and one["value"] > 0)


def draw_size(figures, path):
    """Cost of whole calls, by the guest's size."""
    series = []
    for mode in ("sw", "hw"):
        for label, percent in (("clean", 0), ("1 % at random", 1), ("all dirty", 100)):
            order = "random" if percent == 1 else "sequential"
            series.append((f"get and clear, {label}, {mode}",
                           _points(figures, "get-clear-whole", "guest_mib", mode=mode, leaves="4k",
                                   vcpus=1, dirty_percent=percent, order=order)))
    for leaves in ("2m", "4k"):
        pages = _points(figures, "dirty-enable-per-page", "guest_mib", mode="sw", leaves=leaves,
                        vcpus=1)
        series.append((f"enable, {leaves} leaves, sw",
                       [(mib, value * mib * 256) for mib, value in pages]))
    _lines(path, "The dirty log by the size of the guest, 1 vCPU", "MiB of guest",
           "instructions, whole call", series, log_axis,
           "set logscale x 2\nset format y '10^{%L}'\n")


def draw_percent(figures, path):
    """Cost of get and clear, by the share of pages that are dirty."""
    sizes = [one["parameters"]["guest_mib"]
             for one in benchdata.select(figures, "get-clear-per-page")]
    series = [(f"{mode}, {order}",
               _points(figures, "get-clear-per-page", "dirty_percent", mode=mode, leaves="4k",
                       vcpus=1, order=order, guest_mib=max(sizes)))
              for mode in ("sw", "hw") for order in ("sequential", "random")]
    title = f"Get and clear by the share of dirty pages: {max(sizes)} MiB, 1 vCPU, 4 KiB leaves"
    _lines(path, title, "% of pages dirty", "instructions per page of guest", series,
           linear_axis)


def draw_vcpus(figures, path):
    """Costs by the number of vCPUs: the curves are flat if that number does not matter."""
    series = []
    for work in ("write-fault", "get-clear-per-page", "disable-per-page"):
        for leaves in ("4k", "2m"):
            series.append((f"{work}, {leaves}",
                           _points(figures, work, "vcpus", mode="sw", leaves=leaves,
                                   dirty_percent=100, order="sequential", guest_mib=256)))
    _lines(path, "The dirty log by the number of vCPUs: 256 MiB, all dirty, software",
           "vCPUs (on one CPU)", "instructions per page", series, log_axis,
           "set logscale x 2\nset xrange [1:8]\n")


def draw_costs(figures, peers, path):
    """Bars: xen-lite's costs compared with the targets and with other hypervisors."""
    rows = [row for row in benchdata.goal_rows(figures, peers) if row[1] and any(row[4].values())]
    columns = ["xen-lite", "target", *benchdata.SYSTEMS[1:]]
    cells = [[value, limit or 0, *(others.get(system) or 0 for system in columns[2:])]
             for _, value, limit, _, others in rows]
    script = HEAD.format(width=1000, height=500, path=path, xlabel="",
                         title="Instructions compared with the targets and with other hypervisors",
                         ylabel="instructions (log scale)")
    script += log_axis([value for row in cells for value in row])
    script += ("set style data histograms\nset style histogram clustered gap 1\n"
               "set style fill solid\nset xtics noenhanced rotate by 25 right\n"
               "set datafile missing '-'\n$d << EOD\n")
    for (title, *_), row in zip(rows, cells):
        script += f'"{title}" ' + " ".join(str(value or "-") for value in row) + "\n"
    plots = [f"$d using {i + 2}:xtic(1) lc '{COLOURS[i]}' title '{name}'"
             for i, name in enumerate(columns)]
    _gnuplot(path, script + "EOD\nplot " + ", ".join(plots) + "\n")


def draw_all(figures, peers, folder):
    """Draw every plot into FOLDER; returns the paths."""
    drawn = []
    for name, draw in (("dirty-log-size", draw_size), ("dirty-log-percent", draw_percent),
                       ("dirty-log-vcpus", draw_vcpus)):
        draw(figures, path := os.path.join(folder, name + ".svg"))
        drawn.append(path)
    if peers:
        draw_costs(figures, peers, path := os.path.join(folder, "costs.svg"))
        drawn.append(path)
    return drawn
