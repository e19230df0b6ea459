#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 2
# timeout: 300
# seconds: 45
# shows: a migration between a GICv3 and a GICv2 is refused with the reason
"""Two hosts, one with a GICv3 and one with a GICv2: a guest of one cannot run on the other.

The migration is refused before any page is sent, the error names both controllers, and the guest
runs on.
"""
from scenario import Pair, Tap, expect, guest_config, wait_gone
import migrate

GUEST = migrate.GUEST


def main():
    tap = Tap()
    with Pair(mem=1280, arch="arm64", gic=3, b=dict(gic=2)) as pair:
        pair.wait_ready()
        bench = migrate.Bench(tap, pair)
        for source, target in (pair.hosts, pair.hosts[::-1]):
            kinds = [f"GICv{host.gic}" for host in (source, target)]
            with tap.case(
                f"controllers differ: a guest of {kinds[0]} is not taken by a host of {kinds[1]}",
                source,
                target,
            ):
                bench.baseline(target)
                source.put(
                    "/root/guest.cfg",
                    guest_config(GUEST, memory=migrate.MEMORY, vcpus=2, extra=migrate.WORKLOAD),
                )
                source.run("xl create /root/guest.cfg", timeout=60, check=True)
                bench.log_from_now(source).wait(
                    lambda beat: beat["passes"] >= 1, "its workload", 60
                )
                before = bench.beat(source)
                answer, done = bench.migrate(source)
                says = f"the guest has {kinds[0]}, the target host has {kinds[1]}"
                expect(
                    answer.status == 1 and says in str(done.get("error")),
                    f"xlm: status {answer.status}: {done or answer.output}",
                )
                expect(done.get("pages_sent") == 0, f"pages were sent: {done}")
                bench.settled([source], before)
            source.run(f"xl destroy {GUEST}", timeout=30)
            wait_gone(source, GUEST)
    tap.end()


if __name__ == "__main__":
    main()
