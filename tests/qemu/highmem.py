#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 1
# timeout: 300
# machines: -
# more: arm64-gicv3 arm32-gicv2
# shows: a host of 6 GiB: RAM above 4 GiB; on arm32 half of it is outside the hypervisor's map
"""RAM above 4 GiB is found, given to guests and freed.

Only with --matrix: idle CPUs clear free memory, so the emulator needs all 6 GiB of this machine.
"""
import re

from scenario import (
    Host,
    Tap,
    default_arch,
    expect,
    free_memory,
    guest_config,
    wait_gone,
    wait_guest_console,
    wait_until,
    xl_list,
)

HOST_MIB, GUEST_MIB = 6144, 1800
SPENT_MIB = 160  # by the hypervisor, at most


def main():
    tap = Tap()
    # For arm32 tools/host.py starts QEMU without devices and RAM above 4 GiB; a later option wins.
    options = ["-machine", "highmem=on"] if default_arch() == "arm32" else []
    with Host("high", mem=HOST_MIB, qemu_args=options) as host:
        host.wait_ready()
        before = free_memory(host)
        with tap.case("xl info: all RAM is found", host):
            expect(before > HOST_MIB - host.dom0_mem - SPENT_MIB, f"xl info: {before} MiB free")
        with tap.case(
            "a guest with a third of the RAM starts, runs and verifies what it writes", host
        ):
            host.put("/tmp/big.cfg", guest_config("big", GUEST_MIB, 2, "wl.mem=1200 wl.ws=16"))
            host.run("xl create /tmp/big.cfg", timeout=120, check=True)
            wait_guest_console(host, r"WL t=", 90, "big", 3)
            expect(
                free_memory(host) < before - GUEST_MIB + 64,
                "free_memory did not fall by the guest's memory",
            )
        with tap.case("the guest's end frees all its memory", host):
            host.run("xl destroy big", check=True)
            wait_gone(host, "big")
            wait_until(lambda: free_memory(host) >= before - 1, "the memory is free again", 30)
            left = list(xl_list(host))
            expect(left == ["Domain-0"], f"domains left: {left}")
        with tap.case("the hypervisor's console shows no BUG, panic or exception", host):
            said = [
                line
                for line in host.console_text().split("\n")
                if line.startswith("(XL)") and re.search("BUG|panic|exception", line)
            ]
            expect(not said, "\n".join(said))
    tap.end()


if __name__ == "__main__":
    main()
