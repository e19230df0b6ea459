#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measure the cost of the hypervisor's paths in instructions (docs/bench.md).

The bare-metal control domain of tests/baremetal does the measuring.

usage: bench.py [--json] [--quick] [--jobs N]
                  everything: print a table of figures compared with their targets and with other
                  hypervisors; write dirty-log.json and *.svg to build/bench/, ARCH=arm32: to
                  build/bench/arm32/
       bench.py --trace WORK [--kind N] [--listing] [--cpu CPU] [--xen-append OPTIONS]
                  print the instructions of an exit of WORK: one line per function, in the order of
                  execution

  --json    only the figures on standard output; progress goes to standard error
  --quick   only guests of 64 MiB with 1 vCPU, and no plots
  --jobs N  emulators at a time (default 2)
Exit status: 0 everything was measured (even if a target is not met), 1 something failed, 2 usage.
"""
import argparse
import bisect
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import benchdata
import host as hosts
from benchdata import figure, select, show
from host import Host, HostError

# What differs by width. text: addresses of the hypervisor's code, which no guest uses (<asm/mm.h>);
# modes: of the dirty log, each with the options of a host.
Width = collections.namedtuple("Width", "cross out text modes")
WIDTHS = {
    "arm64": Width("aarch64-linux-gnu-", "bench", range(1 << 46, 1 << 48),
                   {"sw": {"cpu": "cortex-a57"}, "hw": {"cpu": "max", "xen_append": "dirty=hw"}}),
    "arm32": Width("arm-linux-gnueabihf-", "bench/arm32", range(0, 1 << 30),
                   {"sw": {"cpu": "cortex-a15"}}),
}
ARCH = hosts.default_arch()
WIDTH = WIDTHS[ARCH]
OUT = os.path.join(hosts.BUILD, WIDTH.out)
PAYLOAD = hosts.built("baremetal/payload")
CROSS = os.environ.get("CROSS", WIDTH.cross)


def ramdisk():
    """An empty ramdisk: the control domain does not start without one."""
    path = os.path.join(OUT, "ramdisk")
    os.makedirs(OUT, exist_ok=True)
    with open(path, "wb") as f:
        f.write(bytes(4096))
    return path


def bench_host(name, works, **options):
    """A host whose control domain measures WORKS."""
    settings = {"mem": 1024, "dom0_mem": 256, **options}
    return Host(f"bench-{name}", kernel=PAYLOAD, images=[ramdisk()], agent=False, icount=True,
                dom0_append=f"bench={works}", **settings)


# --------------------------------------------------------------------------------------------------
# Traces: QEMU writes one line per instruction; the ELF files have its function and its text.

class Program:
    """Symbols and disassembly of an ELF file, moved by BIAS."""

    def __init__(self, path, bias=0):
        self.symbols, self.text, function = [], {}, None
        listing = subprocess.run([CROSS + "objdump", "-d", "--no-show-raw-insn", path],
                                 capture_output=True, text=True, check=True).stdout
        for line in listing.split("\n"):
            if match := re.match(r"([0-9a-f]{8,}) <([^>]+)>:", line):
                function = match[2]
                # Without the suffixes of gcc's clones, such as .isra.0.
                self.symbols.append((int(match[1], 16) + bias, function.split(".")[0]))
            elif match := re.match(r"\s*([0-9a-f]+):\t(.*)", line):
                self.text[int(match[1], 16) + bias] = re.split(r"\s(?://|@ )", match[2])[0].strip()
        self.symbols.sort()
        self.starts = [address for address, _ in self.symbols]

    def function(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        return self.symbols[i][1] if i >= 0 else hex(address)

    def address(self, name):
        return next(address for address, symbol in self.symbols if symbol == name)


# For works with several common kinds of exit: the kind that is shown first has this function.
HINTS = {"sgi": "vgic_sgi_write", "event": "evtchn_send", "mmio-empty": "mmio_dispatch",
         "write-fault-block": "dirty_split"}
SHOWN_PARTS = 150
Step = collections.namedtuple("Step", "address function text")


KINDS = (
    ("store", r"st|cas|swp|push|srs|ld(add|set|clr|eor)"),
    ("load", r"ld|pop|rfe"),
    # On 32-bit a TLB operation is a write of a coprocessor register.
    ("barrier", r"dsb|dmb|isb|tlbi|mcr\s+15, \d, \w+, cr8,"),
    ("sysreg", r"mrs|msr|mcr|mrc|mrrc|vmrs|vmsr"),
)


def kind_of(text):
    """The kind of an instruction, by its text."""
    return next((kind for kind, pattern in KINDS if re.match(pattern, text)), "other")


def record(work, options):
    """The addresses of all executed instructions, and the load address of the payload."""
    log = tempfile.NamedTemporaryFile(prefix="bench-trace-", suffix=".log", delete=False)
    log.close()
    try:
        with bench_host("trace", f"trace:{work}", qemu_args=["-D", log.name], **options) as host:
            match = host.wait_console(r"trace: ready, payload at (0x[0-9a-f]+)|not ok .*", 120)
            if not match[1]:
                raise HostError(match[0])
            host.pause()
            for command in ("log exec,nochain", "singlestep on"):
                host.qmp("human-monitor-command", **{"command-line": command})
            host.resume()
            host.type("\n")
            host.wait_console(r"trace: done", 400)
            # The payload powers off. The log is complete when the emulator has ended.
            deadline = time.monotonic() + 60
            while host.alive() and time.monotonic() < deadline:
                time.sleep(0.05)
        with open(log.name, encoding="utf-8", errors="replace") as f:
            trace_line = r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/"
            addresses = [int(m[1], 16) for m in re.finditer(trace_line, f.read(), re.M)]
        return addresses, int(match[1], 16)
    finally:
        os.unlink(log.name)


def exits_of(addresses, payload_at):
    """The stays at EL2 between the payload's two marks, each a list of steps.

    Also returns the number of instructions that ran outside EL2.
    """
    xen, payload = Program(hosts.built("xen-lite.elf")), Program(PAYLOAD + ".elf", payload_at)
    begin, end = payload.address("bench_trace_begin"), payload.address("bench_trace_end")
    exits, elsewhere, inside, at_el2 = [], 0, False, False
    for address in addresses:
        if address in (begin, end):
            inside = address == begin
        if not inside:
            continue
        if address not in WIDTH.text:
            elsewhere += 1
            at_el2 = False
            continue
        if not at_el2:
            exits.append([])
            at_el2 = True
        exits[-1].append(Step(address, xen.function(address), xen.text.get(address, "?")))
    return [one for one in exits if one], elsewhere


def runs(steps):
    """[(function, steps)] in the order of execution."""
    found = []
    for step in steps:
        if not found or found[-1][0] != step.function:
            found.append((step.function, []))
        found[-1][1].append(step)
    return found


def counts(steps):
    kinds = collections.Counter(kind_of(step.text) for step in steps)
    return "  ".join(f"{kinds[kind]:5d}" for kind in ("load", "store", "sysreg", "barrier"))


def show_exit(steps, listing):
    print(f"\n{'instr':>7}  {'loads':>5}  {'store':>5}  {'sysrg':>5}  {'barr.':>5}  "
          "function, in the order of execution")
    parts = runs(steps)
    if len(parts) > SHOWN_PARTS and not listing:
        print(f"    (the function changes {len(parts)} times; --listing shows all)")
        parts = []
    for function, part in parts:
        print(f"{len(part):7d}  {counts(part)}  {function}")
        if listing:
            print("\n".join(f"{'':36}{step.address & 0xffffffff:8x}  {step.text}" for step in part))
    print(f"{len(steps):7d}  {counts(steps)}  sum")
    total = collections.Counter(step.function for step in steps)
    if len(total) < len(runs(steps)):
        print("\nby function:")
        for function, number in total.most_common():
            part = [step for step in steps if step.function == function]
            print(f"{number:7d}  {counts(part)}  {function}")


def trace(work, kind, listing, options):
    addresses, payload_at = record(work, options)
    exits, elsewhere = exits_of(addresses, payload_at)
    if not exits:
        raise HostError(f"trace of {work}: no exit was seen")
    kinds = collections.defaultdict(list)
    for steps in exits:
        kinds[tuple(function for function, _ in runs(steps))].append(steps)
    hint = HINTS.get(work, "")
    ordered = sorted(kinds.values(),
                     key=lambda same: (hint not in [step.function for step in same[0]]
                                       if hint else 0, -len(same), -len(same[0])))
    print(f"{work}: {len(exits)} exits of {len(kinds)} kinds; {sum(map(len, exits))} instructions "
          f"at EL2, {elsewhere} elsewhere")
    for number, same in enumerate(ordered, 1):
        names = list(dict.fromkeys(step.function for step in same[-1]))
        print(f"  kind {number}: {len(same)} times, {len(same[-1])} instructions: "
              f"{' '.join(names)[:110]}")
    if kind > len(ordered):
        raise HostError(f"trace of {work}: there is no kind {kind}")
    for number in range(1, len(ordered) + 1) if kind == 0 else (kind,):
        print(f"\n--- kind {number}, the last of {len(ordered[number - 1])}")
        show_exit(ordered[number - 1][-1], listing)


# --------------------------------------------------------------------------------------------------
# The cost of finding a leaf, from a trace of debug key L.

LOOKUPS = {"time_window": "leaf-window", "time_vlpt_leaf": "leaf-vlpt", "time_walk": "leaf-walk",
           "time_mapped_walk": "leaf-walk-mapping"}


def span_of(steps, function):
    """The steps from the first instruction of FUNCTION to its last, with the functions that it
    calls.
    """
    at = [i for i, step in enumerate(steps) if step.function == function]
    if not at:
        raise HostError(f"trace of leaf-lookup: {function} was not seen")
    return steps[at[0]:at[-1] + 1]


def lookup_figures():
    exits, _ = exits_of(*record("leaf-lookup", {}))
    if not exits:
        raise HostError("trace of leaf-lookup: no exit was seen")
    steps = max(exits, key=len)
    with open(os.path.join(hosts.TOP, "xen-lite/stage2/vlpt_time.c"), encoding="utf-8") as source:
        number = int(re.search(r"#define ADDRESSES (\d+)", source.read())[1])
    empty = len(span_of(steps, "time_loop"))
    for function, work in LOOKUPS.items():
        span = span_of(steps, function)
        yield figure(work, round((len(span) - empty) / number, 2))
        yield figure(work, round(sum(kind_of(step.text) == "load" for step in span) / number, 2),
                     "loads")


# --------------------------------------------------------------------------------------------------
# Measuring.

Job = collections.namedtuple("Job", "name works parameters options")
DEBUG_XEN = os.path.join(hosts.BUILD, hosts.default_arch() + "-debug/xen-lite")
COSTS = (
    "null-hypercall", "hypercall-by-table", "psci-version", "gic-read", "gic-write", "sgi", "event",
    "context-switch", "context-switch-domains", "mmio-hit", "write-fault", "write-fault-block",
    "leaf-lookup",
    # A GICv2 has too few emulated pages.
    *(("mmio-empty",) if hosts.MACHINES[ARCH].gic == 3 else ()))
MODES = WIDTH.modes
JOB_S = 580


def dirty_jobs(quick):
    for mib in (64,) if quick else (1024, 256, 64):
        for mode, options in MODES.items():
            works = [
                f"dirty-{mib}-{vcpus}-{leaves}" for vcpus in ((1,) if quick else (1, 2, 4, 8))
                for leaves in ("4k", "2m")
            ]
            yield Job(f"{mode}-{mib}", works, {"mode": mode}, {"mem": mib + 640, **options})


def all_jobs(quick):
    yield from dirty_jobs(quick)
    yield Job("costs", COSTS, {}, {})
    yield Job("again", COSTS, {}, {})
    yield Job("walk", ("gic-read", "mmio-hit", "write-fault", "write-fault-block"), {"vlpt": "off"},
              {"xen_append": "vlpt=off"})
    if "hw" in MODES:
        yield Job("hw", ("null-hypercall", "gic-read", "write-fault", "write-fault-block"),
                  {"mode": "hw"}, MODES["hw"])
    yield Job("debug", ("mmio-stale",), {"build": "debug"}, {"xen": DEBUG_XEN})
    for cpus in (1, 2):
        yield Job(f"vmid-{cpus}", ("vmid-255",), {"cpus": cpus}, {"smp": cpus})


def mapping_fault(figures, lookups):
    """Cost of a write fault whose walk has to map each level's table, as in other hypervisors.

    xen-lite has all tables mapped, so this cost is computed.
    """
    walk, mapping = (benchdata.value_of(lookups, work)
                     for work in ("leaf-walk", "leaf-walk-mapping"))
    fault = benchdata.value_of(figures, "write-fault", vlpt="off")
    return figure("write-fault-mapping", round(fault - walk + mapping, 2), vlpt="off")


def signed(text):
    return int(text) - (1 << 64) if int(text) >> 63 else int(text)


def parse(text, job):
    """The figures in the output of a payload."""
    per_tick = int(re.search(r"bench: (\d+) instructions a tick", text)[1])
    for work, ticks, count, rest in re.findall(r"bench (\S+) ticks=(\d+) count=(\d+) ?(.*)", text):
        parameters = {
            key: int(value) if value.isdigit() else value
            for key, value in re.findall(r"(\w+)=(\S+)", rest)
        }
        if work == "vmid-rounds":
            yield vmid_figure(text, job, int(count), parameters["dirty_rounds"])
        elif work != "leaf-lookup" and int(count):
            yield figure(work, round(signed(ticks) * per_tick / int(count), 3), **parameters,
                         **job.parameters)


def vmid_figure(text, job, rounds, dirty_rounds):
    """Flushes during a run, by the counters that debug key V prints before and after.

    The counters are: generations, each of which begins with a flush of the whole TLB; flushes of
    one VMID.
    """
    found = re.findall(r"(\d+) generations opened by flush; (\d+) flushes of a number", text)
    if len(found) != 2 or dirty_rounds < rounds:
        raise HostError(f"{job.name}: debug key V printed {found}; "
                        f"pages were dirty in {dirty_rounds} of {rounds} rounds")
    before, after = ([int(value) for value in one] for one in found)
    return figure("vmid-flushes",
                  sum(after) - sum(before),
                  "flushes",
                  rounds=rounds,
                  **job.parameters)


class Run:
    """The emulator of a job that runs."""

    def __init__(self, job):
        self.job, self.began = job, time.monotonic()
        self.host = bench_host(job.name, ",".join(job.works), **job.options)
        self.host.start()

    def done(self):
        text = self.host.console_text().replace("\r", "")
        said = re.search(r"bm: (\d+) passed, (\d+) failed", text)
        if said:
            return text
        if time.monotonic() - self.began > JOB_S:
            raise HostError(self.host.describe(f"no end within {JOB_S} s"))
        self.host.check_alive(f"job {self.job.name}")
        return None

    def figures(self, text):
        wrong = re.findall(r"^.*(?:not ok |WHICH DIFFER).*$", text, re.M)
        if wrong:
            raise HostError(f"{self.job.name}: {wrong[0]}")
        return list(parse(text, self.job))


def measure(jobs, at_once, say):
    """{name of a job: its figures}. An emulator ends with the thread that started it, so all start
    here.
    """
    waiting, running, found = list(jobs), [], {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(Run(waiting.pop(0)))
            time.sleep(0.1)
            for run in list(running):
                text = run.done()
                if text is None:
                    continue
                run.host.stop()
                running.remove(run)
                found[run.job.name] = run.figures(text)
                say(f"{run.job.name}: {len(found[run.job.name])} figures, "
                    f"{time.monotonic() - run.began:.0f} s; {len(waiting) + len(running)} to go")
    finally:
        for run in running:
            run.host.stop()
    return found


def greatest_difference(one, other):
    """The greatest relative difference of two runs, and the work that has it."""
    worst = (0.0, "nothing")
    for a in one:
        b = benchdata.value_of(other, a["work"], **a["parameters"])
        if b is None:
            raise HostError(f"the second run has no {a['work']}")
        worst = max(worst, (abs(a["value"] - b) / max(abs(a["value"]), 1), a["work"]))
    return worst


# --------------------------------------------------------------------------------------------------
# Showing.

LOG_WORKS = ("write-fault", "get-clear-per-page", "get-clear-whole", "dirty-enable-per-page",
             "disable-per-page")


def plain_rows(figures):
    """Figures without a target: one row each."""
    rows = []
    for one in figures:
        if one["work"] in LOG_WORKS and "guest_mib" in one["parameters"]:
            continue
        note = " ".join(f"{key}={value}" for key, value in one["parameters"].items())
        rows.append([f"{one['work']} {note}".strip(), show(one["value"]), one["unit"]])
    return rows


def size_rows(figures):
    """Costs of the dirty log by the guest's size: 1 vCPU, instructions per page."""
    sizes = sorted({one["parameters"]["guest_mib"] for one in select(figures, "get-clear-whole")})
    rows = []
    for work in ("dirty-enable-per-page", "write-fault", "get-clear-per-page", "disable-per-page"):
        for mode in MODES:
            for leaves in ("4k", "2m"):
                values = [
                    benchdata.value_of(figures,
                                       work,
                                       guest_mib=mib,
                                       mode=mode,
                                       leaves=leaves,
                                       vcpus=1,
                                       order="sequential",
                                       dirty_percent=0 if work == "dirty-enable-per-page" else 100)
                    for mib in sizes
                ]
                rows.append([f"{work} {mode} {leaves}", *map(show, values)])
    return benchdata.table(rows, [
        "instructions per page, 1 vCPU, all dirty", *(f"{mib} MiB" for mib in sizes)
    ])


