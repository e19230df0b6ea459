#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measure the project's figures and compare them with their targets.

usage: figures.py [--runs N] [--json] [GROUP...]     default: all groups

  costs     instructions, counted in an emulator
  boot      boot and `xl create`, compared with stock Xen
  move      migrations of a guest of 256 MiB between two hosts of one CPU: one guest is idle, one
            rewrites 1,000 pages per second

Each figure of boot and move is the median of N runs (default 3). Times depend on the machine,
ratios much less. Writes build/figures.json. Exit status: 0 every target is met, 1 some are not,
2 usage.
"""
import argparse
import json
import os
import re
import runpy
import statistics
import subprocess
import sys
import time

import host as hosts
from guestlog import GuestLog, blackout_ms, write_rate
from host import Host, HostError, Pair

STOCK = os.path.join(hosts.BUILD, "stock", hosts.default_arch(), "xen")
GUEST = "guest"
GUEST_MIB = 256
# Memory that is not zero and that the workload did not fill: kernel, initramfs, and what the guest
# has read.
KERNEL_MIB = 43
DATA_MIB = 108
SETTLE_S = 5
MOST, LEAST = "at most", "at least"


class Figures:
    def __init__(self, quiet):
        self.rows, self.quiet = [], quiet

    def add(self, name, title, value, unit, bound=None, limit=None, note=""):
        kept = None
        if limit is not None and value is not None:
            kept = value <= limit if bound == MOST else value >= limit
        self.rows.append({
            "name": name, "title": title, "value": value, "unit": unit, "bound": bound,
            "limit": limit, "kept": kept, "note": note
        })
        self.say(f"{title}: {show(value)} {unit}" + (
            f" ({bound} {show(limit)}: {'yes' if kept else 'NO'})" if limit is not None else "") +
                 (f"; {note}" if note else ""))

    def say(self, text):
        if not self.quiet:
            print(text, flush=True)


def show(value):
    if value is None or isinstance(value, int):
        return "-" if value is None else f"{value:,}"
    return f"{value:,.1f}" if value >= 10 else f"{value:.2f}"


def median(values):
    return statistics.median(values) if values else None


# --------------------------------------------------------------------------------------------------

def measured_costs(machine):
    """{name: instructions} from a machine of tests/qemu/baremetal.py."""
    output = subprocess.run([os.path.join(hosts.TOP, "tests/qemu/baremetal.py"), machine],
                            capture_output=True,
                            text=True,
                            timeout=300,
                            check=False).stdout
    return {
        name: int(value) for name, value in re.findall(r"cost (\S+): (\d+) instructions", output)
    }


def costs(figures, _):
    """Instructions counted by the bare-metal control domain, and the size of the image."""
    found, on_gicv2 = measured_costs("costs"), measured_costs("gicv2-counted")
    for name, title, limit in (
            ("hypercall", "null hypercall, there and back", 110),
            ("psci-version", "PSCI_VERSION by HVC", None),
            ("gicd-typer", "read of an emulated GIC register", 150),
            ("write-fault", "write fault while logging", 90),
            ("write-fault-first-round", "the same where a block is split first", None),
            ("harvest-per-page", "reading and cleaning the log, per page", None)):
        figures.add(name, title, found.get(name), "instructions", MOST, limit)
    figures.add("gicd-typer-gicv2", "read of an emulated GICv2 register",
                on_gicv2.get("gicd-typer"), "instructions", MOST, 150)
    image = os.path.getsize(hosts.default_xen()) / 1024
    figures.add("image", "hypervisor image", round(image, 1), "KiB", MOST, 400)


def boot(figures, runs):
    """Time from power-on to the control domain's daemons, and from xl create to the guest's init.

    xen-lite and stock Xen are measured in turn. The guest is created some seconds after the boot,
    because xen-lite clears free memory while it is idle.
    """
    seconds = {}
    for _ in range(runs):
        for xen in (hosts.default_xen(), STOCK):
            with Host("A", xen=xen) as host:
                ready = host.wait_ready()
                host.put("/etc/xen/g.cfg", guest_config("wl.off"))
                time.sleep(SETTLE_S)
                began = time.monotonic()
                host.run("xl create /etc/xen/g.cfg >/dev/null", check=True)
                log = f"/var/log/xen/console/guest-{GUEST}.log"
                host.run(f"until grep -q 'guest: init' {log} 2>/dev/null; do sleep 0.05; done",
                         timeout=60,
                         check=True)
                seconds.setdefault((xen, "boot"), []).append(ready)
                seconds.setdefault((xen, "create"), []).append(time.monotonic() - began)
                if xen != STOCK:
                    own_memory(host, seconds)
    for what, title in (("boot", "power-on to the control domain's daemons"),
                        ("create", "xl create to the guest's init")):
        ours, stock = median(seconds[hosts.default_xen(), what]), median(seconds[STOCK, what])
        figures.add(what, title + ", by stock Xen's time", round(ours / stock, 3), "", MOST, 1,
                    f"{ours:.2f} s, stock Xen {stock:.2f} s")
    figures.add("memory", "memory of its own", round(median(seconds["memory"]), 1), "MiB", MOST,
                round(8 + 2048 / 100, 1), "of a host of 2,048 MiB")


def own_memory(host, seconds):
    text = host.console_text()
    free = int(re.search(r"xen-lite: (\d+) MiB free", text)[1])
    dom0 = int(re.search(r"dom0: (\d+) MiB", text)[1])
    seconds.setdefault("memory", []).append(host.mem - free - dom0)


def guest_config(extra):
    tool = runpy.run_path(os.path.join(hosts.TOP, "tools/mkimage-guest"))
    return tool["guest_config"](GUEST, GUEST_MIB, 2, extra)


def plain_tcp(pair):
    pair.b.run("netbench serve >/dev/null 2>&1 &", check=True)
    pair.a.run("until netbench send 10.0.0.2 1; do sleep 0.1; done", timeout=30, check=True)
    rates = [
        json.loads(pair.a.run("netbench send 10.0.0.2 48", timeout=60, check=True).output)["mib_s"]
        for _ in range(3)
    ]
    pair.b.run("killall netbench")
    return median(rates)


def one_move(extra):
    """One migration between new hosts, with plain TCP measured without and with the guest."""
    with Pair(mem=1408) as pair:
        pair.wait_ready()
        found = {"tcp": plain_tcp(pair)}
        pair.a.put("/etc/xen/g.cfg", guest_config(f"wl.mem={DATA_MIB - KERNEL_MIB} {extra}"))
        pair.a.run("xl create /etc/xen/g.cfg >/dev/null", check=True)
        log = GuestLog(pair.a, GUEST)
        log.wait(lambda beat: beat["filled"] == beat["pages"], "filling its memory", timeout=60)
        found["tcp_beside_guest"] = plain_tcp(pair)
        time.sleep(2)
        log.poll()
        start = log.last()["seq"]
        answer = pair.a.run(f"xlm migrate --json {GUEST} 10.0.0.2", timeout=120)
        events = [json.loads(line) for line in answer.output.splitlines() if line.startswith("{")]
        done = events[-1]
        if done.get("result") != "ok":
            raise HostError(f"the move failed: {done.get('error')}")
        after = GuestLog(pair.b, GUEST)
        after.wait(lambda beat: len(after.beats) >= 3, "heartbeats after the move", timeout=30)
        log.poll()
        before = [beat for beat in log.beats if start - 10 < beat["seq"] <= start]
        during = [beat for beat in log.beats if beat["seq"] >= start]
        found.update(done,
                     blackout=blackout_ms(log.beats, after.beats),
                     before=write_rate(before),
                     during=write_rate(during))
        rounds = done["rounds"]
        seconds = sum(r["ms"] for r in rounds) / 1e3
        found["goodput"] = sum(r["bytes"] for r in rounds) / 2**20 / seconds
        return found


def move(figures, runs):
    for name, title, extra, downtime in (
            ("idle", "idle guest", "wl.ws=1 wl.mbps=0 wl.verify=0 wl.tick=50 wl.beat=1000", 200),
            ("load", "1,000 pages/s rewritten", "wl.ws=32 wl.mbps=3.90625 wl.verify=0", 300)):
        found = [one_move(extra) for _ in range(runs)]

        def middle(key, of=None):
            return median(
                [run[key] / (run[of] if of else 1) for run in found if run.get(key) is not None])

        figures.add(f"{name}-downtime", f"{title}: downtime", round(middle("downtime_ms"), 1), "ms",
                    MOST, downtime, f"as the guest saw it {show(middle('blackout'))} ms")
        figures.add(f"{name}-total",
                    f"{title}: total",
                    round(middle("total_ms")),
                    "ms",
                    *((MOST, 3200) if name == "idle" else ()),
                    note=f"{middle('pages_sent'):.0f} pages with data")
        figures.add(f"{name}-goodput",
                    f"{title}: page rate by that of plain TCP with the same guest",
                    round(100 * middle("goodput", "tcp_beside_guest"), 1), "%", LEAST, 80,
                    f"{middle('goodput'):.1f} MiB/s; TCP {middle('tcp_beside_guest'):.1f}")
        # Only the idle guest has a target here. A busy guest takes CPU time from the migration, and
        # plain TCP without a guest does not share the CPU.
        figures.add(f"{name}-goodput-alone",
                    f"{title}: page rate by that of plain TCP without a guest",
                    round(100 * middle("goodput", "tcp"), 1),
                    "%",
                    *((LEAST, 80) if name == "idle" else ()),
                    note=f"TCP {middle('tcp'):.1f} MiB/s")
        if name == "load":
            figures.add("write-rate", f"{title}: the guest's write rate during the migration",
                        round(100 * middle("during", "before"), 1), "%", LEAST, 80)


GROUPS = {"costs": costs, "boot": boot, "move": move}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="only the result on standard output")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=" ".join(GROUPS))
    args = parser.parse_args()
    if set(args.groups) - set(GROUPS) or args.runs < 1:
        parser.error("groups are: " + " ".join(GROUPS))
    figures = Figures(args.json)
    try:
        for name in args.groups or GROUPS:
            GROUPS[name](figures, args.runs)
    except HostError as error:
        sys.exit(f"figures: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    with open(os.path.join(hosts.BUILD, "figures.json"), "w", encoding="utf-8") as f:
        json.dump({"schema": 1, "runs": args.runs, "figures": figures.rows}, f, indent=1)
    broken = [row["title"] for row in figures.rows if row["kept"] is False]
    if args.json:
        print(json.dumps(figures.rows))
    else:
        targets = [row for row in figures.rows if row["kept"] is not None]
        print(f"\n{len(targets) - len(broken)} of {len(targets)} targets met" +
              (f"; not: {'; '.join(broken)}" if broken else ""))
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
