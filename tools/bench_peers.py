#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compare the cost of operations on xen-lite, on stock Xen 4.17 and on Linux 6.1's KVM.

usage: bench_peers.py [--json] [--quick]
  --json    only the result on standard output; progress goes to standard error
  --quick   KVM only with guests of 64 MiB

The unit is instructions: all run in the same emulator (-icount shift=0). Xen and xen-lite run the
bare-metal control domain (tests/baremetal). Linux runs its own tests of KVM, dirty_log_perf_test
and kvm_page_table_test.
docs/bench-peers.md has what is measured and how. Writes build/bench/peers.json and peers.svg.
Exit status: 0 everything was measured, 1 something failed (named), 2 usage.
"""
import argparse
import collections
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import chart
import host as hosts
from host import Host, HostError
from initramfs import Archive

OUT = os.path.join(hosts.BUILD, "bench")
STOCK = os.path.join(hosts.BUILD, "stock/arm64/xen")
PAYLOAD = hosts.built("baremetal/payload")
KERNEL = os.path.join(hosts.BUILD, "kernel/cloud/vmlinuz")
BUSYBOX = os.path.join(hosts.BUILD, "dom0-root/arm64/bin/busybox")
KVM_TESTS = os.path.join(hosts.BUILD, "kvm-tests/bin")
XEN_LITE, XEN, KVM_NVHE, KVM_VHE = "xen-lite", "xen-4.17", "kvm-6.1-nvhe", "kvm-6.1-vhe"
CPU_OF_KVM = {KVM_NVHE: "cortex-a57", KVM_VHE: "neoverse-n1"}
# Seconds. Whatever takes longer hangs, however slow the machine is.
PAYLOAD_S, JOB_S = 300, 900

PAGES_A_MIB = 256
BLOCK_PAGES = 512
# Size of the guest that tests/baremetal/test_costs.c logs.
PAYLOAD_MIB = 64
PAYLOAD_PAGES = PAYLOAD_MIB * PAGES_A_MIB
PAYLOAD_DATA_PAGES = PAYLOAD_PAGES - 4 * PAGES_A_MIB
# Size of the leaves of the guest's stage 2 when logging starts.
SMALL, BLOCK = "4 KiB", "2 MiB"

WORKS = {
    "null-hypercall": "null hypercall",
    "psci-version": "PSCI_VERSION by HVC",
    "gic-read": "read of GICD_TYPER",
    "dirty-enable-per-page": "logging on, per page",
    "dirty-enable-deferred-per-page": "logging on, deferred, per page",
    "write-fault": "write fault while logging",
    "write-fault-first-round": "the same, from a block",
    "get-clear-per-page": "get and clear the log, per page",
    "get-per-page": "get alone, per page",
    "clear-per-page": "clear alone, per page",
    "disable-per-page": "logging off, per page",
    "restore-blocks-per-page": "making blocks again, per page",
    "dirty-memory-time-per-page": "dirty_log_perf_test's dirty memory time, per page",
}

Figure = collections.namedtuple("Figure", "system work value parameters")


class MeasureError(Exception):
    """A measurement failed, or its result is implausible."""


# --- arithmetic ----------------------------------------------------------------------------------


def nanoseconds(text):
    """`0.119097504s` as an integer. With -icount shift=0 this is the number of instructions."""
    seconds, fraction = text.rstrip("s").split(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))


def times(pattern, text):
    return [
        nanoseconds(value)
        for value in re.findall(rf"^{pattern} time: (\d+\.\d{{9}}s)$", text, re.M)
    ]


def the_one(what, values):
    if len(values) != 1:
        raise MeasureError(f"{what}: printed {len(values)} times, not once")
    return values[0]


def parse_dirty_log(text):
    """The times that dirty_log_perf_test prints, in ns; lists have one entry per iteration."""
    found = {
        "populate": the_one("populate memory time", times("Populate memory", text)),
        "enable": the_one("enabling dirty logging time", times("Enabling dirty logging", text)),
        "disable": the_one("disabling dirty logging time", times("Disabling dirty logging", text)),
        "dirty": times(r"Iteration \d+ dirty memory", text),
        "get": times(r"Iteration \d+ get dirty log", text),
        "clear": times(r"Iteration \d+ clear dirty log", text),
    }
    if (
        not found["dirty"]
        or len(found["get"]) != len(found["dirty"])
        or len(found["clear"]) not in (0, len(found["dirty"]))
    ):
        raise MeasureError("dirty_log_perf_test: iterations without their times")
    return found


def parse_page_table(text):
    """The times that kvm_page_table_test prints, in ns."""
    return {
        name: the_one(
            f"KVM_{name.upper()}_MAPPINGS",
            times(f"KVM_{name.upper()}_MAPPINGS: total execution", text),
        )
        for name in ("create", "update", "adjust")
    }


def parse_costs(text):
    """`cost NAME N` of the bare-metal payload."""
    return {name: int(value) for name, value in re.findall(r"\bcost (\S+) (\d+)\r?$", text, re.M)}


def per_page(total, pages):
    return float(f"{total / pages:.4g}")


def figures_of_dirty_log(found, job):
    pages = job.mib * PAGES_A_MIB
    if job.as_printed:
        yield "dirty-memory-time-per-page", per_page(found["dirty"][-1], pages)
    elif job.manual:
        if not found["clear"]:
            raise MeasureError("no time of clearing was printed")
        yield "dirty-enable-deferred-per-page", per_page(found["enable"], pages)
        yield "get-per-page", per_page(found["get"][-1], pages)
        yield "clear-per-page", per_page(found["clear"][-1], pages)
    else:
        yield "dirty-enable-per-page", per_page(found["enable"], pages)
        yield "get-clear-per-page", per_page(found["get"][-1], pages)
        yield "disable-per-page", per_page(found["disable"], pages)


def figures_of_page_table(found, job):
    """In "update" each page is written to and faults. In "adjust" the same pages are read without
    faults.

    If memory is mapped by blocks, "update" writes to one half of each block. Logging is off in
    "adjust", and the first read of each block makes it a block again.
    """
    pages = job.mib * PAGES_A_MIB
    if job.leaves == SMALL:
        yield "write-fault", per_page(found["update"] - found["adjust"], pages)
    else:
        yield "write-fault-first-round", per_page(found["update"], pages // 2)
        yield "restore-blocks-per-page", per_page(found["adjust"], pages)


def figures_of_payload(costs):
    """(work, value, leaves) of the payload's output. LEAVES is None if the work does not depend on
    it.
    """
    for work, name in (
        ("null-hypercall", "hypercall"),
        ("psci-version", "psci-version"),
        ("gic-read", "gicd-typer"),
    ):
        yield work, cost(costs, name), None
    if "log-4k-on" not in costs:
        return
    for leaves, short in ((SMALL, "4k"), (BLOCK, "2m")):
        yield "dirty-enable-per-page", per_page(
            cost(costs, f"log-{short}-on"), PAYLOAD_PAGES
        ), leaves
        yield "get-clear-per-page", per_page(
            cost(costs, f"log-{short}-clean"), PAYLOAD_DATA_PAGES
        ), leaves
        yield "disable-per-page", per_page(cost(costs, f"log-{short}-off"), PAYLOAD_PAGES), leaves
    yield "write-fault", per_page(cost(costs, "log-4k-writes"), PAYLOAD_DATA_PAGES), SMALL
    yield "write-fault-first-round", per_page(
        cost(costs, "log-2m-first-writes"), PAYLOAD_DATA_PAGES
    ), BLOCK


def cost(costs, name):
    if name not in costs:
        raise MeasureError(f"the payload printed no `cost {name}`")
    return costs[name]


def faults_expected(job):
    """The least and the greatest plausible number of guest faults in kvm_page_table_test.

    Each page faults when it is mapped, and when it is written to while logged. With blocks, one
    half of each is written to, and each is mapped again at the end. The guest's code, stacks and
    page tables fault, too.
    """
    pages = job.mib * PAGES_A_MIB
    least = 2 * pages if job.leaves == SMALL else pages // 2 + 2 * (pages // BLOCK_PAGES)
    return least, least + 200


# --- Xen and xen-lite ----------------------------------------------------------------------------


def run_payload(report, system, cpu, xen):
    """Measure with dirty=sw: otherwise neoverse-n1 would keep the dirty state, and no write would
    fault.
    """
    report.say(f"{system} on {cpu}: bare-metal control domain")
    with tempfile.NamedTemporaryFile(prefix="peers-ramdisk-") as ramdisk:
        ramdisk.write(bytes(4096))
        ramdisk.flush()
        with Host(
            f"peers-{system}-{cpu}",
            xen=xen,
            kernel=PAYLOAD,
            images=[ramdisk.name],
            agent=False,
            mem=1024,
            dom0_mem=256,
            cpu=cpu,
            icount=True,
            xen_append="dirty=sw" if system == XEN_LITE else "",
        ) as machine:
            machine.wait_console(r"bm: \d+ passed, \d+ failed", PAYLOAD_S)
            text = machine.console_text()
    costs = parse_costs(text)
    if system == XEN_LITE and "log-4k-on" not in costs:
        raise MeasureError("the payload printed no costs of logging")
    for work, value, leaves in figures_of_payload(costs):
        logged = {"guest_mib": PAYLOAD_MIB, "vcpus": 1, "leaves": leaves} if leaves else {}
        report.add(system, work, value, {**logged, "cpu": cpu})


# --- KVM -----------------------------------------------------------------------------------------


class Job(
    collections.namedtuple(
        "Job",
        "tool mib vcpus leaves manual as_printed traced",
        defaults=(64, 1, SMALL, False, False, False),
    )
):
    """One run of one of Linux's tests.

    manual: with KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2. as_printed: with Linux's default scheduler
    settings. traced: the run is not timed; its faults are counted.
    """

    def command(self):
        memory = "anonymous" if self.leaves == SMALL else "anonymous_thp"
        # mode 5: 40 bits of address, 4 KiB pages
        line = f"{self.tool} -m 5 -s {memory} -v {self.vcpus}"
        if self.tool == "kvm_page_table_test":
            return f"{line} -b {self.mib}M"
        # -b is the memory of each vCPU.
        return f"{line} -b {self.mib // self.vcpus}M" + ("" if self.manual else " -g")

    def title(self):
        return (
            self.command()
            + (", faults counted" if self.traced else "")
            + (", scheduler as it is" if self.as_printed else "")
        )

    def parameters(self, cpu):
        return {"guest_mib": self.mib, "vcpus": self.vcpus, "leaves": self.leaves, "cpu": cpu}


def jobs(quick):
    log, table = "dirty_log_perf_test", "kvm_page_table_test"
    found = [
        Job(log, as_printed=True),
        Job(log),
        Job(table),
        Job(log, manual=True),
        Job(log, leaves=BLOCK),
        Job(table, leaves=BLOCK),
    ]
    if not quick:
        found += [
            Job(tool, mib=mib, vcpus=vcpus)
            for mib, vcpus in ((64, 2), (64, 4), (256, 1), (1024, 1))
            for tool in (log, table)
        ]
    return found + [Job(table, traced=True), Job(table, leaves=BLOCK, traced=True)]


# The threads of dirty_log_perf_test wait for each other by polling. With one CPU and short slices,
# the waiting thread would take half of the measured time. With long slices the thread at work keeps
# the CPU.
SLICE_NS = 100_000_000
INIT = f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t devtmpfs devtmpfs /dev &&
    mount -t debugfs debugfs /sys/kernel/debug
dmesg | grep -i 'kvm.*initialized'
fault=/sys/kernel/debug/tracing/events/kvm/kvm_guest_fault
long_slices() {{
    for knob in latency_ns min_granularity_ns; do
        echo {SLICE_NS} > /sys/kernel/debug/sched/$knob &&
            echo "peers: $knob $(cat /sys/kernel/debug/sched/$knob)"
    done
}}
job() {{
    number=$1; shift
    echo "peers: begin $number"; ./"$@"; echo "peers: end $number status $?"
}}
counted() {{
    echo 'hist:keys=common_pid' > $fault/trigger; echo 1 > $fault/enable
    job "$@"
    echo 0 > $fault/enable; grep Hits: $fault/hist
    echo '!hist:keys=common_pid' > $fault/trigger; echo "peers: counted $1"
}}
cd /bin
"""


