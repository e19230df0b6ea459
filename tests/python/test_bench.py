# SPDX-License-Identifier: BSD-2-Clause
"""Tests of how tools/bench.py reads a payload's output and a trace."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../tools"))

import bench  # noqa: E402
import benchdata  # noqa: E402
import benchplot  # noqa: E402

CONSOLE = """bm: payload runs on xen-lite
bench: 16 instructions a tick
bench null-hypercall ticks=6000 count=1000 
bench write-fault ticks=18446744073709551612 count=64 guest_mib=64 vcpus=1 leaves=4k dirty_percent=1 order=random
bench get-clear-whole ticks=125 count=1 guest_mib=1024 vcpus=1 leaves=4k dirty_percent=0 order=sequential
bench write-fault ticks=0 count=0 guest_mib=64 vcpus=8 leaves=4k dirty_percent=0 order=sequential
"""
# A line of debug key V.
V = (
    "(XL) [    1.0] vmid: 8 bits, generation 1, next 5; 9 renewals, 3 of them of running domains; "
    "{} generations opened by flush; {} flushes of a number\n"
)


def job(**parameters):
    return bench.Job("test", ("null-hypercall",), parameters, {})


class Parse(unittest.TestCase):
    def test_ticks_are_instructions(self):
        found = list(bench.parse(CONSOLE, job(mode="sw")))
        self.assertEqual([one["value"] for one in found], [96, -1, 2000])
        self.assertEqual(
            found[1]["parameters"],
            {
                "guest_mib": 64,
                "vcpus": 1,
                "leaves": "4k",
                "dirty_percent": 1,
                "order": "random",
                "mode": "sw",
            },
        )

    def test_vmid_flushes_are_counted_between_two_debug_keys(self):
        said = "bench vmid-rounds ticks=0 count=255 dirty_rounds={}\n"
        text = "bench: 16 instructions a tick\n" + V.format(1, 0) + V.format(5, 2) + said
        found = list(bench.parse(text.format(255), job(cpus=1)))
        wanted = benchdata.figure("vmid-flushes", 6, "flushes", rounds=255, cpus=1)
        self.assertEqual(found, [wanted])
        with self.assertRaises(bench.HostError):
            list(bench.parse(text.format(254), job(cpus=1)))
        with self.assertRaises(bench.HostError):
            text = "bench: 16 instructions a tick\n" + V.format(1, 0) + said.format(255)
            list(bench.parse(text, job()))

    def test_cost_of_a_fault_whose_lookup_maps_a_table(self):
        figures = [
            benchdata.figure("write-fault", 60),
            benchdata.figure("write-fault", 400, vlpt="off"),
        ]
        lookups = [benchdata.figure("leaf-walk", 70), benchdata.figure("leaf-walk-mapping", 200)]
        self.assertEqual(bench.mapping_fault(figures, lookups)["value"], 530)

    def test_greatest_difference_of_two_runs(self):
        one = [benchdata.figure("a", 100), benchdata.figure("b", 10, mode="sw")]
        other = [benchdata.figure("a", 100), benchdata.figure("b", 10.5, mode="sw")]
        self.assertEqual(bench.greatest_difference(one, one)[0], 0)
        self.assertAlmostEqual(bench.greatest_difference(one, other)[0], 0.05)
        with self.assertRaises(bench.HostError):
            bench.greatest_difference(one, other[:1])


class Trace(unittest.TestCase):
    def test_kinds_of_instructions(self):
        for text, kind in (
            ("ldp\tx0, x1, [sp]", "load"),
            ("ldaxr\tx0, [x1]", "load"),
            ("stlxr\tw0, x1, [x2]", "store"),
            ("ldset\tx0, x1, [x2]", "store"),
            ("msr\telr_el2, x0", "sysreg"),
            ("tlbi\tipas2e1is, x0", "barrier"),
            ("push\t{r4, lr}", "store"),
            ("strexd\tr0, r2, r3, [r1]", "store"),
            ("pop\t{r4, pc}", "load"),
            ("mrc\t15, 4, r0, cr5, cr2, {0}", "sysreg"),
            ("mcrr\t15, 6, r0, r1, cr2", "sysreg"),
            ("mcr\t15, 4, r0, cr8, cr3, {1}", "barrier"),
            ("mcr\t15, 0, r0, cr7, cr8, {0}", "sysreg"),
            ("add\tx0, x0, #1", "other"),
            ("", "other"),
        ):
            self.assertEqual(bench.kind_of(text), kind, text)

    def test_steps_are_grouped_by_function(self):
        steps = [bench.Step(i, name, "nop") for i, name in enumerate(["a", "a", "b", "a", "c"])]
        self.assertEqual(
            [(name, len(part)) for name, part in bench.runs(steps)],
            [("a", 2), ("b", 1), ("a", 1), ("c", 1)],
        )
        self.assertEqual(len(bench.span_of(steps, "a")), 4)


class Goals(unittest.TestCase):
    def test_a_goal_is_an_upper_limit(self):
        goal = benchdata.GOALS["arm64"][0]
        kept = [benchdata.is_kept(goal, value) for value in (goal.limit, goal.limit + 1, None)]
        self.assertEqual(kept, [True, False, None])
        nothing = next(goal for goal in benchdata.GOALS["arm64"] if goal.limit == 0)
        self.assertTrue(benchdata.is_kept(nothing, 0.1))
        self.assertFalse(benchdata.is_kept(nothing, 1))

    def test_numbers_are_shown_with_three_digits(self):
        shown = [benchdata.show(value) for value in (None, -0.001, 0, 0.25, 14.14, 127136.4)]
        self.assertEqual(shown, ["-", "0", "0", "0.25", "14.1", "127,136"])

    def test_table_shows_a_missed_goal(self):
        figures = [benchdata.figure("null-hypercall", 111), benchdata.figure("gic-read", 150)]
        peers = [benchdata.figure("null-hypercall", 429, system="xen-4.17")]
        lines = benchdata.goal_table(figures, peers).split("\n")
        self.assertRegex(lines[2], r"^null hypercall +111 +110 +NO +429 ")
        self.assertRegex(next(line for line in lines if "GIC" in line), r" 150 +150 +yes +-")
        self.assertNotRegex("\n".join(line for line in lines if "PSCI" in line), "yes|NO")

    def test_arm32_has_its_own_goals(self):
        figures = [benchdata.figure("null-hypercall", 251), benchdata.figure("gic-read", 300)]
        lines = benchdata.goal_table(figures, [], "arm32").split("\n")
        self.assertRegex(lines[2], r"^null hypercall +251 +250 +NO ")
        others = "\n".join(line for line in lines if "GIC" in line or "hardware" in line)
        self.assertNotRegex(others, "yes|NO|hardware")

    def test_a_saved_file_is_loaded_again(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "sub", "x.json")
            self.assertEqual(benchdata.load(path), [])
            figures = [benchdata.figure("a", 1)]
            benchdata.save(path, "test", {"qemu": "1", "cpu": "2"}, figures)
            self.assertEqual(benchdata.load(path), figures)
            with open(path, "w", encoding="utf-8") as f:
                f.write('{"schema": 99, "figures": []}')
            with self.assertRaises(ValueError):
                benchdata.load(path)


class Plots(unittest.TestCase):
    def test_gnuplot_that_fails_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaises((ValueError, FileNotFoundError)):
                benchplot._gnuplot(os.path.join(folder, "x.svg"), "plot nothing\n")


if __name__ == "__main__":
    unittest.main()
