#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tools/pace.py stretches time limits on a busy machine, and never shortens one."""
import os
import sys
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))

import pace  # noqa: E402


class Machine:
    """A machine with a given slowdown and a clock that moves by wait() alone."""

    def __init__(self, slow=1.0, load=0.0, environment=None):
        self.now, self.slow, self.load, self.measured = 1000.0, slow, load, 0
        self.patches = [
            mock.patch.object(pace, "measure", self.measure),
            mock.patch.object(pace, "load_factor", lambda: self.load),
            mock.patch.object(pace.time, "monotonic", lambda: self.now),
            mock.patch.dict(pace._measured, {"at": None, "slow": 1.0}),
            mock.patch.dict(os.environ, {"XL_SLOW": environment or ""}),
        ]

    def measure(self, _pieces=1):
        self.measured += 1
        return self.slow

    def wait(self, seconds):
        self.now += seconds

    def __enter__(self):
        for patch in self.patches:
            patch.start()
        return self

    def __exit__(self, *_):
        for patch in reversed(self.patches):
            patch.stop()


class Factor(unittest.TestCase):
    def test_measure_is_at_least_one(self):
        # CPU time beyond the wall time, as clocks of different resolution may give it.
        with mock.patch.object(pace, "WORK", 1), mock.patch.object(
            pace.time, "monotonic", side_effect=[10.0, 10.5]
        ), mock.patch.object(pace.time, "thread_time", side_effect=[1.0, 2.0]):
            self.assertEqual(pace.measure(), 1.0)

    def test_measure_is_wall_time_per_cpu_time(self):
        with mock.patch.object(pace, "WORK", 1), mock.patch.object(
            pace.time, "monotonic", side_effect=[10.0, 14.0]
        ), mock.patch.object(pace.time, "thread_time", side_effect=[1.0, 2.0]):
            self.assertEqual(pace.measure(), 4.0)

    def test_this_machine(self):
        self.assertGreaterEqual(pace.measure(), 1.0)
        self.assertGreaterEqual(pace.slowdown(), pace.ROOM)
        self.assertLessEqual(pace.slowdown(), pace.SLOWEST)

    def test_environment_is_the_least(self):
        for text, least in (("", 1.0), ("7", 7.0), ("0.1", 1.0), ("-3", 1.0), ("fast", 1.0)):
            with mock.patch.dict(os.environ, {"XL_SLOW": text}):
                self.assertEqual(pace.least(), least, text)
        with Machine(slow=2.0, environment="5"):
            self.assertEqual(pace.slowdown(), 5 * pace.ROOM)
        with Machine(slow=6.0, environment="5"):
            self.assertEqual(pace.slowdown(), 6 * pace.ROOM)

    def test_load_counts_when_a_measurement_misses_it(self):
        with Machine(slow=1.0, load=3.0):
            self.assertEqual(pace.slowdown(), 3 * pace.ROOM)

    def test_factor_has_an_end(self):
        with Machine(slow=1e6):
            self.assertEqual(pace.slowdown(), pace.SLOWEST)

    def test_measured_again_when_old(self):
        with Machine(slow=1.0) as machine:
            pace.slowdown()
            machine.slow = 4.0
            machine.wait(pace.FRESH_S / 2)
            self.assertEqual((pace.slowdown(), machine.measured), (pace.ROOM, 1))
            machine.wait(pace.FRESH_S)
            self.assertEqual((pace.slowdown(), machine.measured), (4 * pace.ROOM, 2))


class Limits(unittest.TestCase):
    def test_limit_is_stretched(self):
        with Machine(slow=1.0):
            self.assertEqual(pace.limit(10), 10 * pace.ROOM)
        with Machine(slow=4.0):
            self.assertEqual(pace.limit(10), 40 * pace.ROOM)

    def test_deadline_follows_the_slowdown(self):
        with Machine(slow=4.0) as machine:
            deadline = pace.Deadline(10)
            machine.wait(39 * pace.ROOM)
            self.assertFalse(deadline.over())
            machine.wait(2 * pace.ROOM)
            self.assertTrue(deadline.over())

    def test_load_that_begins_later_counts(self):
        with Machine(slow=1.0) as machine:
            deadline = pace.Deadline(10)
            machine.wait(5 * pace.ROOM)
            self.assertFalse(deadline.over())
            machine.slow = 10.0
            machine.wait(49 * pace.ROOM)
            self.assertFalse(deadline.over())
            self.assertAlmostEqual(deadline.remaining(), 1 * pace.ROOM)
            machine.wait(2 * pace.ROOM)
            self.assertTrue(deadline.over())

    def test_no_limit(self):
        with Machine() as machine:
            deadline = pace.Deadline(None)
            machine.wait(1e9)
            self.assertFalse(deadline.over())
            self.assertIsNone(deadline.remaining())


if __name__ == "__main__":
    unittest.main()
