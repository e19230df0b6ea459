# SPDX-License-Identifier: BSD-2-Clause
"""Read the heartbeats that the guest's workload (tools/workload.c) prints."""
import re
import time

import pace

LINE = re.compile(
    r"WL t=(?P<t>\d+\.\d+) seq=(?P<seq>\d+) pages=(?P<pages>\d+) filled=(?P<filled>\d+) "
    r"written=(?P<written>\d+) verified=(?P<verified>\d+) passes=(?P<passes>\d+) "
    r"errors=(?P<errors>\d+) mbps=(?P<mbps>[\d.]+) gap_ms=(?P<gap_ms>[\d.]+) "
    r"max_gap_ms=(?P<max_gap_ms>[\d.]+) ct=(?P<ct>\d+) cf=(?P<cf>\d+)\s*$")


class GuestError(Exception):
    """The guest's memory is damaged, or the guest does not run as expected."""


def parse(line):
    """A heartbeat as a dictionary of numbers; None for another or an incomplete line."""
    match = LINE.search(line)
    if not match:
        return None
    return {
        key: float(value) if "." in value else int(value)
        for key, value in match.groupdict().items()
    }


class GuestLog:
    """The heartbeats of guest NAME on one host.

    Only the new part of the log is read each time, so that the control domain has little to do.
    """

    def __init__(self, host, name="guest"):
        self.host, self.name = host, name
        self.path = f"/var/log/xen/console/guest-{name}.log"
        self.position, self.partial = 0, ""
        self.beats, self.errors = [], []

    def poll(self):
        """Read the new part of the log; returns its heartbeats.

        GuestError as soon as the workload reports damage.
        """
        text = self.host.run(f"tail -c +{self.position + 1} {self.path} 2>/dev/null",
                             timeout=30).output
        self.position += len(text.encode())
        *lines, self.partial = (self.partial + text.replace("\r", "")).split("\n")
        new = [beat for beat in map(parse, lines) if beat]
        self.beats += new
        self.errors += [
            line for line in lines if re.search(r"WL-(ERROR|FATAL)|Kernel panic|Oops", line)
        ]
        bad = [beat for beat in new if beat["errors"]]
        if self.errors or bad:
            count = bad[-1]["errors"] if bad else len(self.errors)
            raise GuestError(f"guest on {self.host.name}: {count} errors in its memory: " +
                             "; ".join(self.errors[:5]))
        return new

    def last(self):
        return self.beats[-1] if self.beats else None

    def wait(self, condition, what, timeout, interval=0.3):
        """Wait until CONDITION(latest heartbeat) holds; returns that heartbeat."""
        deadline = pace.Deadline(timeout)
        while True:
            new = self.poll()
            if new and condition(new[-1]):
                return new[-1]
            if deadline.over():
                raise GuestError(f"guest on {self.host.name}: {what}: not within {timeout:.0f} s; "
                                 f"last heartbeat: {self.last()}\n{self.tail()}")
            time.sleep(interval)

    def tail(self, lines=15):
        return self.host.run(f"tail -n {lines} {self.path}").output


def write_rate(beats):
    """MiB rewritten per second from the first to the last heartbeat, by the guest's counter.

    None if there are fewer than two heartbeats.
    """
    if len(beats) < 2:
        return None
    seconds = (beats[-1]["ct"] - beats[0]["ct"]) / beats[0]["cf"]
    return (beats[-1]["written"] - beats[0]["written"]) / 256 / seconds if seconds > 0 else None


def blackout_ms(before, after):
    """The blackout that the guest saw: its ticker's longest gap, from its heartbeats.

    If the migration cut the heartbeat that reported the gap, the running maximum still has it.
    """
    gaps = [beat["gap_ms"] for beat in after[:3]]
    if after and before and after[0]["max_gap_ms"] > before[-1]["max_gap_ms"]:
        gaps.append(after[0]["max_gap_ms"])
    return max(gaps) if gaps else None
