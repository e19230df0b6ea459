#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 1
# timeout: 300
# machines: -
# more: arm64-gicv3 arm32-gicv2
# shows: a host of 6 GiB: RAM above 4 GiB, on 32-bit half of it beyond the hypervisor's own map
"""RAM beyond 4 GiB is found, given to guests and got back. Only with --matrix: idle CPUs clear free memory, so the emulator needs it all."""
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
    # On 32-bit, QEMU's machine of this project has no devices and no RAM above 4 GiB; a later option wins.
    options = ["-machine", "highmem=on"] if default_arch() == "arm32" else []
    with Host("high", mem=HOST_MIB, qemu_args=options) as host:
        host.wait_ready()
        before = free_memory(host)
        with tap.case("all of the RAM is there", host):
            expect(before > HOST_MIB - host.dom0_mem - SPENT_MIB, f"xl info: {before} MiB free")
        with tap.case(
            "a guest that takes a third of it starts, runs, verifies what it writes", host
        ):
            host.put("/tmp/big.cfg", guest_config("big", GUEST_MIB, 2, "wl.mem=1200 wl.ws=16"))
            host.run("xl create /tmp/big.cfg", timeout=120, check=True)
            wait_guest_console(host, r"WL t=", 90, "big", 3)
            expect(free_memory(host) < before - GUEST_MIB + 64, "its memory comes from nowhere")
        with tap.case("its end gives all of it back", host):
            host.run("xl destroy big", check=True)
            wait_gone(host, "big")
            wait_until(lambda: free_memory(host) >= before - 1, "the memory is free again", 30)
            expect(list(xl_list(host)) == ["Domain-0"], "something is left")
        with tap.case("the hypervisor's console says nothing of trouble", host):
            said = [
                line
                for line in host.console_text().split("\n")
                if line.startswith("(XL)") and re.search("BUG|panic|exception", line)
            ]
            expect(not said, "\n".join(said))
    tap.end()


if __name__ == "__main__":
    main()
