#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the hypervisor's paths cost, in instructions, by the bare-metal control domain of tests/baremetal (docs/bench.md).

usage: bench.py --trace WORK [--kind N] [--listing] [--cpu CPU] [--xen-append OPTIONS]
                  the instructions of an exit of WORK: a line for each function that it passes through, in order
"""
import argparse
import bisect
import collections
import contextlib
import os
import re
import subprocess
import sys
import tempfile

import host as hosts
from host import Host, HostError

PAYLOAD = os.path.join(hosts.BUILD, "baremetal/payload")
CROSS = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-")
EL2_BASE = 1 << 46                      # the hypervisor's text and no guest's (<asm/mm.h>)


@contextlib.contextmanager
def bench_host(name, works, **options):
    """A host whose control domain measures WORKS."""
    with tempfile.NamedTemporaryFile(prefix="bench-ramdisk-") as ramdisk:
        ramdisk.write(bytes(4096))
        ramdisk.flush()
        settings = {"mem": 1024, "dom0_mem": 256, "cpu": "cortex-a57", **options}
        with Host(f"bench-{name}", kernel=PAYLOAD, images=[ramdisk.name], agent=False, icount=True,
                  dom0_append=f"bench={works}", **settings) as host:
            yield host


# ----------------------------------------------------------------------------------------------------------------------
# Traces: QEMU writes a line for each instruction, the ELF files say what it is.

class Program:
    """Symbols and disassembly of an ELF file, moved by BIAS."""

    def __init__(self, path, bias=0):
        self.symbols, self.text, function = [], {}, None
        listing = subprocess.run([CROSS + "objdump", "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=True).stdout
        for line in listing.split("\n"):
            if match := re.match(r"([0-9a-f]{8,}) <([^>]+)>:", line):
                function = match[2]
                self.symbols.append((int(match[1], 16) + bias, function))
            elif match := re.match(r"\s*([0-9a-f]+):\t(.*)", line):
                self.text[int(match[1], 16) + bias] = match[2].split(" //")[0].split("\t//")[0].strip()
        self.symbols.sort()
        self.starts = [address for address, _ in self.symbols]

    def function(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        return self.symbols[i][1] if i >= 0 else hex(address)

    def address(self, name):
        return next(address for address, symbol in self.symbols if symbol == name)


Step = collections.namedtuple("Step", "address function text")


def kind_of(text):
    """What an instruction does that is worth counting."""
    name = text.split(None, 1)[0] if text else "?"
    if re.match(r"st|cas|swp|ld(add|set|clr|eor)", name):
        return "store"
    if name.startswith("ld"):
        return "load"
    if name in ("mrs", "msr"):
        return "sysreg"
    if name in ("dsb", "dmb", "isb", "tlbi"):
        return "barrier"
    return "other"


def record(work, options):
    """The addresses of all instructions between the payload's two marks, and the payload's place."""
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
        with open(log.name, encoding="utf-8", errors="replace") as f:
            addresses = [int(m[1], 16) for m in re.finditer(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", f.read(), re.M)]
        return addresses, int(match[1], 16)
    finally:
        os.unlink(log.name)


def exits_of(addresses, payload_at):
    """The stays at EL2 between the marks, each a list of steps, and how many instructions ran elsewhere."""
    xen, payload = Program(os.path.join(hosts.BUILD, "arm64/xen-lite.elf")), Program(PAYLOAD + ".elf", payload_at)
    begin, end = payload.address("bench_trace_begin"), payload.address("bench_trace_end")
    exits, elsewhere, inside, at_el2 = [], 0, False, False
    for address in addresses:
        if address in (begin, end):
            inside = address == begin
        if not inside:
            continue
        if address < EL2_BASE:
            elsewhere += 1
            at_el2 = False
            continue
        if not at_el2:
            exits.append([])
            at_el2 = True
        exits[-1].append(Step(address, xen.function(address), xen.text.get(address, "?")))
    return [one for one in exits if one], elsewhere


def runs(steps):
    """[(function, steps)] in the order in which they are passed."""
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
    print(f"\n{'instr':>7}  {'loads':>5}  {'store':>5}  {'sysrg':>5}  {'barr.':>5}  function, in the order in which they are passed")
    for function, part in runs(steps):
        print(f"{len(part):7d}  {counts(part)}  {function}")
        if listing:
            print("\n".join(f"{'':36}{step.address & 0xffffffff:8x}  {step.text}" for step in part))
    print(f"{len(steps):7d}  {counts(steps)}  all of it")
    total = collections.Counter(step.function for step in steps)
    if len(total) < len(runs(steps)):
        print("\nby function:")
        for function, number in total.most_common():
            print(f"{number:7d}  {counts([step for step in steps if step.function == function])}  {function}")


def trace(work, kind, listing, options):
    addresses, payload_at = record(work, options)
    exits, elsewhere = exits_of(addresses, payload_at)
    if not exits:
        raise HostError(f"trace of {work}: no exit was seen")
    kinds = collections.defaultdict(list)
    for steps in exits:
        kinds[tuple(function for function, _ in runs(steps))].append(steps)
    ordered = sorted(kinds.values(), key=lambda same: (-len(same), -len(same[0])))
    print(f"{work}: {len(exits)} exits of {len(kinds)} kinds; {sum(map(len, exits))} instructions at EL2, {elsewhere} elsewhere")
    for number, same in enumerate(ordered, 1):
        names = list(dict.fromkeys(step.function for step in same[-1]))
        print(f"  kind {number}: {len(same)} times, {len(same[-1])} instructions: {' '.join(names)[:110]}")
    if kind > len(ordered):
        raise HostError(f"trace of {work}: there is no kind {kind}")
    for number in range(1, len(ordered) + 1) if kind == 0 else (kind,):
        print(f"\n--- kind {number}, the last of {len(ordered[number - 1])}")
        show_exit(ordered[number - 1][-1], listing)


# ----------------------------------------------------------------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--trace", metavar="WORK", required=True)
    parser.add_argument("--kind", type=int, default=1, metavar="N", help="with --trace: another kind of exit than the commonest; 0: all")
    parser.add_argument("--listing", action="store_true", help="with --trace: every instruction")
    parser.add_argument("--cpu", default="cortex-a57", choices=hosts.CPUS)
    parser.add_argument("--xen-append", default="", help="more options for the hypervisor, such as vlpt=off")
    args = parser.parse_args()
    try:
        trace(args.trace, args.kind, args.listing, {"cpu": args.cpu, "xen_append": args.xen_append})
    except HostError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
