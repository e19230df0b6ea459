# SPDX-License-Identifier: BSD-2-Clause
"""The axes of the charts have round numbers: 1, 2 or 5 times a power of ten apart."""
import math
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))

import benchplot  # noqa: E402
import chart  # noqa: E402


def is_round(number):
    """1, 2 or 5 times a power of ten."""
    mantissa = number / 10.0**math.floor(math.log10(number) + 1e-9)
    return any(abs(mantissa - m) < 1e-6 for m in (1, 2, 5))


class Ticks(unittest.TestCase):
    def test_known(self):
        self.assertEqual(chart.ticks(188.7), [0, 50, 100, 150, 200])
        self.assertEqual(chart.ticks(200), [0, 50, 100, 150, 200])
        self.assertEqual(chart.ticks(101), [0, 20, 40, 60, 80, 100, 120])
        self.assertEqual(chart.ticks(0.33), [0, 0.1, 0.2, 0.3, 0.4])
        self.assertEqual(chart.ticks(0.028), [0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03])
        self.assertEqual(chart.ticks(4), [0, 1, 2, 3, 4])
        self.assertEqual(chart.ticks(0), [0, 1])

    def test_round_and_large_enough(self):
        for i in range(-300, 600):
            most = 10**(i / 100)
            marks = chart.ticks(most)
            self.assertTrue(is_round(marks[1]), f"{most}: the step is {marks[1]}")
            self.assertTrue(4 <= len(marks) - 1 <= 8, f"{most}: {len(marks) - 1} steps")
            self.assertGreaterEqual(marks[-1], most * (1 - 1e-6))
            self.assertLess(marks[-2], most, "the last step is empty")


class Decades(unittest.TestCase):
    def test_enclosed_by_powers_of_ten(self):
        self.assertEqual(chart.decades([0.095, 4278]), (0.01, 10000))
        self.assertEqual(chart.decades([10, 1000]), (10, 1000))
        self.assertEqual(chart.decades([3]), (1, 10))
        self.assertEqual(chart.decades([10, 0, -1]), (10, 100))
        self.assertEqual(chart.decades([]), (1, 10))


class Gnuplot(unittest.TestCase):
    def test_axes(self):
        self.assertEqual(benchplot.linear_axis([4.67, 16.9]), "set yrange [0:20]\nset ytics 5\n")
        self.assertEqual(benchplot.log_axis([0.095, 4278]),
                         "set logscale y\nset yrange [0.01:10000]\nset ytics 0.01,10,10000\n")


class Rounds(unittest.TestCase):
    def test_axis(self):
        """A round of 188.7 MiB: the axis goes to 200, and the bar is as tall as that tells."""
        rounds = [{"bytes": 197869464, "ms": 4358.7, "pages": 48210},
                  {"bytes": 1562280, "ms": 53.0, "pages": 380}]
        svg = chart.rounds_svg({"migrations": [{"from": "A", "to": "B", "rounds": rounds}]})
        labels = re.findall(r'text-anchor="end"[^>]*>([^<]*)<', svg)
        self.assertEqual(labels, ["0", "50", "100", "150", "200"])
        tall = float(re.search(r'height="([\d.]+)" fill="#4f81bd"', svg)[1])
        self.assertAlmostEqual(tall, (chart.PANEL - 90) * 197869464 / 2**20 / 200, delta=0.1)

    def test_nothing(self):
        self.assertIn("</svg>", chart.rounds_svg({"migrations": [{"from": "A", "to": "B"}]}))
        self.assertIn("</svg>", chart.rounds_svg({}))


if __name__ == "__main__":
    unittest.main()
