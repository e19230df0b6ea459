# SPDX-License-Identifier: BSD-2-Clause
"""The pages of docs/: the tests that they name exist, and their tables can be read.

A section "What is tested where" is a table. Its second column is `FILE`: `NAME`, `NAME`; `FILE`:
... or *not tested*. FILE is the base name of a file below tests/; NAME is text of that file.
"""
import glob
import os
import re
import unittest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
PAGES = ("architecture", "boot", "hypercalls", "report", "bench", "bench-exits", "bench-peers")
CELL_MAX, LINE_MAX = 100, 125
HEADING = "## What is tested where\n"


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def page(name):
    return text_of(os.path.join(TOP, "docs", name + ".md"))


def rows(text):
    """(line number, cells) of each row of a table, without headings and rulers."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("|") and not line.startswith("|-"):
            yield number, [cell.strip() for cell in line.strip().strip("|").split("|")]


def named_tests(cell):
    """[(file, name)] of the second cell of a claim."""
    found = []
    for part in cell.split(";"):
        files = re.match(r"\s*`([\w.]+)`: (.*)", part)
        if files:
            found += [(files[1], name) for name in re.findall(r"`([^`]+)`", files[2])]
    return found


def has(text, test):
    """Whether TEXT has the test: a function by its whole name, a case by a part of its name."""
    if test.isidentifier():
        return re.search(rf"\b{test}\b", text) is not None
    return test in text


class Tables(unittest.TestCase):
    def test_cells_are_short(self):
        for name in PAGES:
            for number, cells in rows(page(name)):
                for cell in cells:
                    self.assertLessEqual(len(cell), CELL_MAX, f"docs/{name}.md:{number}: {cell}")

    def test_lines_are_short(self):
        """Of prose; tables and code are as wide as they are."""
        for name in PAGES:
            prose = re.sub(r"(?ms)^```.*?^```", lambda code: "\n" * code[0].count("\n"), page(name))
            for number, line in enumerate(prose.split("\n"), 1):
                if not line.startswith(("|", "    ")):
                    self.assertLessEqual(len(line), LINE_MAX, f"docs/{name}.md:{number}")


class Claims(unittest.TestCase):
    def setUp(self):
        self.files = {}
        for path in glob.glob(os.path.join(TOP, "tests/**/*"), recursive=True):
            if os.path.isfile(path) and "corpus" not in path:
                self.files.setdefault(os.path.basename(path), []).append(path)

    def test_each_page_has_claims(self):
        for name in PAGES:
            self.assertEqual(page(name).count(HEADING), 1, f"docs/{name}.md")

    def test_named_tests_exist(self):
        for name in PAGES:
            for _, cells in list(rows(page(name).split(HEADING)[1]))[1:]:
                claim, tests = cells
                named = named_tests(tests)
                self.assertTrue(
                    named or tests.startswith("*not tested*"), f"docs/{name}.md: {claim}: {tests}"
                )
                for file, test in named:
                    with self.subTest(page=name, claim=claim, file=file):
                        self.assertTrue(
                            any(has(text_of(path), test) for path in self.files.get(file, [])), test
                        )


if __name__ == "__main__":
    unittest.main()