def init_script(work):
    lines, slices = [INIT], False
    for number, job in enumerate(work):
        if not job.as_printed and not slices:
            lines.append("long_slices\n")
            slices = True
        lines.append(f"{'counted' if job.traced else 'job'} {number} {job.command()}\n")
    return "".join(lines) + "echo 'peers: done'\npoweroff -f\n"


def make_image(path, work):
    image = Archive()
    for folder in "dev proc sys tmp".split():
        image.folder(folder)
    image.device("dev/console", 5, 1)
    image.file("bin/busybox", BUSYBOX, 0o755)
    image.link("bin/sh", "busybox")
    for tool in sorted({job.tool for job in work}):
        image.file(f"bin/{tool}", os.path.join(KVM_TESTS, tool), 0o755)
    image.data("init", init_script(work), 0o755)
    image.write(path)


class KvmHost(Host):
    """A machine with Linux at EL2.

    It has one CPU, because one clock counts the instructions of all CPUs, including their idle
    loops.
    """

    def __init__(self, system, image):
        super().__init__(
            f"peers-{system}",
            xen=KERNEL,
            kernel=KERNEL,
            images=[image],
            agent=False,
            cpu=CPU_OF_KVM[system],
            mem=1536,
            icount=True,
        )

    def command_line(self, console):
        return [
            "qemu-system-aarch64",
            "-M",
            "virt,virtualization=on,gic-version=3",
            "-cpu",
            self.cpu,
            "-smp",
            str(self.smp),
            "-m",
            str(self.mem),
            "-display",
            "none",
            "-no-reboot",
            *console,
            "-nic",
            "none",
            "-icount",
            "shift=0",
            "-kernel",
            self.kernel,
            "-initrd",
            self.images[0],
            "-append",
            "console=ttyAMA0 quiet nokaslr kpti=0 mitigations=off init_on_alloc=0 panic=-1",
        ]


