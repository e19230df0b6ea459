#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 1
# timeout: 300
# seconds: 45
# machines: arm64-gicv3 arm32-gicv2
# shows: the soak of the dirty log, for half a minute
"""The soak of the dirty log: half a minute by default, an hour by `make soak`.

tests/baremetal/test_soak.c describes what must hold.

usage: soak.py [--minutes N] [WORD]     only the machines whose name contains WORD
  SOAK_SEED=N     repeat the actions of seed N in the same order (a failure names its seed)
"""
import argparse
import os
import re
import secrets
import tempfile
import time

from scenario import pace, Host, HostError, Tap, built, default_arch

PAYLOAD = built("baremetal/payload")
MACHINES = {
    "arm64": {"two": dict(cpu="cortex-a57", smp=2), "four-hw-dirty": dict(cpu="max", smp=4)},
    "arm32": {
        "arm32-two": dict(cpu="cortex-a15", smp=2),
        "arm32-four": dict(cpu="cortex-a7", smp=4),
    },
}[default_arch()]
SHORT_S = 15
# A long soak changes to the next machine and another seed after this time.
TURN_S = 300
BOOT_S = 30
WORTH = (
    "rounds",
    "pages",
    "checks",
    "splits",
    "merges",
    "toggles",
    "holes",
    "peeks",
    "pauses",
    "moves",
    "guests",
    "duels",
    "foreign",
    "granted",
    "copied",
)
TROUBLE = re.compile(r"BUG|panic|backtrace|unexpected exception at EL2", re.I)


def soak(tap, name, options, seconds, seed, ramdisk):
    with Host(
        f"soak-{name}",
        kernel=PAYLOAD,
        images=[ramdisk],
        agent=False,
        mem=1024,
        dom0_mem=256,
        xen_append="loglvl=warning",
        dom0_append=f"soak={seconds} soak_seed={seed}",
        **options,
    ) as host:
        try:
            said, deadline = 0, pace.Deadline(seconds * 1.5 + BOOT_S)
            while not re.search(r"bm: \d+ passed, \d+ failed", host.console_text()):
                if deadline.over():
                    raise HostError(host.describe(f"no end after a soak of {seconds} s"))
                host.check_alive("the soak")
                said = tell(tap, host, said)
                time.sleep(0.5)
        except HostError as error:
            tap.not_ok(f"{name}: the soak finishes", error)
        tell(tap, host, said)
        text = host.console_text().replace("\r", "")
    for why in re.findall(r"not ok (.*)$", text, re.M):
        tap.not_ok(f"{name}: {why.split(' - ')[0]}", why.split(" - ", 1)[-1])
    if "ok soak: no write is lost" in text and "not ok" not in text:
        tap.ok(f"{name}: no write is lost, soak_seed={seed}")
    tap.check(
        not (bad := TROUBLE.search(text)),
        f"{name}: no BUG, panic or exception at EL2",
        bad and text[bad.start() :][:200],
    )
    check_worth(tap, name, text)


def tell(tap, host, said):
    """Print the payload's reports after the first SAID; return how many there are."""
    lines = re.findall(r"^.*?(soak: .*)$", host.console_text().replace("\r", ""), re.M)
    for line in lines[said:]:
        tap.note(line)
    return len(lines)


def check_worth(tap, name, text):
    """Each kind of action happened at least once."""
    counts = {
        what: int(n)
        for n, what in re.findall(
            r"(\d+) ([a-z]+)", "".join(re.findall(r"soak: (.*)$", text, re.M))
        )
    }
    missing = [what for what in WORTH if not counts.get(what)]
    tap.check(not missing, f"{name}: each kind of action happened", "no " + ", ".join(missing))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("word", nargs="?", default="")
    args = parser.parse_args()
    machines = [(name, options) for name, options in MACHINES.items() if args.word in name]
    if not machines:
        parser.error(f"no machine is called {args.word}: {' '.join(MACHINES)}")
    tap, left, turn = Tap(), round(args.minutes * 60), 0
    with tempfile.NamedTemporaryFile(prefix="soak-ramdisk-") as ramdisk:
        ramdisk.write(bytes(4096))
        ramdisk.flush()
        while left > 0 or (not args.minutes and turn < len(machines)):
            seconds = min(TURN_S, left, max(1, left // len(machines))) if args.minutes else SHORT_S
            if args.minutes and left - seconds < SHORT_S:
                seconds = left
            seed = int(os.environ.get("SOAK_SEED") or secrets.randbits(31) | 1)
            name, options = machines[turn % len(machines)]
            soak(tap, name, options, seconds, seed, ramdisk.name)
            left, turn = left - seconds, turn + 1
            if tap.failed:
                break
    tap.end()


if __name__ == "__main__":
    main()
