# SPDX-License-Identifier: BSD-2-Clause
"""Tests of how tools/bench_peers.py reads the output of the programs that it measures.

The samples are the output of one of its own runs.
"""
import io
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tools"))

import bench_peers as peers  # noqa: E402

PAGE_TABLE_TEST = "kvm_page_table_test -m 5 -s anonymous -v 1 -b 64M"


def sample(name):
    with open(os.path.join(HERE, "samples", name), encoding="utf-8") as f:
        return f.read()


class FakeHost:
    """An emulator that has ended and left `text` on its console."""

    def __init__(self, text):
        self.text = text

    def console_text(self):
        return self.text.replace("\n", "\r\n")

    def console_tail(self, lines):
        return "\n".join(self.text.split("\n")[-lines:])

    def alive(self):
        return False


def kvm_run(text, system=peers.KVM_NVHE):
    run = peers.KvmRun(peers.Report(io.StringIO()), system, peers.jobs(quick=True))
    run.host = FakeHost(text)
    return run


def kvm_report(text, system=peers.KVM_NVHE):
    run = kvm_run(text, system)
    run.step()
    return run.report


class Output(unittest.TestCase):
    def test_seconds_are_read_as_nanoseconds(self):
        self.assertEqual(peers.nanoseconds("0.119099008s"), 119_099_008)
        self.assertEqual(peers.nanoseconds("12.000000001s"), 12_000_000_001)

    def test_dirty_log_output(self):
        text = sample("kvm-console.txt").split("peers: begin 3")[1].split("peers: end 3")[0]
        self.assertEqual(peers.parse_dirty_log(text), {
            "populate": 529_553_632, "enable": 16_192, "disable": 16_576,
            "dirty": [207_967_312, 199_007_008], "get": [2_736, 2_752],
            "clear": [971_280, 971_280]})

    def test_page_table_output(self):
        text = sample("kvm-console.txt").split("peers: begin 2")[1].split("peers: end 2")[0]
        self.assertEqual(peers.parse_page_table(text),
                         {"create": 132_087_792, "update": 64_541_504, "adjust": 102_960})

    def test_an_error_names_the_missing_line(self):
        text = sample("kvm-console.txt").split("peers: begin 1\n")[1].split("peers: end 1")[0]
        with self.assertRaisesRegex(peers.MeasureError, "enabling dirty logging time"):
            peers.parse_dirty_log(text.replace("Enabling", "Enabled"))
        with self.assertRaisesRegex(peers.MeasureError, "iterations"):
            peers.parse_dirty_log(text.replace("Iteration 2 get", "Iteration 2 got"))
        with self.assertRaisesRegex(peers.MeasureError, "KVM_CREATE_MAPPINGS"):
            peers.parse_page_table(text)
        with self.assertRaisesRegex(peers.MeasureError, "printed 2 times"):
            peers.parse_dirty_log(text + text)


