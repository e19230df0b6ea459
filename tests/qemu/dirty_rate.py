#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 1
# timeout: 240
"""xlm dirty-rate on a real guest whose workload rewrites a known number of pages a second: what it measures, and that it leaves nothing."""
import json
import re
import time
import xml.etree.ElementTree as xml

from scenario import GuestLog, Host, Tap, console_text, expect, guest_config, wait_until, xl_list

GUEST = "guest"
MEMORY_MIB = 64
SET_MIB, WRITE_MIB_S = 8, 4
WORKLOAD = f"wl.mem=16 wl.ws={SET_MIB} wl.mbps={WRITE_MIB_S} wl.verify=4"
# Console and store rings, the kernel's own pages, the workload's stack and counters: beside the workload's writes.
REST_MIB_S = 1.5
TOLERANCE = 0.15


def events(answer):
    return [json.loads(line) for line in answer.output.split("\n") if line.startswith("{")]


def logging(host):
    """What the hypervisor says about the guest's dirty log."""
    dump = host.run("xl debug-keys p; xl dmesg | tail -n 40", check=True).output
    line = re.findall(rf"d{xl_list(host)[GUEST][0]} p2m:.*", dump)
    expect(line, f"no line of the guest's p2m in: {dump[-500:]}")
    return "not logging" not in line[-1]


def beat(host):
    log = GuestLog(host, GUEST)
    log.position = int(host.run(f"wc -c < {log.path}").output)
    return log.wait(lambda _: True, "a heartbeat", 20)


def rate_at(done, ms):
    """MiB/s by the measured point nearest to a time."""
    return min(done["rates"], key=lambda point: abs(point["ms"] - ms))


def main():
    tap = Tap()
    with Host("A", mem=1024, dom0_mem=384) as host:
        host.wait_ready()
        with tap.case("a guest under load", host):
            host.put("/root/guest.cfg", guest_config(GUEST, memory=MEMORY_MIB, extra=WORKLOAD))
            host.run("xl create /root/guest.cfg", timeout=60, check=True)
            GuestLog(host, GUEST).wait(lambda line: line["passes"] >= 1, "its workload", 60)
        with tap.case("the measured rate is the workload's", host):
            before = beat(host)
            answer = host.run("xlm dirty-rate --json --seconds 8 --mbps 40 --histogram guest", timeout=40)
            after = beat(host)
            tap.note(answer.output)
            found = events(answer)
            done = found[-1]
    tap.end()


if __name__ == "__main__":
    main()
