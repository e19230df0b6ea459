#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the documentation says about the tree is true: links, tests, map of the tree, pictures."""
import ast
import fnmatch
import glob
import hashlib
import os
import re
import subprocess
import unittest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
README_LINES_MAX = 130
CELL_MAX = 100
HELP_COLUMNS = 100


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def tracked():
    """The files of the tree: git's, or in a source tarball all but what was built."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=TOP,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    if listing.returncode == 0:
        return [
            path for path in listing.stdout.splitlines() if os.path.exists(os.path.join(TOP, path))
        ]
    found = [
        os.path.relpath(os.path.join(folder, name), TOP)
        for folder, _, names in os.walk(TOP)
        for name in names
    ]
    return [path for path in found if not path.startswith(("build/", ".git/"))]


def pages():
    return [path for path in tracked() if path.endswith(".md")]


def without_code(text):
    """Prose alone: neither fenced nor indented blocks."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return "\n".join(line for line in text.split("\n") if not line.startswith("    "))


def long_cells(text):
    """Cells of tables that are too long to read."""
    rows = [line.strip() for line in without_code(text).split("\n") if line.strip().startswith("|")]
    cells = [cell.strip() for row in rows for cell in re.split(r"(?<!\\)\|", row.strip("|"))]
    return [cell for cell in cells if len(cell) > CELL_MAX]


def dead_links(path, text):
    """Links to files that are not there."""
    links = re.findall(r"\]\(([^)\s]+)\)", without_code(text))
    targets = [link.split("#")[0] for link in links if not re.match(r"[a-z]+:", link)]
    folder = os.path.join(TOP, os.path.dirname(path))
    return [
        target for target in targets if target and not os.path.exists(os.path.join(folder, target))
    ]


def named_files(text):
    """Paths of the tree in backquotes, but for those that have a part to be filled in."""
    words = re.findall(
        r"`((?:xen-lite|arch|drivers|migrate|tools|tests|docs|findings)/[^`\s:]+)",
        without_code(text),
    )
    return [
        word
        for word in words
        if not re.search(r"[A-Z]{3}|\$|\?", re.sub(r"PROTOCOL\.md|README\.md", "", word))
    ]


def named_sections(text):
    """(section, file) of each reference of the form *Section* in [page](file)."""
    found = re.findall(r"\*([A-Z][^*]+)\*\s+in\s+\[[^]]*\]\(([^)#]+)\)", text)
    return [(" ".join(section.split()), target) for section, target in found]


def has_section(path, section):
    """Whether a page has a heading that begins with these words."""
    return re.search(rf"^#+ {re.escape(section)}", read(path), re.M) is not None


def map_patterns(text):
    """The paths in the first column of the tables of docs/tree.md."""
    rows = [line for line in text.split("\n") if line.startswith("| `")]
    return [pattern for row in rows for pattern in re.findall(r"`([^`]+)`", row.split("|")[1])]


def named_tests(text):
    """(file, test) for each claim of the form `tests/...`: `test`, `test`."""
    found = []
    for path, tests in re.findall(r"`(tests/[^`\s]+)`: (`[^`]+`(?:, `[^`]+`)*)", text):
        found += [(path, " ".join(test.split())) for test in re.findall(r"`([^`]+)`", tests)]
    return found


def texts_of(source):
    """The strings of a Python source, and its f-strings as pieces (None: a value)."""
    constants, patterns = set(), []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            constants.add(node.value)
            patterns.append([node.value])
        elif isinstance(node, ast.JoinedStr):
            patterns.append(
                [part.value if isinstance(part, ast.Constant) else None for part in node.values]
            )
    # What is hardly more than values fits everything.
    return constants, [
        parts for parts in patterns if len(re.findall("[a-z]", "".join(filter(None, parts)))) >= 8
    ]


def fits(line, parts):
    """Is this a line that these pieces print?"""
    pattern = "".join(".*" if part is None else re.escape(part.strip("\n")) for part in parts)
    return re.fullmatch(pattern, line) is not None


class Pages(unittest.TestCase):
    def test_readme_is_short(self):
        self.assertLessEqual(len(read("README.md").splitlines()), README_LINES_MAX)

    def test_no_long_cell(self):
        bad = [f"{path}: {cell}" for path in pages() for cell in long_cells(read(path))]
        self.assertEqual(bad, [], f"cells of more than {CELL_MAX} characters")

    def test_links(self):
        bad = [f"{path}: {target}" for path in pages() for target in dead_links(path, read(path))]
        self.assertEqual(bad, [], "links to files that do not exist")

    def test_sections(self):
        bad = [
            f"{path}: {section}"
            for path in pages()
            for section, target in named_sections(read(path))
            if not has_section(os.path.join(os.path.dirname(path), target), section)
        ]
        self.assertEqual(bad, [], "sections that do not exist")

    def test_named_files_exist(self):
        bad = [
            f"{path}: {name}"
            for path in pages()
            for name in named_files(read(path))
            if not glob.glob(os.path.join(TOP, name))
        ]
        self.assertEqual(bad, [], "files that do not exist")

    def test_the_checks_find_what_is_wrong(self):
        self.assertEqual(long_cells("| a | " + "b" * 101 + " |"), ["b" * 101])
        self.assertEqual(long_cells("    | a | " + "b" * 101 + " |"), [])
        self.assertEqual(
            dead_links("docs/x.md", "[a](../README.md) [b](none.md) [c](https://x/y) [d](#e)"),
            ["none.md"],
        )
        self.assertEqual(
            named_files(
                "`tools/run.py --x` `tools/none` `build/x` `findings/NAME` `arch/*/head.S`"
            ),
            ["tools/run.py", "tools/none", "arch/*/head.S"],
        )
        self.assertEqual(
            named_tests("see `tests/a.py`: `one`, `two three`; `tests/b.py`"),
            [("tests/a.py", "one"), ("tests/a.py", "two three")],
        )


