# SPDX-License-Identifier: BSD-2-Clause
"""Measure how slow this machine is at the moment, and stretch time limits by that factor.

A time limit ends a program that hangs; a busy machine must not turn it into a failure. So limits
are written for an idle machine and multiplied by the slowdown. To measure the slowdown, a fixed
amount of work is timed, and its wall time is divided by the CPU time that it took. On an idle
machine the quotient is 1; when three other programs compete for the CPU it is near 4. A Deadline
measures again while a program waits for it, so it also counts load that begins later.

XL_SLOW=FACTOR in the environment is the least slowdown. tools/check.py sets it for all programs
that it starts; the tests in C (tests/host/slow.h) read it; a person may set it for a slow machine.
"""
import os
import time

WORK = 400_000                  # turns of a loop: some 20 ms
# The largest slowdown: a program that hangs must end at last.
SLOWEST = 40.0
# The measured slowdown is multiplied by this, because one short measurement may miss load.
ROOM = 1.5
FRESH_S = 5.0

_measured = {"at": None, "slow": 1.0}


def least():
    """$XL_SLOW, or 1 when it is unset, below 1 or no number."""
    try:
        return max(1.0, float(os.environ.get("XL_SLOW") or 1))
    except ValueError:
        return 1.0


def measure(pieces=1):
    """The wall time of PIECES of fixed work divided by their CPU time; at least 1."""
    wall, used = time.monotonic(), time.thread_time()
    total = 0
    for n in range(WORK * pieces):
        total += n
    wall, used = time.monotonic() - wall, time.thread_time() - used
    return max(1.0, wall / max(used, 1e-6))


def load_factor():
    """Runnable tasks per CPU, averaged over the last minute: a short measurement may miss them."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def slowdown():
    """The factor by which limits are stretched now."""
    now = time.monotonic()
    if _measured["at"] is None or now - _measured["at"] > FRESH_S:
        _measured["slow"] = max(measure(), load_factor())
        _measured["at"] = time.monotonic()
    return min(SLOWEST, ROOM * max(least(), _measured["slow"], 1.0))


def limit(seconds):
    """The limit on this machine now for a limit of SECONDS on an idle machine."""
    return seconds * slowdown()


def is_busy():
    """Whether programs other than this project's tests compete for the CPUs."""
    return measure(20) > 2 or load_factor() > 3


class Deadline:
    """Runs out after SECONDS of an idle machine. None: never.

    A loop calls over() in each turn. The time since the last turn is divided by the slowdown at
    that moment.
    """

    def __init__(self, seconds):
        self.left, self.last = seconds, time.monotonic()

    def remaining(self):
        """Seconds of this machine's clock that are left at the present slowdown. None: no limit."""
        if self.left is None:
            return None
        now, slow = time.monotonic(), slowdown()
        self.left, self.last = self.left - (now - self.last) / slow, now
        return self.left * slow

    def over(self):
        remaining = self.remaining()
        return remaining is not None and remaining <= 0
