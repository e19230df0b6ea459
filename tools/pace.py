# SPDX-License-Identifier: BSD-2-Clause
"""How slow this machine is at the moment, and time limits that follow it.

A limit is there to end what hangs, so it is written for an idle machine and multiplied by the
slowdown: a fixed piece of work is timed, and its wall time is divided by the CPU time that it took.
On an idle machine the quotient is 1; where three others compete for the CPU it is near 4. A limit
that is waited on is measured again while it runs out, so load that begins later counts, too.

XL_SLOW=FACTOR in the environment is the least slowdown: tools/check.py sets it for all that it
starts, the tests in C (tests/host/slow.h) read it, and a person may set it for a slow machine.
"""
import os
import time

WORK = 400_000                  # turns of a loop: some 20 ms
# No limit is stretched further: something that hangs must end.
SLOWEST = 40.0
# A fair slowdown leaves room for what one measurement does not see.
ROOM = 1.5
FRESH_S = 5.0

_measured = {"at": None, "slow": 1.0}


def least():
    """$XL_SLOW, or 1."""
    try:
        return max(1.0, float(os.environ.get("XL_SLOW") or 1))
    except ValueError:
        return 1.0


def measure(pieces=1):
    """Wall time over CPU time of fixed pieces of work, at least 1."""
    wall, used = time.monotonic(), time.thread_time()
    total = 0
    for n in range(WORK * pieces):
        total += n
    wall, used = time.monotonic() - wall, time.thread_time() - used
    return max(1.0, wall / max(used, 1e-6))


def load_factor():
    """Runnable tasks per CPU, the average of the last minute: what a short measurement may miss."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def slowdown():
    """The factor by which limits are stretched now."""
    now = time.monotonic()
    if _measured["at"] is None or now - _measured["at"] > FRESH_S:
        _measured["slow"] = max(measure(), load_factor())
        _measured["at"] = time.monotonic()
    return min(SLOWEST, ROOM * max(least(), _measured["slow"], 1.0))


def limit(seconds):
    """SECONDS of an idle machine, on this one now."""
    return seconds * slowdown()


def is_busy():
    """Whether others compete for the CPUs: more than this project's own tests put on them."""
    return measure(20) > 2 or load_factor() > 3


class Deadline:
    """Runs out after SECONDS of an idle machine. None: never.

    Each turn of a loop asks over(): the time since the last turn counts less, the slower the machine
    is then."""

    def __init__(self, seconds):
        self.left, self.last = seconds, time.monotonic()

    def remaining(self):
        """Seconds of this machine's clock that are left at its present pace; None: no limit."""
        if self.left is None:
            return None
        now, slow = time.monotonic(), slowdown()
        self.left, self.last = self.left - (now - self.last) / slow, now
        return self.left * slow

    def over(self):
        remaining = self.remaining()
        return remaining is not None and remaining <= 0
