# SPDX-License-Identifier: BSD-2-Clause
"""The reports of tools/demo.py and tools/figures.py are what docs/report.md describes."""
import contextlib
import io
import json
import os
import re
import sys
import tempfile
import unittest
from unittest import mock

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(TOP, "tools"))

import demo  # noqa: E402
import figures  # noqa: E402

MOVE = {"from": "A", "to": "B", "rounds": [{"ms": 1500.0}, {"ms": 500.0}],
        "bytes_sent": 100 * 2**20, "downtime_ms": 100.0}


def documented(text, heading):
    """The fields of the first table after HEADING in docs/report.md."""
    found = []
    for line in text.split(heading, 1)[1].split("\n| field |", 1)[1].split("\n")[2:]:
        if not line.startswith("|"):
            break
        found += re.findall(r"`(\w+)`", line.split("|")[1])
    return found


def beat(seq, **more):
    """A heartbeat of the workload, one per second of the guest's counter."""
    return {"seq": seq, "ct": seq * 1000, "cf": 1000, "written": seq * 256, "gap_ms": 20.0,
            "max_gap_ms": 20.0, "errors": 0, "verified": 0, **more}


class Report(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(TOP, "docs/report.md"), encoding="utf-8") as f:
            self.page = f.read()
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        environment = {key: value for key, value in os.environ.items()
                       if key not in [line.split()[0] for line in demo.VARIABLES.split("\n")]}
        for patch in (mock.patch.object(demo, "OUT", self.folder.name),
                      mock.patch.dict(os.environ, environment, clear=True),
                      mock.patch.object(sys, "argv", ["demo.py"])):
            patch.start()
            self.addCleanup(patch.stop)

    def main(self, failure):
        """(exit status, report) of a demonstration that FAILURE ends."""
        with mock.patch.object(demo.Demo, "run", side_effect=failure), \
                contextlib.redirect_stderr(io.StringIO()), \
                contextlib.redirect_stdout(io.StringIO()), \
                self.assertRaises(SystemExit) as end:
            demo.main()
        self.assertTrue(os.path.exists(os.path.join(self.folder.name, "rounds.svg")))
        with open(os.path.join(self.folder.name, "report.json"), encoding="utf-8") as f:
            return end.exception.code, json.load(f)

    def test_written_after_failures(self):
        status, report = self.main(demo.DemoError("the guest runs on both hosts"))
        self.assertEqual((status, report["result"], report["error"]),
                         (1, "failed", "the guest runs on both hosts"))
        status, report = self.main(demo.HostError("host A: no end\nits console"))
        self.assertEqual((status, report["result"], report["error"]),
                         (1, "failed", "host A: no end"))
        status, report = self.main(KeyboardInterrupt)
        self.assertEqual((status, report["result"], report["error"]),
                         (130, "failed", "interrupted"))
        status, report = self.main(SystemExit(143))
        self.assertEqual((status, report["result"], report["error"]),
                         (143, "failed", "terminated"))

    def test_fields_are_documented(self):
        report = demo.Demo(demo.read_variables()).report
        self.assertEqual(sorted(documented(self.page, "## build/demo/report.json")), sorted(report))
        self.assertEqual(sorted(documented(self.page, "\n`parameters` (")),
                         sorted(report["parameters"]))

    def test_conclusions(self):
        fields = documented(self.page, "Each object of `migrations`")
        before = [beat(seq) for seq in range(10)]
        for gap, plausible in ((29.0, False), (30.0, True), (350.0, True), (351.0, False)):
            move = dict(MOVE)
            demo.Demo(demo.read_variables()).conclude(move, before, 5, [beat(10, gap_ms=gap)])
            self.assertLessEqual(set(move), set(fields))
            self.assertEqual(move["goodput_mib_s"], 50.0)
            self.assertEqual(move["guest_blackout_ms"], gap)
            self.assertEqual(move["guest_write_mbps_before"], 1.0)
            self.assertIs(move["blackout_plausible"], plausible, f"a gap of {gap} ms")

    def test_bad_variable(self):
        for name, value in (("GUEST_MEM", "63"), ("VCPUS", "two"), ("CPU", "pentium"),
                            ("GUEST_ARCH", "x86"), ("GUEST_KERNEL", "/dev/null/none")):
            with mock.patch.dict(os.environ, {name: value}), \
                    contextlib.redirect_stderr(io.StringIO()) as said, \
                    self.assertRaises(SystemExit) as end:
                demo.main()
            self.assertEqual(end.exception.code, 2, name)
            self.assertIn(name, said.getvalue())
            self.assertEqual(os.listdir(self.folder.name), [])

    def test_figures(self):
        found = figures.Figures(quiet=True)
        found.add("a", "A", 110, "instructions", figures.MOST, 110)
        found.add("b", "B", 79.9, "%", figures.LEAST, 80, "a remark")
        found.add("c", "C", None, "ms", figures.MOST, 5)
        found.add("d", "D", 1, "ms")
        self.assertEqual([row["kept"] for row in found.rows], [True, False, None, None])
        fields = documented(self.page, "## build/figures.json")
        for row in found.rows:
            self.assertEqual(sorted(row), sorted(fields))


if __name__ == "__main__":
    unittest.main()
