#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 1
# timeout: 600
# seconds: 170
# shows: `xl` and a guest's life; devices of the control domain
"""Debian's xl manages guests from creation to their end, on a host with two CPUs; the control
domain uses virtio devices.

usage: lifecycle.py [--cycles N]
"""
import hashlib
import os
import re
import sys
import tempfile
import time

from scenario import (
    pace,
    watch_console,
    Host,
    Tap,
    console_text,
    expect,
    free_memory,
    guest_config,
    wait_gone,
    wait_guest_console,
    wait_until,
    xl_list,
)

MIB = 1 << 20
DISK_MIB = 8
FULL_GUEST = 256
KEYS = "hqegpVdrimxv0"


def create(host, name="guest", **options):
    host.put(f"/root/{name}.cfg", guest_config(name, **options))
    host.run(f"xl create /root/{name}.cfg", timeout=60, check=True)


def guest_shell(host, name, command, pattern, timeout=20):
    """Type a command on the guest's console; return the match of PATTERN in the output after it."""
    before = len(console_text(host, name))
    type_in(host, name, command)
    return wait_until(
        lambda: re.search(pattern, console_text(host, name)[before:]),
        f"{pattern!r} on {name}'s console",
        timeout,
    )


def type_in(host, name, command):
    # xl console needs a terminal for input, so write to the console's tty directly.
    host.run(
        f"cat > $(xenstore-read /local/domain/{xl_list(host)[name][0]}/console/tty)",
        timeout=10,
        stdin=command + "\n",
        check=True,
    )


def state(host, name="guest"):
    return xl_list(host)[name][3]


def cpu_seconds(host, name):
    """{vCPU: CPU seconds that it has used}"""
    rows = [
        line.split()
        for line in host.run(f"xl vcpu-list {name}", check=True).output.strip().split("\n")[1:]
    ]
    return {int(row[2]): float(row[5]) for row in rows}


def uptime(host):
    return float(host.run("cat /proc/uptime", check=True).output.split()[0])


def control_domain(tap, host):
    with tap.case("boot: the control domain is up, with both CPUs", host):
        tap.note(f"ready after {host.wait_ready(60):.1f} s")
        expect(host.run("nproc").output.strip() == "2", "nproc is not 2")
        expect(xl_list(host)["Domain-0"][2] == 2, "xl list does not show 2 vCPUs")
    with tap.case("xl info: version, CPUs, memory, scheduler, capabilities", host):
        info = dict(re.findall(r"^(\w+)\s*: ?(.*)$", host.run("xl info", check=True).output, re.M))
        for key, pattern in {
            "xen_major": "4",
            "xen_minor": "17",
            "nr_cpus": "2",
            "total_memory": r"20\d\d",
            "free_memory": r"\d+",
            "xen_scheduler": "credit2?",
            "virt_caps": ".*hvm.*",
        }.items():
            expect(re.fullmatch(pattern, info.get(key, "")), f"{key} is {info.get(key)!r}")
    with tap.case("xl dmesg, xl debug-keys: each key prints its report", host):
        for key in KEYS:
            host.run(f"xl debug-keys {key}", check=True)
        dmesg = host.run("xl dmesg", check=True).output
        expect("control domain starts" in dmesg, "the boot is not in xl dmesg")
        for key in KEYS:
            expect(re.search(rf"'{key}' pressed", dmesg), f"key {key} left nothing in xl dmesg")
        expect("key 'q'" in dmesg and "d0v0" in dmesg, "no list of keys, or no state of d0v0")
        expect("no such key" not in dmesg, "a key is not known")
    with tap.case("an idle host sleeps", host):
        # Both figures are in the host's time, which a busy machine slows alike. The two commands
        # that read the figures are the only load.
        before, began = cpu_seconds(host, "Domain-0"), uptime(host)
        host.run("sleep 3", check=True)
        used, took = (
            sum(cpu_seconds(host, "Domain-0").values()) - sum(before.values()),
            uptime(host) - began,
        )
        if pace.measure() < 1.5 and pace.load_factor() < 1.5:
            expect(used < took, f"{used:.1f} s of CPU in {took:.1f} s, on two CPUs")
        else:
            # On a busy machine a virtual CPU that waits for a real one counts as running, so only a
            # host that never sleeps can be detected.
            expect(
                used < 1.9 * took,
                f"{used:.1f} s of CPU in {took:.1f} s, on two CPUs: it never sleeps",
            )