class KvmRun:
    """One host and its jobs. The caller calls step() until `over` is set."""

    def __init__(self, report, system, work):
        self.report, self.system, self.cpu, self.work = report, system, CPU_OF_KVM[system], work
        self.next, self.over, self.moved = 0, False, time.monotonic()
        self.image = os.path.join(OUT, f"{system}.cpio")
        self.host = KvmHost(system, self.image)

    def start(self):
        make_image(self.image, self.work)
        self.host.start()
        self.moved = time.monotonic()

    def stop(self):
        self.host.stop()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.image)

    def step(self):
        """Process new console output. A job that failed is reported; the run continues."""
        text = self.host.console_text().replace("\r", "")
        while self.next < len(self.work) and (job := self._ended(text)):
            output, status = job
            self._take(self.work[self.next], output, status)
            self.next += 1
            self.moved = time.monotonic()
        if self.next == len(self.work):
            self.over = True
            self._check_machine(text)
        elif not self.host.alive():
            raise MeasureError(
                f"the emulator ended at: {self.work[self.next].title()}\n"
                f"{self.host.console_tail(12)}"
            )
        elif time.monotonic() - self.moved > JOB_S:
            raise MeasureError(
                f"no end within {JOB_S} s: {self.work[self.next].title()}\n"
                f"{self.host.console_tail(12)}"
            )

    def _ended(self, text):
        """(output, exit status) of the current job, if it has ended."""
        number = self.next
        more = rf"(.*?)^peers: counted {number}$" if self.work[number].traced else "()"
        match = re.search(
            rf"(?ms)^peers: begin {number}$(.*?)^peers: end {number} status (\d+)$" + more, text
        )
        return match and (match[1] + match[3], int(match[2]))

    def _take(self, job, output, status):
        try:
            self._measure(job, output, status)
            self.report.say(f"{self.system}: {self.next + 1} of {len(self.work)}: {job.title()}")
        except MeasureError as error:
            self.report.fail(f"{self.system}: {job.title()}", error)

    def _measure(self, job, output, status):
        if status != 0:
            raise MeasureError(f"exit status {status}\n{output.strip()[-800:]}")
        if job.traced:
            hits = int(the_one("Hits", re.findall(r"Hits: (\d+)", output)))
            least, most = faults_expected(job)
            if not least <= hits <= most:
                raise MeasureError(
                    f"{hits} faults of the guest, expected {least} to {most}: "
                    "the figures are not per page"
                )
            return
        parse, derive = (
            (parse_dirty_log, figures_of_dirty_log)
            if job.tool == "dirty_log_perf_test"
            else (parse_page_table, figures_of_page_table)
        )
        for work, value in derive(parse(output), job):
            self.report.add(self.system, work, value, job.parameters(self.cpu))

    def _check_machine(self, text):
        """Check the mode of KVM (VHE or nVHE), and that the scheduler's slices were long."""
        mode = "VHE mode" if self.system == KVM_VHE else "Hyp mode"
        if f"{mode} initialized" not in text:
            raise MeasureError(f"the kernel did not print `{mode} initialized`")
        if len(re.findall(rf"^peers: (?:latency|min_granularity)_ns {SLICE_NS}$", text, re.M)) != 2:
            raise MeasureError("the scheduler's slices could not be set")


