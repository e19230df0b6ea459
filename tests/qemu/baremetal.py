#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 1
# timeout: 900
# seconds: 170
# machines: arm64-gicv3 arm64-gicv2 arm32-gicv2
# more: arm32-gicv3
# shows: hypercalls and traps, bit for bit; the dirty log; costs
"""The bare-metal control domain (tests/baremetal) on machines that take different paths.

The costs of some operations are compared with targets. "bench" is a short form of `make bench`: a
path whose cost exceeds its bound here has become slower.

usage: baremetal.py [WORD]      only the machines whose name contains WORD
  ARCH, GIC       the width (default arm64) and the version of the GIC (default: any)
The machines whose names contain "stock" run stock Xen (tools/fetch stock-xen) and those tests that
apply to it. They run only when WORD contains "stock".
"""
import os
import re
import sys
import tempfile

from scenario import BUILD, Host, HostError, Tap, built, default_arch
import bench
from host import MACHINES as HOST_MACHINES, default_gic

ARCH = default_arch()
PAYLOAD = built("baremetal/payload")
DEBUG_XEN = os.path.join(BUILD, ARCH + "-debug/xen-lite")
IMAGE_BYTES_MAX = 400 * 1024
# Instructions at most, including the return to the guest and the payload's loop.
TARGETS = {
    "arm64": {"hypercall": 110, "gicd-typer": 150, "write-fault": 90},
    "arm32": {"hypercall": 250, "write-fault": 250},
}
# What `make bench` measures (docs/bench.md). Each bound is a tenth above the measured cost.
BENCH = (
    "gic-write",
    "sgi",
    "event",
    "context-switch",
    "context-switch-domains",
    "mmio-hit",
    "write-fault",
    "dirty-64-2-4k",
    "dirty-64-1-2m",
    *(("mmio-empty",) if ARCH == "arm64" else ()),
)
BENCH_MOST = {
    "arm64": (
        ("gic-write", 1260, {}),
        ("sgi", 3560, {}),
        ("sgi-send", 1150, {}),
        ("event", 4150, {}),
        ("event-send", 1750, {}),
        ("context-switch", 2040, {}),
        ("context-switch-domains", 2060, {}),
        ("mmio-hit", 206, {}),
        ("mmio-empty", 800, {}),
        ("write-fault", 71, {}),
        (
            "get-clear-per-page",
            5.4,
            {"guest_mib": 64, "leaves": "4k", "dirty_percent": 100, "order": "random"},
        ),
        ("dirty-enable-per-page", 3.6, {"guest_mib": 64, "leaves": "2m"}),
    ),
    "arm32": (
        ("gic-write", 1700, {}),
        ("sgi", 8150, {}),
        ("sgi-send", 3780, {}),
        ("event", 8950, {}),
        ("event-send", 4580, {}),
        ("context-switch", 4490, {}),
        ("context-switch-domains", 4510, {}),
        ("mmio-hit", 300, {}),
        ("write-fault", 92, {}),
        (
            "get-clear-per-page",
            16.8,
            {"guest_mib": 64, "leaves": "4k", "dirty_percent": 100, "order": "random"},
        ),
        ("dirty-enable-per-page", 2.0, {"guest_mib": 64, "leaves": "2m"}),
    ),
}[ARCH]
HOLD_MOST = {
    "arm64": 100000,
    "arm32": 150000,
}  # instructions for which a hypercall may keep its CPU
HOLDS_LEAST = 60  # hypercalls that are measured
ARM64 = {
    "a57": dict(cpu="cortex-a57", smp=2),
    "hw-dirty": dict(cpu="max", smp=2, xen_append="dirty=hw"),
    "max-sw-dirty": dict(cpu="max", smp=2, xen_append="dirty=sw"),
    "no-vlpt": dict(cpu="cortex-a57", smp=2, xen_append="vlpt=off"),
    "hw-dirty-no-vlpt": dict(cpu="max", smp=1, xen_append="dirty=hw vlpt=off"),
    "four": dict(cpu="neoverse-n1", smp=4),
    "eager": dict(cpu="cortex-a57", smp=2, xen_append="split=eager"),
    "hw-dirty-eager": dict(cpu="max", smp=1, xen_append="dirty=hw split=eager"),
    "debug": dict(cpu="cortex-a57", smp=1, xen=DEBUG_XEN),
    "costs": dict(cpu="cortex-a57", smp=1, icount=True),
    "gicv2": dict(cpu="cortex-a57", smp=2, gic=2),
    "gicv2-four": dict(cpu="neoverse-n1", smp=4, gic=2),
    "gicv2-counted": dict(cpu="cortex-a57", smp=1, gic=2, icount=True),
    # 32-bit guests: the same tests, with the arm32 program in the guests.
    "guest32": dict(cpu="cortex-a57", smp=2, dom0_append="guest=32"),
    "guest32-hw-dirty": dict(cpu="max", smp=2, xen_append="dirty=hw", dom0_append="guest=32"),
    "guest32-costs": dict(cpu="cortex-a57", smp=1, icount=True, dom0_append="guest=32"),
    "guest32-gicv2": dict(cpu="cortex-a72", smp=2, gic=2, dom0_append="guest=32"),
    "stock": dict(cpu="cortex-a57", smp=2, xen=os.path.join(BUILD, "stock/arm64/xen")),
}
ARM32 = {
    "arm32": dict(cpu="cortex-a15", smp=2),
    "arm32-four": dict(cpu="cortex-a15", smp=4),
    "arm32-a7": dict(cpu="cortex-a7", smp=2),
    "arm32-gicv3": dict(cpu="cortex-a15", smp=2, gic=3),
    "arm32-debug": dict(cpu="cortex-a15", smp=1, gic=3, xen=DEBUG_XEN),
    "arm32-no-vlpt": dict(cpu="cortex-a15", smp=2, xen_append="vlpt=off"),
    "arm32-costs": dict(cpu="cortex-a15", smp=1, icount=True),
    "arm32-stock": dict(cpu="cortex-a15", smp=2, xen=os.path.join(BUILD, "stock/arm32/xen")),
}
MACHINES = {"arm64": ARM64, "arm32": ARM32}[ARCH]
# Signs of a fault at EL2: none of them may appear on the console, whatever the payload does.
TROUBLE = re.compile(r"\bBUG|panic|backtrace|unexpected exception at EL2", re.I)


