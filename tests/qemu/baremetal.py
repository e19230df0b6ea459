#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 1
# timeout: 900
# seconds: 170
# machines: arm64-gicv3 arm64-gicv2 arm32-gicv2
# more: arm32-gicv3
# shows: what a guest may ask of the hypervisor, bit for bit; the dirty log; costs
"""The bare-metal control domain (tests/baremetal) on the machines that take different paths, and the costs promised.
"bench" is a short form of `make bench`: what goes beyond its bound here has become slower.

usage: baremetal.py [WORD]      only the machines whose name contains WORD
  ARCH, GIC       of which width (default arm64), and with which version of the GIC (default: any)
Those called stock are stock Xen's (tools/fetch stock-xen), what of the tests applies to it: only when WORD says so.
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
# Instructions, there and back, with the loop around them.
PROMISED = {
    "arm64": {"hypercall": 110, "gicd-typer": 150, "write-fault": 90},
    "arm32": {"hypercall": 250, "write-fault": 250},
}
# What `make bench` measures (docs/bench.md), with room for a tenth more; parameters as there.
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
HOLD_MOST = {"arm64": 100000, "arm32": 150000}  # that any hypercall keeps its CPU
HOLDS_LEAST = 60  # so many are measured
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
    # Guests of 32 bits: the same tests with arm32's program in the guests.
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
# At EL2 nothing of this may be on the console, whatever the payload does.
TROUBLE = re.compile(r"\bBUG|panic|backtrace|unexpected exception at EL2", re.I)


def run_payload(tap, name, options, ramdisk):
    """One boot; returns what the payload measured: costs, holds and counts."""
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
            tap.not_ok(f"{name}: the payload comes to its end", error)
        text = host.console_text().replace("\r", "")
    text = re.sub(
        r"^\((XL|XEN)\)\s*(\[[^\]]*\])?\s*(?=ok |not ok |cost |hold |count |bm: )",
        "",
        text,
        flags=re.M,
    )
    counts = {}
    for verdict, what in re.findall(r"^(not ok|ok) (.*)$", text, re.M):
        # A check that runs often (in a loop, for each guest) is one line here.
        if verdict == "ok":
            counts[what] = counts.get(what, 0) + 1
        else:
            tap.not_ok(f"{name}: {what.split(' - ')[0]}", what.split(" - ", 1)[-1])
    for what in counts:
        tap.ok(f"{name}: {what}")
    tap.check(
        not (bad := TROUBLE.search(text)),
        f"{name}: no trouble at EL2",
        bad and text[bad.start() :][:200],
    )
    if options.get("icount"):
        tap.check(
            "# time is instructions" in text,
            f"{name}: the payload knows that it can check what it counts",
        )
    said = re.search(r"bm: (\d+) passed, (\d+) failed", text)
    if said:
        tap.check(
            int(said[1]) == sum(counts.values()) and int(said[1]) > 60,
            f"{name}: every check was heard",
            f"payload says {said[0]}, heard {sum(counts.values())}",
        )
    return {
        word: dict(re.findall(rf"^{word} (\S+) ([\d.]+)$", text, re.M))
        for word in ("cost", "hold", "count")
    }


def check_promises(tap, name, measured):
    """Of a machine on which a nanosecond is an instruction."""
    costs, holds = (
        {what: int(value) for what, value in measured[word].items()} for word in ("cost", "hold")
    )
    for what, value in costs.items():
        tap.note(f"cost {what}: {value} instructions")
    for what, most in PROMISED[ARCH].items():
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
            tap.not_ok("bench: the payload comes to its end", error)
            return
        text = host.console_text().replace("\r", "")
    wrong = re.findall(r"not ok .*", text)
    tap.check(
        not wrong and not TROUBLE.search(text),
        "bench: all is measured, and the log has what was written",
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


def is_meant(name, options, word):
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
            if is_meant(name, options, word):
                measured = run_payload(tap, name, options, ramdisk.name)
                if options.get("icount"):
                    check_promises(tap, name, measured)
        if is_meant("bench", {}, word):
            check_bench(tap, ramdisk.name)
    tap.end()


if __name__ == "__main__":
    main()
