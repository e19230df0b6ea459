#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 2
# timeout: 600
# seconds: 170
# machines: arm32-gicv2
# more: arm64-gicv2 arm32-gicv3
# shows: guests on this interrupt controller, and a migration
"""A short form of lifecycle.py and migrate.py for machines with another interrupt controller.

A host runs guests; one guest migrates there and back.
"""
from scenario import Host, Pair, Tap, expect, guest_config
import lifecycle
import migrate


def guests(tap):
    """xl manages guests on a host with two CPUs."""
    with Host("gic", smp=2) as host:
        lifecycle.control_domain(tap, host)
        with tap.case(
            "the control domain has the machine's GIC, and nothing of its virtualization", host
        ):
            version = host.gic
            tree = host.run(
                "cd /proc/device-tree; "
                "for node in $(find . -name interrupt-controller | sed 's,/[^/]*$,,'); do "
                "tr '\\0' ' ' < $node/compatible; wc -c < $node/reg; ls $node; done",
                check=True,
            ).output
            expect(("gic-v3" in tree) == (version == 3), f"the device tree has: {tree}")
            if version == 2:
                expect(
                    " 32\n" in tree and "v2m" not in tree and "interrupts" not in tree.split(),
                    f"more than two frames: {tree}",
                )
            expect(
                ("GICv3" in host.run("cat /proc/interrupts", check=True).output) == (version == 3),
                "Linux drives another GIC",
            )
            host.put(
                "/root/other.cfg", guest_config("other", more=f'gic_version = "v{5 - version}"\n')
            )
            answer = host.run("xl create /root/other.cfg", timeout=60)
            expect(
                answer.status != 0 and "No such device" in answer.output,
                f"a guest with GICv{5 - version}: {answer.output}",
            )
        lifecycle.first_guest(tap, host)
        host.run("xl destroy guest", timeout=30)
        lifecycle.many_vcpus(tap, host)


def moves(tap):
    with Pair(mem=1280) as pair:
        pair.wait_ready()
        bench = migrate.Bench(tap, pair)
        for host in pair.hosts:
            bench.prepare(host)
        migrate.there_and_back(tap, bench)
        bench.fails(
            "kill -9 of the target's daemon once it has the guest's state",
            fault="exit-at-stage:verified",
            fault_on="target",
        )


def main():
    tap = Tap()
    guests(tap)
    moves(tap)
    tap.end()


if __name__ == "__main__":
    main()