def run_kvm(report, quick):
    """Run both hosts at the same time. An emulator ends with the thread that started it: this."""
    runs = [KvmRun(report, system, jobs(quick)) for system in (KVM_NVHE, KVM_VHE)]
    try:
        for run in runs:
            report.say(f"{run.system}: Linux boots on {run.cpu}, {len(run.work)} runs of its tests")
            run.start()
        while left := [run for run in runs if not run.over]:
            for run in left:
                try:
                    run.step()
                except MeasureError as error:
                    run.over = True
                    report.fail(run.system, error)
                if run.over:
                    run.stop()
            time.sleep(0.2)
    finally:
        for run in runs:
            run.stop()


# --- the result ----------------------------------------------------------------------------------


class Report:
    def __init__(self, progress):
        self.figures, self.failed, self.progress, self.began = [], [], progress, time.monotonic()

    def say(self, text):
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", file=self.progress, flush=True)

    def add(self, system, work, value, parameters):
        self.figures.append(Figure(system, work, value, parameters))

    def fail(self, what, why):
        self.failed.append(what)
        self.say(f"FAILED: {what}: {why}")

    def attempt(self, what, function, *arguments):
        try:
            function(self, *arguments)
        except (MeasureError, HostError, OSError) as error:
            self.fail(what, error)

    def value(self, system, work, **wanted):
        """The value of the first figure that has the parameters WANTED, or None."""
        for figure in self.figures:
            if (figure.system, figure.work) == (system, work) and all(
                figure.parameters.get(k) == v for k, v in wanted.items()
            ):
                return figure.value
        return None

    def document(self):
        version = subprocess.run(
            ["qemu-system-aarch64", "--version"], capture_output=True, text=True, check=True
        ).stdout
        return {
            "schema": 1,
            "command": "make bench-peers",
            "machine": {
                "qemu": re.search(r"version (\S+)", version)[1],
                "cpu": ", ".join(CPU_OF_KVM.values()),
                "icount": "shift=0",
            },
            "figures": [
                {
                    "system": f.system,
                    "work": f.work,
                    "unit": "instructions",
                    "value": f.value,
                    "parameters": f.parameters,
                }
                for f in self.figures
            ],
            "failed": self.failed,
        }