def virtio_disk(tap, host, path):
    with open(path, "rb") as disk:
        content = disk.read()
    with tap.case("virtio disk: the control domain reads the right data", host):
        digest = host.run("md5sum < /dev/vda", check=True).output.split()[0]
        expect(digest == hashlib.md5(content).hexdigest(), "the checksum differs from the file's")
    with tap.case("virtio disk: the control domain writes the right data to the right place", host):
        digest = host.run(
            f"dd if=/dev/urandom of=/tmp/w bs=1M count={DISK_MIB // 2} 2>/dev/null && "
            f"dd if=/tmp/w of=/dev/vda bs=64k seek=16 conv=notrunc,fsync 2>/dev/null && "
            f"md5sum < /tmp/w && rm /tmp/w",
            check=True,
        ).output.split()[0]
        with open(path, "rb") as disk:
            now = disk.read()
        expect(
            hashlib.md5(now[MIB : MIB + DISK_MIB // 2 * MIB]).hexdigest() == digest,
            "the file does not have the data that were written",
        )
        expect(
            now[:MIB] == content[:MIB]
            and now[MIB + DISK_MIB // 2 * MIB :] == content[MIB + DISK_MIB // 2 * MIB :],
            "data outside the written range changed",
        )


def first_guest(tap, host):
    """A guest with the workload, which runs on afterwards."""
    with tap.case("xl create: the guest comes up, with its CPUs and memory", host):
        create(host, memory=FULL_GUEST, vcpus=2, extra="wl.mem=64 wl.ws=16 wl.mbps=4")
        wait_guest_console(host, r"guest: init, [\d.]+ s after the kernel started, 2 CPUs", 40)
        expect(
            xl_list(host)["guest"][1:3] == (FULL_GUEST, 2),
            lambda: f"xl list says {xl_list(host)['guest']}",
        )
        wait_guest_console(host, r"WL t=.* passes=[1-9]\d* errors=0 ", 40)
    with tap.case("xl console: shows the guest's output, and the guest gets what is typed", host):
        output = host.run(watch_console("guest"), timeout=10).output
        expect("WL t=" in output, f"no heartbeat in what xl console shows: {output[-200:]!r}")
        guest_shell(host, "guest", "echo answer-$((6*7))", "answer-42")
    with tap.case("xl pause stops the guest, xl unpause lets it go on", host):
        host.run("xl pause guest", check=True)
        expect("p" in state(host), f"state {state(host)}")
        before = cpu_seconds(host, "guest")
        beats = console_text(host).count("WL t=")
        time.sleep(1.5)
        expect(cpu_seconds(host, "guest") == before, "the guest ran while paused")
        host.run("xl unpause guest", check=True)
        expect("p" not in state(host), f"state {state(host)}")
        wait_guest_console(host, "WL t=.* errors=0 ", 20, count=beats + 5)
    with tap.case("xl vcpu-list, xl vcpu-pin: vCPUs run where they are pinned", host):
        host.run("xl vcpu-pin guest all 1", check=True)
        time.sleep(0.5)
        rows = [
            line.split()
            for line in host.run("xl vcpu-list guest", check=True).output.strip().split("\n")[1:]
        ]
        expect(len(rows) == 2 and all(row[3] == "1" and row[6] == "1" for row in rows), f"{rows}")
        host.run("xl vcpu-pin guest 0 0 && xl vcpu-pin guest 1 all", check=True)
        expect(
            host.run("xl vcpu-pin guest 0 7").status != 0,
            "pinning to a CPU that is not there succeeds",
        )
    with tap.case("xl top: lists the guest and the control domain", host):
        output = host.run("xentop -b -i 2 -d 1", timeout=20, check=True).output
        expect(re.search(r"^\s*guest\s", output, re.M) and "Domain-0" in output, output[:300])
    with tap.case("memory target: the guest gives memory back, and gets it again", host):
        # Write the target as `xl mem-set` does: Debian's `xl mem-set` aborts in libxl on Arm, on
        # any hypervisor.
        number = xl_list(host)["guest"][0]
        for mib in (FULL_GUEST - 48, FULL_GUEST):
            free = free_memory(host)
            host.run(
                f"xenstore-write /local/domain/{number}/memory/target {mib * 1024}", check=True
            )
            wait_until(
                lambda: abs(xl_list(host)["guest"][1] - mib) <= 2, f"the guest has {mib} MiB", 20
            )
            moved = free_memory(host) - free
            expect(44 <= abs(moved) <= 52, f"free_memory moved by {moved} MiB instead of 48")
        wait_guest_console(
            host, "WL t=.* errors=0 ", 20, count=console_text(host).count("WL t=") + 3
        )


def scheduling(tap, host):
    with tap.case("xl sched-credit2: weights share one CPU, a cap holds", host):
        names = ("heavy", "light")
        for name in names:
            create(host, name, memory=64, vcpus=1)
        for name in names:
            wait_guest_console(host, "guest: init", 40, name=name)
            host.run(f"xl vcpu-pin {name} 0 1", check=True)
            guest_shell(host, name, "while :; do :; done & echo started-$((1+1))", "started-2")
        # Keep all other vCPUs away from CPU 1.
        host.run("xl vcpu-pin guest all 0; xl pause guest; xl vcpu-pin 0 all 0", check=True)
        host.run("xl sched-credit2 -d heavy -w 768 && xl sched-credit2 -d light -w 256", check=True)

        def shares(seconds):
            """Wait until both guests together have used SECONDS of CPU time; return the CPU seconds
            of each, and the host's seconds that this took.
            """
            before, deadline = [cpu_seconds(host, name)[0] for name in names], pace.Deadline(60)
            began = uptime(host)
            while True:
                time.sleep(1)
                used = [cpu_seconds(host, name)[0] - was for name, was in zip(names, before)]
                if sum(used) >= seconds or deadline.over():
                    return used, uptime(host) - began

        # The measurement ends by the CPU time of the two guests, so on a busy machine it takes
        # longer and the shares stay the same.
        (heavy, light), took = shares(4)
        tap.note(f"weights 768 and 256: {heavy:.2f} and {light:.2f} s of CPU in {took:.1f} s")
        expect(
            2.2 <= heavy / max(light, 0.01) <= 4,
            f"weights are 3 : 1, CPU seconds {heavy:.2f} : {light:.2f}",
        )
        host.run("xl sched-credit2 -d heavy -c 25", check=True)
        (heavy, light), took = shares(4)
        tap.note(
            f"the heavy one capped at 25 %: {heavy:.2f} and {light:.2f} s of CPU in {took:.1f} s"
        )
        # A cap is a part of the host's time; the other guest gets the rest.
        expect(heavy <= 0.35 * took, f"capped at 0.25, got {heavy / took:.2f} of a CPU")
        expect(
            heavy > 0 and light > heavy,
            f"the other guest did not get the rest: {heavy:.2f} and {light:.2f} s",
        )
    host.run(
        "xl destroy heavy; xl destroy light; "
        "xl vcpu-pin 0 all all; xl vcpu-pin guest all all; xl unpause guest",
        timeout=60,
    )


def endings(tap, host):
    with tap.case("xl reboot: a new domain with the same name comes up", host):
        number = xl_list(host)["guest"][0]
        inits = console_text(host).count("guest: init")
        host.run("xl reboot guest", check=True)
        wait_guest_console(host, "guest: init", 60, count=inits + 1)
        expect(xl_list(host)["guest"][0] != number, "the domain id did not change")
    with tap.case("xl shutdown: the guest powers off and is gone", host):
        host.run("xl shutdown -w guest", timeout=60, check=True)
        wait_gone(host, "guest")
    with tap.case("xl trigger power: the guest powers off", host):
        create(host)
        wait_guest_console(host, "guest: init", 40)
        host.run("xl trigger guest power", check=True)
        wait_gone(host, "guest")
        expect(
            host.run("xl trigger guest power").status != 0,
            "a trigger for a domain that does not exist succeeds",
        )
    with tap.case(
        "a panic of the guest: it restarts, as its command line and configuration demand", host
    ):
        create(host, "crash")
        wait_guest_console(host, "guest: init", 40, name="crash")
        number = xl_list(host)["crash"][0]
        type_in(host, "crash", "echo c > /proc/sysrq-trigger")
        wait_guest_console(host, "guest: init", 60, name="crash", count=2)
        expect(xl_list(host)["crash"][0] != number, "the domain id did not change")
    for name in set(xl_list(host)) - {"Domain-0"}:
        host.run(f"xl destroy {name}", timeout=30)


def many_vcpus(tap, host):
    for vcpus in (1, 5, 8):
        with tap.case(f"a guest of {vcpus} vCPU{'s' if vcpus > 1 else ''} on 2 CPUs", host):
            name = f"smp{vcpus}"
            create(host, name, memory=128, vcpus=vcpus, extra="wl.mem=24 wl.ws=8 wl.mbps=4")
            wait_guest_console(
                host,
                rf"guest: init, [\d.]+ s after the kernel started, {vcpus} CPUs",
                60,
                name=name,
            )
            wait_guest_console(host, r"WL t=.* passes=[1-9]\d* errors=0 ", 60, name=name)
            expect(
                len(cpu_seconds(host, name)) == vcpus, f"xl vcpu-list does not show {vcpus} vCPUs"
            )
            expect("WL-ERROR" not in console_text(host, name), "the workload found bad pages")
            host.run(f"xl destroy {name}", check=True)
            wait_gone(host, name)
    with tap.case("9 vCPUs are refused", host):
        host.put("/root/nine.cfg", guest_config("nine", vcpus=9))
        expect(host.run("xl create /root/nine.cfg", timeout=60).status != 0, "xl create succeeds")
        wait_gone(host, "nine")


def vuart(tap, host):
    with tap.case("vuart: the guest's PL011 has a console", host):
        create(
            host,
            "uart",
            more='vuart = "sbsa_uart"\n',
            extra="wl.off earlycon=pl011,mmio,0x22000000 keep_bootcon console=ttyAMA0",
        )
        log = "/var/log/xen/console/guest-uart-vuart0.log"
        wait_until(
            lambda: "Linux version" in host.run(f"cat {log} 2>/dev/null").output,
            "Linux version on the vuart",
            30,
            0.5,
        )
        host.run("xl destroy uart", check=True)
        wait_gone(host, "uart")


def refusals_and_leaks(tap, host, cycles):
    with tap.case(
        "xl refuses a second guest of one name, too much memory, an unknown domain", host
    ):
        free = free_memory(host)
        create(host, "twin")
        expect(
            host.run("xl create /root/twin.cfg", timeout=60).status != 0,
            "xl create accepts a second domain of one name",
        )
        host.run("xl destroy twin", check=True)
        host.put("/root/large.cfg", guest_config("large", memory=free + 64))
        expect(
            host.run("xl create /root/large.cfg", timeout=60).status != 0,
            "xl create accepts more memory than is free",
        )
        expect(
            host.run("xl destroy nobody").status != 0, "xl destroy of an unknown domain succeeds"
        )
        wait_until(lambda: abs(free_memory(host) - free) <= 1, f"{free} MiB are free again", 10)
    with tap.case(f"{cycles} times xl create and destroy: all memory comes back", host):
        host.put("/root/cycle.cfg", guest_config("cycle", memory=64, vcpus=2))
        cycle = "xl create /root/cycle.cfg >/dev/null && xl destroy cycle"
        host.run(cycle, timeout=60, check=True)
        wait_gone(host, "cycle")
        before = free_memory(host)
        host.run(
            f"for i in $(seq {cycles}); do {cycle} || exit 1; done", timeout=40 * cycles, check=True
        )
        wait_gone(host, "cycle")
        wait_until(
            lambda: free_memory(host) == before,
            lambda: f"free_memory is {before} again, not {free_memory(host)}",
            10,
        )
        left = list(xl_list(host))
        expect(left == ["Domain-0"], f"domains left: {left}")
        expect(
            host.run("xenstore-list /local/domain", check=True).output.split() == ["0"],
            "xenstore still has other domains",
        )


def trouble(tap, host):
    with tap.case("the console shows no BUG, panic, warning, oops or stall", host):
        # Debian's kernel warns when its balloon driver starts, on any hypervisor.
        bad = re.search(
            r"(?m)^.*(BUG|panic at|WARNING: (?!.*vmemmap_populate)|Oops|rcu:.*stall|"
            r"not allowed by stage 2).*$",
            host.console_text(),
        )
        expect(not bad, bad and bad[0].strip()[:200])
    with tap.case("the control domain powers the machine off", host):
        host.spawn("poweroff -f")
        wait_until(lambda: not host.alive(), "the emulator ends", 20)
        expect(host.process.returncode == 0, f"the emulator's status is {host.process.returncode}")


def main():
    cycles = int(sys.argv[2]) if sys.argv[1:2] == ["--cycles"] else 10
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="xl-disk-") as folder:
        disk = os.path.join(folder, "disk")
        with open(disk, "wb") as f:
            f.write(os.urandom(DISK_MIB * MIB))
        arguments = [
            "-drive",
            f"file={disk},if=none,format=raw,id=disk,cache=writethrough",
            "-device",
            "virtio-blk-device,drive=disk",
        ]
        with Host("lifecycle", smp=2, qemu_args=arguments) as host:
            control_domain(tap, host)
            virtio_disk(tap, host, disk)
            first_guest(tap, host)
            scheduling(tap, host)
            endings(tap, host)
            many_vcpus(tap, host)
            vuart(tap, host)
            refusals_and_leaks(tap, host, cycles)
            trouble(tap, host)
    tap.end()


if __name__ == "__main__":
    main()
