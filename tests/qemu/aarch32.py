#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 2
# timeout: 900
# seconds: 110
# machines: arm64-gicv3
# more: arm64-gicv2
# shows: a 32-bit guest on arm64: life, migration, what is refused
"""A 32-bit guest (Debian's armhf kernel and programs, two vCPUs) on arm64 hosts.

The guest boots, works, migrates there and back under load, and reboots. A host whose CPUs have no
AArch32 at EL1 refuses to create the guest and to receive it, and names the reason.

usage: aarch32.py
"""
import os
import re

from migrate import GUEST, MEMORY, Bench, there_and_back
from scenario import BUILD, Pair, Tap, console_text, expect, guest_config, wait_until

IMAGES = [
    os.path.join(BUILD, image) for image in ("arm64/images/dom0.cpio", "arm32/images/payload.cpio")
]
TROUBLE = re.compile(
    r"Oops|BUG|Internal error|Unhandled (fault|prefetch)|undefined instruction|Kernel panic|"
    r"soft lockup"
)


def inside(tap, host):
    """Compare what the guest prints about itself and what the tools show with what it is."""
    with tap.case("the guest is an armv7l with two CPUs, and its console shows no fault", host):
        text = wait_until(
            lambda: re.search(r"guest: init, .*, (\d+) CPUs, (\w+)", console_text(host)),
            "the guest's init",
            30,
        )
        expect(text.groups() == ("2", "armv7l"), text[0])
        bad = TROUBLE.search(console_text(host))
        expect(not bad, bad and bad[0])
    with tap.case("xl vcpu-list shows two vCPUs, xenctx their AArch32 registers", host):
        listing = host.run("xl vcpu-list guest", check=True).output
        expect(len(re.findall(r"^guest\s", listing, re.M)) == 2, listing)
        for vcpu in (0, 1):
            context = host.run(
                f"xl pause guest; xenctx -a $(xl domid guest) {vcpu}; xl unpause guest", check=True
            ).output
            expect(
                re.search(r"^SVC: SPSR:[0-9a-f]{8} SP:[0-9a-f]{8}", context, re.M)
                and re.search(r"^PC:\s+[0-9a-f]{8}$", context, re.M),
                context,
            )


def no_aarch32(tap):
    """The CPUs of host B have no AArch32 at EL1."""
    pair = Pair(arch="arm64", images=IMAGES, mem=1280)
    pair.b.cpu = "neoverse-n1"
    with pair:
        pair.wait_ready()
        a, b = pair.hosts
        bench = Bench(tap, pair)
        with tap.case("xl info: a host without AArch32 at EL1 does not offer armv7l", a, b):
            expect("armv7l" in a.run("xl info", check=True).output, "A: no armv7l")
            expect("armv7l" not in b.run("xl info", check=True).output, "B: armv7l")
        with tap.case(
            "xl create of a 32-bit guest there fails with the reason and leaves nothing", b
        ):
            b.put("/root/guest.cfg", guest_config(GUEST, memory=MEMORY))
            answer = b.run("xl create /root/guest.cfg", timeout=60)
            expect(
                answer.status != 0 and "armv7l not supported" in answer.output,
                f"status {answer.status}: {answer.output}",
            )
            expect(
                len(b.run("xl list", check=True).output.strip().split("\n")) == 2,
                lambda: b.run("xl list").output,
            )
        with tap.case("a migration of a 32-bit guest there is refused with the reason", a, b):
            bench.create()
            before = bench.beat(a)
            answer, done = bench.migrate(a)
            expect(
                answer.status == 1 and "32 bits (AArch32)" in str(done.get("error")),
                f"status {answer.status}: {done or answer.output}",
            )
            bench.whole(a, before)
            expect("guest" not in b.run("xl list", check=True).output, "something is left on B")


def main():
    tap = Tap()
    with Pair(arch="arm64", images=IMAGES, mem=1280) as pair:
        tap.note("ready after " + ", ".join(f"{seconds:.1f} s" for seconds in pair.wait_ready()))
        bench = Bench(tap, pair)
        for host in pair.hosts:
            bench.prepare(host)
        there_and_back(tap, bench)
        inside(tap, bench.source())
    no_aarch32(tap)
    tap.end()


if __name__ == "__main__":
    main()