def run_payload(tap, name, options, ramdisk):
    """Boot the payload once; return the costs, holds and counts that it measured."""
    machine = {"gic": HOST_MACHINES[ARCH].gic, **options}
    with Host(
        f"bm-{name}",
        kernel=PAYLOAD,
        images=[ramdisk],
        agent=False,
        mem=1024,
        dom0_mem=256,
        **machine,
    ) as host:
        try:
            host.wait_console(r"bm: \d+ passed, \d+ failed", 180)
        except HostError as error:
            tap.not_ok(f"{name}: the payload finishes", error)
        text = host.console_text().replace("\r", "")
    text = re.sub(
        r"^\((XL|XEN)\)\s*(\[[^\]]*\])?\s*(?=ok |not ok |cost |hold |count |bm: )",
        "",
        text,
        flags=re.M,
    )
    counts = {}
    for verdict, what in re.findall(r"^(not ok|ok) (.*)$", text, re.M):
        # A check that runs many times (in a loop, for each guest) is reported in one line.
        if verdict == "ok":
            counts[what] = counts.get(what, 0) + 1
        else:
            tap.not_ok(f"{name}: {what.split(' - ')[0]}", what.split(" - ", 1)[-1])
    for what in counts:
        tap.ok(f"{name}: {what}")
    tap.check(
        not (bad := TROUBLE.search(text)),
        f"{name}: no BUG, panic or exception at EL2",
        bad and text[bad.start() :][:200],
    )
    if options.get("icount"):
        tap.check(
            "# time is instructions" in text, f"{name}: the payload counts time in instructions"
        )
    said = re.search(r"bm: (\d+) passed, (\d+) failed", text)
    if said:
        tap.check(
            int(said[1]) == sum(counts.values()) and int(said[1]) > 60,
            f"{name}: the console has a line for every check of the payload",
            f"the payload counts {said[0]}, the console has {sum(counts.values())}",
        )
    return {
        word: dict(re.findall(rf"^{word} (\S+) ([\d.]+)$", text, re.M))
        for word in ("cost", "hold", "count")
    }


