#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tools/testrules: link sets, the head of a test, and the rules that are written."""
import contextlib
import glob
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile
import unittest
from unittest import mock

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def load():
    """The program as a module: its name has no .py."""
    path = os.path.join(TOP, "tools/testrules")
    loader = importlib.machinery.SourceFileLoader("testrules", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("testrules", loader))
    with mock.patch.object(sys, "dont_write_bytecode", True):
        loader.exec_module(module)
    return module


testrules = load()


class Folder(unittest.TestCase):
    """A test that runs in a folder of its own, with these files."""

    FILES = ("mem/page.c", "mem/page_alloc.c", "mem/other.c", "pt/pt.c", "pt/pt_split.c")

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="xl-testrules-")
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        for path in self.FILES:
            self.write(path, "")

    def write(self, path, text):
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def fails(self, *arguments):
        """The message with which the program ends."""
        with self.assertRaises(SystemExit) as caught:
            testrules.sources_of(*arguments)
        return str(caught.exception)


class Sources(Folder):
    SETS = {
        "mem": ["mem/page*.c"],
        "p2m": ["@mem", "pt/*.c", "-pt/pt_split.c"],
        "broken": ["@mem", "@none"],
    }

    def sources(self, *words):
        return testrules.sources_of(list(words), self.SETS, "test_x.c")

    def test_pattern(self):
        self.assertEqual(self.sources("mem/page*.c"), ["mem/page.c", "mem/page_alloc.c"])

    def test_set_with_a_set_in_it(self):
        self.assertEqual(self.sources("@p2m"), ["mem/page.c", "mem/page_alloc.c", "pt/pt.c"])

    def test_each_file_once(self):
        self.assertEqual(
            self.sources("@mem", "mem/*.c"), ["mem/page.c", "mem/page_alloc.c", "mem/other.c"]
        )

    def test_removal(self):
        self.assertEqual(self.sources("@mem", "-mem/page.c"), ["mem/page_alloc.c"])
        self.assertEqual(self.sources("pt/*.c", "@mem", "-@mem"), ["pt/pt.c", "pt/pt_split.c"])
        # Only files of earlier words are removed.
        self.assertEqual(self.sources("-pt/pt.c", "pt/pt.c"), ["pt/pt.c"])

    def test_unknown_set(self):
        why = self.fails(["@mem", "@nowhere"], self.SETS, "test_x.c")
        self.assertIn("test_x.c: no set @nowhere", why)

    def test_unknown_set_within_a_set(self):
        why = self.fails(["@broken"], self.SETS, "test_x.c")
        self.assertIn("@broken: no set @none", why)

    def test_no_file(self):
        self.assertIn("test_x.c: no file gone.c", self.fails(["gone.c"], {}, "test_x.c"))
        self.assertIn("no file gone.c", self.fails(["pt/pt.c", "-gone.c"], {}, "test_x.c"))


class Files(Folder):
    def test_sets_of_a_file(self):
        self.write(
            "sets", "# a comment: no set\nmem: mem/page*.c\nlong-name: @mem \\\n    pt/pt.c\n"
        )
        with mock.patch.object(testrules, "SETS", "sets"):
            self.assertEqual(
                testrules.read_sets(), {"mem": ["mem/page*.c"], "long-name": ["@mem", "pt/pt.c"]}
            )

    def test_head(self):
        lines = ["// link: @mem", "/* link: pt/pt.c */", "// libs: -lcmocka", "// cflags: -DX=1"]
        self.write("test_x.c", "\n".join(lines + [""] * 20 + ["// ldflags: -too-late"]))
        self.assertEqual(
            testrules.head("test_x.c"),
            {"link": "@mem pt/pt.c", "libs": "-lcmocka", "cflags": "-DX=1", "ldflags": ""},
        )

    def test_rules(self):
        self.write("tests/host/test_x.c", "// link: @mem -mem/page.c\n// libs: -lcmocka\n")
        self.write("sets", "mem: mem/page*.c\n")
        out = io.StringIO()
        with mock.patch.object(testrules, "SETS", "sets"), mock.patch.object(
            sys, "argv", ["testrules", "tests/host/test_x.c"]
        ), contextlib.redirect_stdout(out):
            testrules.main()
        for flavour in ("x86", "arm64", "arm32"):
            folder = f"build/test-{flavour}"
            self.assertIn(
                f"{folder}/test_x: {folder}/tests/host/test_x.o {folder}/mem/page_alloc.o\n"
                f"{folder}/test_x: LIBS := -lcmocka\n",
                out.getvalue(),
            )


class Tree(unittest.TestCase):
    def test_every_set_has_files(self):
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(TOP)
        sets = testrules.read_sets()
        self.assertGreater(len(sets), 5)
        for name in sets:
            self.assertTrue(testrules.sources_of(["@" + name], sets, "this test"), name)

    def test_every_set_is_used(self):
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(TOP)
        sets = testrules.read_sets()
        words = [word for of_set in sets.values() for word in of_set]
        for path in glob.glob("tests/*/**/*.c", recursive=True):
            words += testrules.head(path)["link"].split()
        self.assertLessEqual({"@" + name for name in sets}, {w.removeprefix("-") for w in words})


if __name__ == "__main__":
    unittest.main()