def show(value):
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


COLUMNS = (
    (XEN_LITE, "cortex-a57"),
    (XEN, "cortex-a57"),
    (KVM_NVHE, "cortex-a57"),
    (XEN_LITE, "neoverse-n1"),
    (XEN, "neoverse-n1"),
    (KVM_VHE, "neoverse-n1"),
)


def cell(report, system, cpu, work, leaves):
    """The value, with its ratio to xen-lite's value on the same CPU."""
    wanted = (
        {"cpu": cpu}
        if leaves is None
        else {"cpu": cpu, "leaves": leaves, "guest_mib": PAYLOAD_MIB, "vcpus": 1}
    )
    value, own = report.value(system, work, **wanted), report.value(XEN_LITE, work, **wanted)
    if system == XEN_LITE or value is None or not own:
        return show(value)
    return (
        f"{show(value)} ({value / own:.2g}x)"
        if value < 100 * own
        else f"{show(value)} ({value / own:,.0f}x)"
    )


def rows():
    for work in WORKS:
        if work in ("null-hypercall", "psci-version", "gic-read"):
            yield work, None
        elif work in ("write-fault-first-round", "restore-blocks-per-page"):
            yield work, BLOCK
        else:
            yield work, SMALL
            if work in ("dirty-enable-per-page", "get-clear-per-page", "disable-per-page"):
                yield work, BLOCK