def report(figures, peers, difference):
    return "\n\n".join([
        benchdata.goal_table(figures, peers, ARCH),
        benchdata.table(plain_rows(figures), ["other figures", "value", "unit"]),
        size_rows(figures),
        f"two runs differ by {difference[0] * 100:.2f} % at most ({difference[1]})"
    ])


def run_all(args):
    def say(text):
        print(text, file=sys.stderr if args.json else sys.stdout, flush=True)
    began = time.monotonic()
    lookups = list(lookup_figures())
    say(f"leaf-lookup: {len(lookups)} figures")
    found = measure(all_jobs(args.quick), args.jobs, say)
    difference = greatest_difference(found.pop("costs"), again := found.pop("again"))
    figures = again + [one for name in found for one in found[name]] + lookups
    figures.append(mapping_fault(figures, lookups))
    say(f"everything was measured in {time.monotonic() - began:.0f} s")
    peers = benchdata.load(os.path.join(OUT, "peers.json"))
    benchdata.save(
        os.path.join(OUT, "dirty-log.json"), "tools/bench.py" + (" --quick" if args.quick else ""),
        benchdata.machine(hosts.MACHINES[ARCH].emulator,
                          " ".join(dict.fromkeys(mode["cpu"] for mode in MODES.values()))), figures)
    if not args.quick and shutil.which("gnuplot"):
        import benchplot
        say("plots: " + " ".join(benchplot.draw_all(figures, peers, OUT)))
    if args.json:
        print(json.dumps(figures))
    else:
        print("\n" + report(figures, peers, difference))
    if difference[0] > 0.01:
        raise HostError(f"two runs differ by {difference[0] * 100:.1f} % in {difference[1]}")


# --------------------------------------------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--trace", metavar="WORK")
    parser.add_argument("--kind", type=int, default=1, metavar="N",
                        help="with --trace: kind of exit, 1 is the most common; 0: all")
    parser.add_argument("--listing", action="store_true", help="with --trace: every instruction")
    parser.add_argument("--cpu", default=None, choices=hosts.CPUS, help="with --trace")
    parser.add_argument("--xen-append", default="",
                        help="with --trace: more options for the hypervisor, such as vlpt=off")
    args = parser.parse_args()
    if args.jobs < 1 or args.kind < 0:
        parser.error("--jobs must be at least 1, --kind at least 0")
    try:
        if args.trace:
            trace(args.trace, args.kind, args.listing,
                  {"cpu": args.cpu, "xen_append": args.xen_append})
        else:
            run_all(args)
    except (HostError, ValueError) as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