class Figures(unittest.TestCase):
    def test_per_page_figures_have_four_digits(self):
        self.assertEqual(peers.per_page(64_541_504 - 102_960, 16_384), 3933)
        self.assertEqual(peers.per_page(13_888, 16_384), 0.8477)

    def test_figures_of_kvm(self):
        report = kvm_report(sample("kvm-console.txt"))
        self.assertEqual(report.failed, [])
        found = {(f.work, f.parameters["leaves"]): f.value for f in report.figures}
        # Computed by hand from the sample: nanoseconds / 16,384 pages.  With blocks, only half
        # of the pages are written to.
        self.assertEqual(found, {
            ("dirty-memory-time-per-page", "4 KiB"): 7264,
            ("dirty-enable-per-page", "4 KiB"): 54.07,
            ("get-clear-per-page", "4 KiB"): 59.24, ("disable-per-page", "4 KiB"): 0.8477,
            ("write-fault", "4 KiB"): 3933, ("dirty-enable-deferred-per-page", "4 KiB"): 0.9883,
            ("get-per-page", "4 KiB"): 0.168, ("clear-per-page", "4 KiB"): 59.28,
            ("dirty-enable-per-page", "2 MiB"): 1.037, ("get-clear-per-page", "2 MiB"): 59.09,
            ("disable-per-page", "2 MiB"): 0.8223, ("write-fault-first-round", "2 MiB"): 4279,
            ("restore-blocks-per-page", "2 MiB"): 359.9})
        self.assertEqual(report.figures[0].parameters,
                         {"guest_mib": 64, "vcpus": 1, "leaves": "4 KiB", "cpu": "cortex-a57"})

    def test_figures_of_the_payload(self):
        costs = peers.parse_costs(sample("payload-console.txt").replace("\n", "\r\n"))
        found = {(work, leaves): value for work, value, leaves in peers.figures_of_payload(costs)}
        # Computed by hand: on and off per 16,384 pages of the guest, the rest per
        # 15,360 written pages.
        self.assertEqual(found, {
            ("null-hypercall", None): 95, ("psci-version", None): 92, ("gic-read", None): 214,
            ("dirty-enable-per-page", "4 KiB"): 54.58, ("get-clear-per-page", "4 KiB"): 18.37,
            ("disable-per-page", "4 KiB"): 31.83, ("dirty-enable-per-page", "2 MiB"): 3.982,
            ("get-clear-per-page", "2 MiB"): 18.37, ("disable-per-page", "2 MiB"): 50.29,
            ("write-fault", "4 KiB"): 148.1, ("write-fault-first-round", "2 MiB"): 196.5})

    def test_a_hypervisor_without_a_log_has_three_figures(self):
        costs = {"hypercall": 430, "psci-version": 478, "gicd-typer": 613}
        works = [work for work, _, _ in peers.figures_of_payload(costs)]
        self.assertEqual(works, ["null-hypercall", "psci-version", "gic-read"])
        with self.assertRaisesRegex(peers.MeasureError, "psci-version"):
            list(peers.figures_of_payload({"hypercall": 430, "gicd-typer": 613}))


class Failures(unittest.TestCase):
    def test_a_failed_test_has_no_figures(self):
        text = sample("kvm-console.txt").replace("peers: end 2 status 0", "peers: end 2 status 254")
        report = kvm_report(text)
        self.assertEqual(report.failed, [f"kvm-6.1-nvhe: {PAGE_TABLE_TEST}"])
        self.assertIsNone(report.value(peers.KVM_NVHE, "write-fault"))
        self.assertIsNotNone(report.value(peers.KVM_NVHE, "write-fault-first-round"))

    def test_a_wrong_count_of_faults_is_a_failure(self):
        report = kvm_report(sample("kvm-console.txt").replace("Hits: 32818", "Hits: 24600"))
        self.assertEqual(report.failed, [f"kvm-6.1-nvhe: {PAGE_TABLE_TEST}, faults counted"])

    def test_emulator_ends_early(self):
        with self.assertRaisesRegex(peers.MeasureError, f"ended at: {PAGE_TABLE_TEST}"):
            kvm_run(sample("kvm-console.txt").split("peers: end 2")[0]).step()

    def test_another_mode_of_kvm_is_an_error(self):
        with self.assertRaisesRegex(peers.MeasureError, "VHE mode initialized"):
            kvm_run(sample("kvm-console.txt"), peers.KVM_VHE).step()

    def test_short_time_slices_are_an_error(self):
        with self.assertRaisesRegex(peers.MeasureError, "slices"):
            text = sample("kvm-console.txt")
            kvm_run(text.replace("peers: latency_ns 100000000", "peers: latency_ns 6000000")).step()


class Presentation(unittest.TestCase):
    def setUp(self):
        self.report = kvm_report(sample("kvm-console.txt"))
        costs = peers.parse_costs(sample("payload-console.txt"))
        for work, value, leaves in peers.figures_of_payload(costs):
            parameters = {"guest_mib": 64, "vcpus": 1, "leaves": leaves, "cpu": "cortex-a57"}
            self.report.add(peers.XEN_LITE, work, value, parameters)

    def test_table_shows_ratios(self):
        lines = peers.table(self.report).split("\n")
        line = next(line for line in lines if line.startswith("write fault while logging"))
        wanted = "write fault while logging 4 KiB 148 - 3,933 (27x) - - -"
        self.assertEqual(line.split(), wanted.split())

    def test_plot_shows_each_figure(self):
        script = peers.plot_script(self.report, "out.svg")
        self.assertIn("2.895 148.1 148\n".replace("2.895", f"{3 - 1.5 * peers.BAR:.3f}"), script)
        self.assertIn(f"{3 + 0.5 * peers.BAR:.3f} 3933 3,933\n", script)
        self.assertIn("'cannot'", script)


if __name__ == "__main__":
    unittest.main()
