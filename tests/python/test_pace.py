#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tools/pace.py stretches time limits on a busy machine, and never shortens one."""
import os
import subprocess
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


class Others(unittest.TestCase):
    """is_busy() counts what other programs use, not the emulators of the check itself."""

    def answers(self, *samples, slow=1.0, load=0.0):
        """is_busy()'s answers, FRESH_S apart, when cpu_seconds() returns SAMPLES."""
        with Machine(slow, load) as machine, mock.patch.object(
            pace, "cpu_seconds", side_effect=samples
        ), mock.patch.object(pace.os, "cpu_count", lambda: 2), mock.patch.dict(
            pace._others, {"at": None, "busy": False}
        ):
            answers = []
            for _ in samples:
                answers.append(pace.is_busy())
                self.assertEqual(pace.is_busy(), answers[-1])       # no new sample so soon
                machine.wait(pace.FRESH_S)
            return answers

    def test_own_load_is_not_counted(self):
        self.assertEqual(self.answers((0, 0), (10, 10), (20, 20), load=2.9), [False] * 3)

    def test_load_of_others_is_counted_while_it_lasts(self):
        self.assertEqual(
            self.answers((0, 0), (10, 3), (20, 13), slow=1.1), [False, True, False]
        )

    def test_the_first_answer_is_from_the_load(self):
        self.assertEqual(self.answers((0, 0), load=3.5), [True])
        self.assertEqual(self.answers((0, 0), slow=2.5), [True])

    def test_descendants_are_counted_as_own(self):
        busy, own = pace.cpu_seconds()
        # A grandchild uses half a second of CPU time, and another program may use more.
        subprocess.run(["sh", "-c", f"{sys.executable} -c 'import time\n"
                        "while time.process_time() < 0.5: pass'; true"], check=True)
        busy_after, own_after = pace.cpu_seconds()
        self.assertGreater(own_after - own, 0.4)
        self.assertGreater(busy_after - busy, 0.4)


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
