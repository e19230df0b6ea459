# SPDX-License-Identifier: BSD-2-Clause
"""Figures of benchmarks: the files in build/bench/ (arm32: build/bench/arm32/), the targets, the
table.

A file is {"schema": 1, "command": "...", "machine": {"qemu": "...", "cpu": "..."}, "figures":
[FIGURE, ...]}. A FIGURE is {"system": "xen-lite", "work": "null-hypercall", "unit": "instructions",
"value": 95, "parameters": {"guest_mib": 64, ...}}.
"""
import collections
import json
import os
import subprocess

SCHEMA = 1
SYSTEMS = ("xen-lite", "xen-4.17", "kvm-6.1-nvhe", "kvm-6.1-vhe")

# A target: the figure is at most `limit`. `select` has the parameters of xen-lite's figure, `peers`
# says whether other systems have the same figure.
Goal = collections.namedtuple("Goal", "title work limit select peers")
BASE = {"vcpus": 1, "dirty_percent": 100, "order": "sequential"}
GOALS_ARM64 = (
    Goal("null hypercall", "null-hypercall", 110, {}, True),
    Goal("PSCI_VERSION by HVC", "psci-version", None, {}, True),
    Goal("read of an emulated GIC register", "gic-read", 150, {}, True),
    Goal("write fault while logging", "write-fault", 90,
         {"mode": "sw", "guest_mib": 1024, "leaves": "4k", **BASE}, True),
    Goal("the same, dirty state by hardware", "write-fault", 0,
         {"mode": "hw", "guest_mib": 1024, "leaves": "4k", **BASE}, False),
    Goal("get and clear, per page, all dirty", "get-clear-per-page", 5,
         {"mode": "sw", "guest_mib": 1024, "leaves": "4k", **BASE}, True),
    Goal("the same, dirty state by hardware", "get-clear-per-page", 5,
         {"mode": "hw", "guest_mib": 1024, "leaves": "4k", **BASE}, False),
    Goal("get and clear, clean 1 GiB, whole", "get-clear-whole", 20000,
         {**BASE, "mode": "sw", "guest_mib": 1024, "leaves": "4k", "dirty_percent": 0}, False),
    Goal("the same, dirty state by hardware", "get-clear-whole", 1000000,
         {**BASE, "mode": "hw", "guest_mib": 1024, "leaves": "4k", "dirty_percent": 0}, False),
    Goal("enable, per page, 2 MiB blocks, 1 GiB", "dirty-enable-per-page", 0.1,
         {"mode": "sw", "guest_mib": 1024, "leaves": "2m", "vcpus": 1}, True),
    Goal("disable, per page, after all was dirty", "disable-per-page", None,
         {"mode": "sw", "guest_mib": 1024, "leaves": "2m", **BASE}, True),
    Goal("whole-VMID TLB flushes in 255 rounds, 1 CPU", "vmid-flushes", 1, {"cpus": 1}, False),
    Goal("the same, the guest on another CPU", "vmid-flushes", 1, {"cpus": 2}, False),
)
# 32-bit: no other hypervisor was measured, and no processor keeps dirty state in hardware.
LIMITS_ARM32 = {"null-hypercall": 250, "write-fault": 250, "vmid-flushes": 1}
GOALS_ARM32 = tuple(goal._replace(limit=LIMITS_ARM32.get(goal.work), peers=False)
                    for goal in GOALS_ARM64 if goal.select.get("mode") != "hw")
GOALS = {"arm64": GOALS_ARM64, "arm32": GOALS_ARM32}
# A target of 0 is met by a figure up to this: the resolution of a measurement.
ALMOST_NOTHING = 0.5


def figure(work, value, unit="instructions", system="xen-lite", **parameters):
    return {"system": system, "work": work, "unit": unit, "value": value, "parameters": parameters}


def machine(emulator, cpu):
    """The emulator and the CPU with which the figures were measured."""
    line = subprocess.run([emulator, "--version"], capture_output=True, text=True,
                          check=True).stdout.split("\n")[0]
    return {"qemu": line.removeprefix("QEMU emulator version "), "cpu": cpu}


def save(path, command, about, figures):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump({"schema": SCHEMA, "command": command, "machine": about, "figures": figures},
                  f, indent=1)
        f.write("\n")
    os.replace(path + ".new", path)


def load(path):
    """The figures of a file, [] if it does not exist. ValueError: the file has another schema."""
    try:
        with open(path, encoding="utf-8") as f:
            found = json.load(f)
    except FileNotFoundError:
        return []
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise ValueError(f"{path}: not of schema {SCHEMA}; delete it and measure again")
    return found["figures"]


def select(figures, work, system="xen-lite", **parameters):
    return [one for one in figures if one["work"] == work and one["system"] == system and
            all(one["parameters"].get(key) == value for key, value in parameters.items())]


def value_of(figures, work, system="xen-lite", **parameters):
    """The value of the first figure with these parameters, or None."""
    found = select(figures, work, system, **parameters)
    return found[0]["value"] if found else None


def is_kept(goal, value):
    return None if goal.limit is None or value is None else value <= (goal.limit or ALMOST_NOTHING)


def show(value):
    if value is None:
        return "-"
    if abs(value) < 0.005:              # a difference of two loops may be negative
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")


def goal_rows(figures, peers, arch="arm64"):
    """[(title, value, limit, kept, {system: value})]"""
    rows = []
    for goal in GOALS[arch]:
        value = value_of(figures, goal.work, **goal.select)
        others = {system: value_of(peers, goal.work, system)
                  for system in SYSTEMS[1:]} if goal.peers else {}
        rows.append((goal.title, value, goal.limit, is_kept(goal, value), others))
    return rows


def table(rows, header):
    """Text columns: the first is aligned to the left, the others to the right."""
    cells = [header] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths)))
        for row in cells
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def goal_table(figures, peers, arch="arm64"):
    rows = []
    for title, value, limit, kept, others in goal_rows(figures, peers, arch):
        verdict = "" if kept is None and limit is None else "yes" if kept else "NO"
        rows.append([title, show(value), "" if limit is None else show(limit), verdict,
                     *(show(others.get(system)) for system in SYSTEMS[1:])])
    return table(rows, ["instructions", "xen-lite", "target", "met", *SYSTEMS[1:]])