def table(report):
    """All figures of guests with 64 MiB and one vCPU."""
    lines = [
        ["instructions", "leaves"] + [system for system, _ in COLUMNS],
        ["", ""] + [cpu for _, cpu in COLUMNS],
    ]
    for work, leaves in rows():
        lines.append(
            [WORKS[work], leaves or ""]
            + [cell(report, system, cpu, work, leaves) for system, cpu in COLUMNS]
        )
    return aligned(lines)


SCALED = ("dirty-enable-per-page", "write-fault", "get-clear-per-page", "disable-per-page")


def scaling_table(report):
    """Figures of KVM by guest memory and number of vCPUs."""
    lines = [["4 KiB leaves", "MiB", "vCPUs", *(WORKS[work] for work in SCALED)]]
    for system in CPU_OF_KVM:
        sizes = dict.fromkeys(
            (f.parameters["guest_mib"], f.parameters["vcpus"])
            for f in report.figures
            if f.system == system
        )
        for mib, vcpus in sizes:
            lines.append(
                [system, str(mib), str(vcpus)]
                + [
                    show(report.value(system, work, guest_mib=mib, vcpus=vcpus, leaves=SMALL))
                    for work in SCALED
                ]
            )
    return aligned(lines)


def aligned(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths))
        )
        for line in lines
    )


BARS = (
    ("null-hypercall", None, "null\\nhypercall"),
    ("psci-version", None, "PSCI\\\\_VERSION"),
    ("gic-read", None, "GIC register\\nread"),
    ("write-fault", SMALL, "write fault\\nwhile logging"),
    ("write-fault-first-round", BLOCK, "the same,\\nfrom a block"),
    ("get-clear-per-page", SMALL, "get and clear,\\nper page"),
    ("dirty-enable-per-page", SMALL, "logging on,\\nper page"),
    ("dirty-enable-per-page", BLOCK, "logging on,\\nper page of a block"),
    ("disable-per-page", SMALL, "logging off,\\nper page"),
)
SERIES = (
    (XEN_LITE, "cortex-a57", "xen-lite", "#1f6fb4"),
    (XEN, "cortex-a57", "Xen 4.17", "#e08a1e"),
    (KVM_NVHE, "cortex-a57", "KVM 6.1 nVHE", "#9aa0a6"),
    (KVM_VHE, "neoverse-n1", "KVM 6.1 VHE (on neoverse-n1, the others on cortex-a57)", "#4d5358"),
)
BAR = 0.21
# The ends of the axis, as far as the figures need no more.
LEAST_SHOWN, MOST_SHOWN = 0.1, 10000