class Tree(unittest.TestCase):
    def setUp(self):
        self.patterns = map_patterns(read("docs/tree.md"))

    def test_each_path_exists(self):
        gone = [
            pattern
            for pattern in self.patterns
            if pattern != "build/" and not fnmatch.filter(tracked(), pattern)
        ]
        self.assertEqual(gone, [], "docs/tree.md names paths that match no file")

    def test_each_file_is_covered(self):
        lost = [
            path
            for path in tracked()
            if not any(fnmatch.fnmatchcase(path, pattern) for pattern in self.patterns)
        ]
        self.assertEqual(lost, [], "no line of docs/tree.md covers these")

    def test_reading_order(self):
        """Its files exist, and have the functions that are named beside them."""
        for row in re.findall(r"^\| `[^`]+` \|.*$", read("docs/reading-order.md"), re.M):
            cells = row.split("|")
            path = re.search(r"`([^`]+)`", cells[1])[1]
            self.assertTrue(os.path.exists(os.path.join(TOP, path)), path)
            for name in re.findall(r"`(?:struct )?([a-z0-9_]+)`", cells[2]):
                self.assertIn(name, read(path), f"{path} has no {name}")


class Claims(unittest.TestCase):
    def test_named_tests_exist(self):
        claims = [claim for path in pages() for claim in named_tests(read(path))]
        self.assertGreater(len(claims), 20)
        for path, test in claims:
            self.assertTrue(os.path.exists(os.path.join(TOP, path)), f"no file {path}")
            self.assertIn(test, read(path), f"{path} has no test {test}")

    def test_each_works_names_a_test(self):
        """In docs/status.md the numbers of "works" and "refused" are in the list below."""
        hand_written = read("docs/status.md").split("<!-- printed by")[0]
        for section in hand_written.split("\n## ")[1:]:
            listed = set(re.findall(r"^(\d+)\. `tests/", section, re.M))
            for row in re.findall(r"^\| .*$", section, re.M):
                state = row.strip("| ").split(" | ")[-1]
                if re.match(r"works|\*\*refused", state):
                    numbers = re.search(r"\(([\d, ]+)\)$", state)
                    self.assertTrue(numbers, f"no test is named: {row}")
                    self.assertLessEqual(set(re.findall(r"\d+", numbers[1])), listed, row)


class Pictures(unittest.TestCase):
    def test_belong_to_their_text(self):
        sources = [
            path
            for ending in ("msc", "bits", "boxes")
            for path in glob.glob(f"{TOP}/docs/diagrams/*.{ending}")
        ]
        self.assertGreaterEqual(len(sources), 5)
        for source in sources:
            with open(source, "rb") as f:
                digest = hashlib.sha256(f.read()).hexdigest()
            with open(os.path.splitext(source)[0] + ".svg", encoding="utf-8") as f:
                first = f.readline()
            self.assertIn(f"from {os.path.basename(source)}, sha256 {digest} ", first, "make docs")


class Output(unittest.TestCase):
    def test_help_fits(self):
        text = subprocess.run(
            ["make", "--no-print-directory", "help"],
            cwd=TOP,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        ).stdout
        self.assertIn("Where to start:", text)
        self.assertEqual([line for line in text.split("\n") if len(line) > HELP_COLUMNS], [])

    def test_readme_shows_what_demo_prints(self):
        """Each line of README's block is one that tools/demo.py prints, with values put in."""
        block = re.search(r"<!-- demo output -->\n```\n(.*?)```", read("README.md"), re.S)[1]
        constants, patterns = texts_of(read("tools/demo.py"))
        lines = [line for line in block.split("\n") if re.search("[a-z]", line)]
        self.assertGreater(len(lines), 15)
        for line in lines:
            if re.match(r"  \S.{34,}   ", line):
                self.assertIn(line[2:38].strip(), constants, "no row of the summary")
            elif not line.strip().startswith("A to B "):
                line = re.sub(r"^\[ *[\d.]+ s\] |^ {11}", "", line)
                self.assertTrue(
                    any(fits(line, pattern) for pattern in patterns),
                    f"tools/demo.py does not print: {line}",
                )

    def test_that_finds_another_line(self):
        constants, patterns = texts_of(read("tools/demo.py"))
        self.assertNotIn("downtime, ms", constants)
        self.assertFalse(any(fits("moving the guest to A", pattern) for pattern in patterns))
        self.assertTrue(
            any(fits("A: the guest runs; watching it for 10 s", pattern) for pattern in patterns)
        )

    def test_version(self):
        self.assertRegex(read("VERSION"), r"\A\d+\.\d+\.\d+\n\Z")
        version = read("VERSION").strip()
        self.assertIn(f"## {version}", read("CHANGELOG.md"))
        self.assertIn(version, read("docs/compatibility.md"))

    def test_man_pages_have_the_commands_options(self):
        for source, page in (
            ("migrate/xlm.c", "docs/xlm.1.md"),
            ("migrate/xlmd.c", "docs/xlmd.8.md"),
        ):
            for option in re.findall(
                r'\{ "([a-z-]+)", (?:no|required|optional)_argument', read(source)
            ):
                if option != "help":
                    self.assertIn(f"--{option}", read(page), page)


if __name__ == "__main__":
    unittest.main()
