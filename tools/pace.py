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
import threading
import time

WORK = 400_000                  # turns of a loop: some 20 ms
# The largest slowdown: a program that hangs must end at last.
SLOWEST = 40.0
# The measured slowdown is multiplied by this, because one short measurement may miss load.
ROOM = 1.5
FRESH_S = 5.0

BUSY_SHARE = 0.3

_measured = {"at": None, "slow": 1.0}
_others = {"lock": threading.Lock(), "at": None, "total": 0.0, "own": 0.0, "busy": False}


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


def cpu_seconds():
    """(seconds for which this machine's CPUs were not idle, CPU seconds of this process and of its
    descendants), both since some fixed moment.
    """
    tick = os.sysconf("SC_CLK_TCK")
    with open("/proc/stat", encoding="ascii") as f:
        words = [int(word) for word in f.readline().split()[1:9]]
    busy = sum(words) - words[3] - words[4]         # all but idle and iowait
    parent, used = {}, {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                words = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue                                # it has ended
        # utime, stime, and those of children that have ended: proc(5)
        parent[int(name)], used[int(name)] = int(words[1]), sum(map(int, words[11:15]))

    def is_own(pid):
        while pid not in (0, os.getpid()):
            pid = parent.get(pid, 0)
        return pid != 0

    return busy / tick, sum(used[pid] for pid in used if is_own(pid)) / tick


def is_busy():
    """Whether programs other than this process and its descendants compete for the CPUs: since the
    last answer, they used more than BUSY_SHARE of all CPU time. An answer holds for FRESH_S; the
    first is a guess from the load.
    """
    with _others["lock"]:
        now = time.monotonic()
        if _others["at"] is not None and now - _others["at"] < FRESH_S:
            return _others["busy"]
        total, own = cpu_seconds()
        if _others["at"] is None:
            _others["busy"] = measure(20) > 2 or load_factor() > 3
        else:
            others = (total - _others["total"]) - (own - _others["own"])
            share = others / (now - _others["at"]) / (os.cpu_count() or 1)
            _others["busy"] = share > BUSY_SHARE
        _others.update(at=now, total=total, own=own)
        return _others["busy"]


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
