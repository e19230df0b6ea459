#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 2
# timeout: 900
# shows: GICv2 hosts and guests; GICs that differ
"""The interrupt controllers that the other scenarios do not have: guests' lives on such a host, migration between two of them, and
between hosts whose controllers differ, which is refused.

usage: gic.py [WORD]        only what has WORD in its name: a machine's name, or "differ"
"""
import sys

from scenario import Host, Pair, Tap, expect, guest_config, wait_gone
import lifecycle
import migrate

# The other scenarios have arm64 with a GICv3.
MACHINES = {"arm64-gicv2": dict(arch="arm64", gic=2)}
GUEST = migrate.GUEST


def guests(tap, name, machine):
    """What xl does with guests, on a host of two CPUs."""
    tap.note(name)
    with Host(name, smp=2, **machine) as host:
        lifecycle.control_domain(tap, host)
        with tap.case(f"{name}: the control domain has that GIC, and nothing of its virtualization", host):
            version = machine["gic"]
            tree = host.run("cd /proc/device-tree; for node in $(find . -name interrupt-controller | sed 's,/[^/]*$,,'); do "
                            "tr '\\0' ' ' < $node/compatible; wc -c < $node/reg; ls $node; done", check=True).output
            expect(("gic-v3" in tree) == (version == 3), f"the device tree has: {tree}")
            if version == 2:
                expect(" 32\n" in tree and "v2m" not in tree and "interrupts" not in tree.split(), f"more than two frames: {tree}")
            expect(("GICv3" in host.run("cat /proc/interrupts", check=True).output) == (version == 3), "Linux drives another GIC")
            host.put("/root/other.cfg", guest_config("other", more=f'gic_version = "v{5 - version}"\n'))
            answer = host.run("xl create /root/other.cfg", timeout=60)
            expect(answer.status != 0 and "No such device" in answer.output, f"a guest with GICv{5 - version}: {answer.output}")
        lifecycle.first_guest(tap, host)
        lifecycle.endings(tap, host)
        lifecycle.many_vcpus(tap, host)


def moves(tap, name, machine):
    tap.note(f"{name}: migration")
    with Pair(mem=1280, **machine) as pair:
        pair.wait_ready()
        bench = migrate.Bench(tap, pair)
        for host in pair.hosts:
            bench.prepare(host)
        migrate.there_and_back(tap, bench)
        bench.fails(f"{name}: kill -9 of the target's daemon once it has the guest's state", fault="exit-at-stage:verified", fault_on="target")


def differ(tap):
    """A GICv3's guest cannot run on a GICv2, nor the other way round: said by name before anything moves, and the guest runs on."""
    with Pair(mem=1280, arch="arm64", gic=3, b=dict(gic=2)) as pair:
        pair.wait_ready()
        bench = migrate.Bench(tap, pair)
        for source, target in (pair.hosts, pair.hosts[::-1]):
            kinds = [f"GICv{host.gic}" for host in (source, target)]
            with tap.case(f"controllers differ: a guest of {kinds[0]} is not taken by a host of {kinds[1]}", source, target):
                bench.baseline(target)
                source.put("/root/guest.cfg", guest_config(GUEST, memory=migrate.MEMORY, vcpus=2, extra=migrate.WORKLOAD))
                source.run("xl create /root/guest.cfg", timeout=60, check=True)
                bench.log_from_now(source).wait(lambda beat: beat["passes"] >= 1, "its workload", 60)
                before = bench.beat(source)
                answer, done = bench.migrate(source)
                says = f"the guest has {kinds[0]}, the target host has {kinds[1]}"
                expect(answer.status == 1 and says in str(done.get("error")), f"xlm: status {answer.status}: {done or answer.output}")
                expect(done.get("pages_sent") == 0, f"pages were sent: {done}")
                bench.settled([source], before)
            source.run(f"xl destroy {GUEST}", timeout=30)
            wait_gone(source, GUEST)


def main():
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    tap = Tap()
    for name, machine in MACHINES.items():
        if word in name:
            guests(tap, name, machine)
            moves(tap, name, machine)
    if word in "differ":
        differ(tap)
    tap.end()


if __name__ == "__main__":
    main()