def check_targets(tap, name, measured):
    """Compare costs with their targets, on a machine on which a nanosecond is an instruction."""
    costs, holds = (
        {what: int(value) for what, value in measured[word].items()} for word in ("cost", "hold")
    )
    for what, value in costs.items():
        tap.note(f"cost {what}: {value} instructions")
    for what, most in TARGETS[ARCH].items():
        tap.check(
            what in costs and costs[what] <= most,
            f"{name}: {what} takes at most {most} instructions",
            f"{costs.get(what, 'not measured')}",
        )
    for what, value in measured["count"].items():
        tap.note(f"count {what}: {value} exits")
    tap.note("hold: " + ", ".join(f"{what} {value}" for what, value in holds.items()))
    too_long = [f"{what}: {value}" for what, value in holds.items() if value > HOLD_MOST[ARCH]]
    tap.check(
        len(holds) >= HOLDS_LEAST and not too_long,
        f"{name}: no hypercall keeps its CPU for more than {HOLD_MOST[ARCH]} instructions",
        f"{len(holds)} measured; {' '.join(too_long)}",
    )


def check_bench(tap, ramdisk):
    """The short form of `make bench`, on one machine."""
    job = bench.Job("check", BENCH, {}, {})
    with Host(
        "bm-bench",
        kernel=PAYLOAD,
        images=[ramdisk],
        agent=False,
        mem=1024,
        dom0_mem=256,
        smp=1,
        icount=True,
        gic=HOST_MACHINES[ARCH].gic,
        dom0_append="bench=" + ",".join(BENCH),
    ) as host:
        try:
            host.wait_console(r"bm: \d+ passed, \d+ failed", 120)
        except HostError as error:
            tap.not_ok("bench: the payload finishes", error)
            return
        text = host.console_text().replace("\r", "")
    wrong = re.findall(r"not ok .*", text)
    tap.check(
        not wrong and not TROUBLE.search(text),
        "bench: every path is measured, and the dirty log has every page that was written",
        "\n".join(wrong),
    )
    figures = list(bench.parse(text, job))
    for work, most, parameters in BENCH_MOST:
        value = bench.benchdata.value_of(figures, work, **parameters)
        name = " ".join([work, *(f"{key}={value}" for key, value in parameters.items())])
        tap.check(
            value is not None and value <= most,
            f"bench: {name} takes at most {most} instructions",
            value,
        )
        tap.note(f"{name}: {value} instructions")


def is_chosen(name, options, word):
    if "stock" in name and "stock" not in word:
        return False
    gic = options.get("gic", HOST_MACHINES[ARCH].gic)
    return word in name and default_gic() in (None, gic)


def main():
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    tap = Tap()
    image = built("xen-lite")
    tap.check(
        os.path.getsize(image) < IMAGE_BYTES_MAX,
        "image below 400 KiB",
        f"{os.path.getsize(image)} bytes",
    )
    with tempfile.NamedTemporaryFile(prefix="bm-ramdisk-") as ramdisk:
        ramdisk.write(bytes(4096))
        ramdisk.flush()
        for name, options in MACHINES.items():
            if is_chosen(name, options, word):
                measured = run_payload(tap, name, options, ramdisk.name)
                if options.get("icount"):
                    check_targets(tap, name, measured)
        if is_chosen("bench", {}, word):
            check_bench(tap, ramdisk.name)
    tap.end()


if __name__ == "__main__":
    main()