def bar_label(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def plot_data(report, system, cpu, slot):
    """Lines of position, height and label; and for missing figures, labels with the reason."""
    bars, gaps = [], []
    for i, (work, leaves, _) in enumerate(BARS):
        wanted = (
            {"cpu": cpu}
            if leaves is None
            else {"cpu": cpu, "leaves": leaves, "guest_mib": PAYLOAD_MIB, "vcpus": 1}
        )
        value, at = report.value(system, work, **wanted), i + (slot - 1.5) * BAR
        if value is not None:
            bars.append(f"{at:.3f} {max(value, LEAST_SHOWN):.6g} {bar_label(value)}")
        else:
            word = "cannot" if system == XEN and leaves else "not measured"
            gaps.append(
                f"set label '{word}' at {at:.3f},{LEAST_SHOWN * 1.25} "
                "rotate by 90 font ',9' tc '#777777'"
            )
    return bars or ["NaN NaN -"], gaps


def is_shown(figure):
    """Whether a bar of the plot has the figure."""
    return any(
        work == figure.work and leaves == figure.parameters.get("leaves")
        for work, leaves, _ in BARS
    )


def plot_script(report, out):
    ticks = ", ".join(f'"{title}" {i}' for i, (_, _, title) in enumerate(BARS))
    _, most = chart.decades([MOST_SHOWN, *(f.value for f in report.figures if is_shown(f))])
    lines = [
        "set terminal svg size 1240,540 font 'sans-serif,12' background '#ffffff'",
        f"set output '{out}'",
        "set title 'What one operation costs, in instructions "
        "(fewer is better; logarithmic scale)' font ',15'",
        f"set logscale y; set yrange [{LEAST_SHOWN}:{most:g}]; set format y '%g'",
        f"set xrange [-0.6:{len(BARS) - 0.4}]",
        f"set xtics ({ticks}) scale 0; set ytics nomirror; set border 3; "
        "set grid y lc '#dddddd'; set bmargin 4",
        f"set style fill solid 1 noborder; set boxwidth {BAR * 0.92}; "
        "set key outside top center horizontal",
    ]
    for slot, (system, cpu, _, _) in enumerate(SERIES):
        bars, gaps = plot_data(report, system, cpu, slot)
        lines += [f"$d{slot} << E", *bars, "E", *gaps]
    boxes = [
        f"$d{slot} using 1:2 with boxes lc '{colour}' title '{title}'"
        for slot, (_, _, title, colour) in enumerate(SERIES)
    ]
    labels = [
        f"$d{slot} using 1:2:3 with labels offset 0,0.6 font ',9' notitle"
        for slot in range(len(SERIES))
    ]
    return "\n".join(lines + ["plot " + ", ".join(boxes + labels), ""])


def draw(report):
    out = os.path.join(OUT, "peers.svg")
    done = subprocess.run(
        ["gnuplot"], input=plot_script(report, out), capture_output=True, text=True, check=False
    )
    if done.returncode or done.stderr.strip():
        raise MeasureError(f"gnuplot: {done.stderr.strip()}")


def missing_files():
    return [
        path
        for path in (
            hosts.default_xen(),
            STOCK,
            PAYLOAD,
            KERNEL,
            BUSYBOX,
            *(os.path.join(KVM_TESTS, job.tool) for job in jobs(True)),
        )
        if not os.path.isfile(path)
    ]


def measure(report, quick):
    report.say(
        f"this takes some {2 if quick else 5} minutes on two idle cores; "
        "6 emulators, at most two at once"
    )
    for cpu in CPU_OF_KVM.values():
        for system, xen in ((XEN_LITE, hosts.default_xen()), (XEN, STOCK)):
            report.attempt(f"{system} on {cpu}", run_payload, system, cpu, xen)
    report.attempt("KVM", run_kvm, quick)


def main():
    parser = argparse.ArgumentParser(
        description="Compare xen-lite with stock Xen and KVM, in instructions."
    )
    parser.add_argument("--json", action="store_true", help="only the result on standard output")
    parser.add_argument("--quick", action="store_true", help="KVM only with guests of 64 MiB")
    args = parser.parse_args()
    if missing := missing_files():
        sys.exit(f"bench_peers: no file {missing[0]}; `make bench-peers` makes what it needs")
    os.makedirs(OUT, exist_ok=True)
    report = Report(sys.stderr if args.json else sys.stdout)
    try:
        measure(report, args.quick)
    except KeyboardInterrupt:
        sys.exit(130)
    report.attempt("the plot", draw)
    document = report.document()
    with open(os.path.join(OUT, "peers.json"), "w", encoding="utf-8") as f:
        json.dump(document, f, indent=1)
    if args.json:
        print(json.dumps(document))
    else:
        print(f"\n{table(report)}\n\n{scaling_table(report)}\n\n{OUT}/peers.json, {OUT}/peers.svg")
    if report.failed:
        sys.exit(f"bench_peers: failed: {'; '.join(report.failed)}")


if __name__ == "__main__":
    main()
