# SPDX-License-Identifier: BSD-2-Clause
"""The scenarios' sources: what a failure would print must cost nothing while there is none."""
import ast
import glob
import os
import unittest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
# Functions that run a command on an emulated host, which takes up to a second of CPU time.
ASK_A_HOST = {"run", "states", "xl_list", "free_memory", "rest", "running_on", "places",
              "console_text"}


def eager_messages(source):
    """Lines of SOURCE on which the message of expect() or wait_until() always asks a host."""
    lines = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or len(call.args) < 2 or \
                getattr(call.func, "id", "") not in ("expect", "wait_until"):
            continue
        message = call.args[1]
        names = {getattr(inner.func, "attr", getattr(inner.func, "id", ""))
                 for inner in ast.walk(message) if isinstance(inner, ast.Call)}
        if not isinstance(message, ast.Lambda) and names & ASK_A_HOST:
            lines.append(call.lineno)
    return lines


class Messages(unittest.TestCase):
    def test_a_message_asks_no_host_unless_it_is_printed(self):
        for path in sorted(glob.glob(os.path.join(TOP, "tests/qemu/*.py"))):
            with open(path, encoding="utf-8") as f:
                self.assertEqual(eager_messages(f.read()), [], f"lines of {path}: write lambda:")

    def test_an_eager_message_is_found(self):
        self.assertEqual(eager_messages('expect(ok, f"now {xl_list(host)}")'), [1])
        self.assertEqual(eager_messages('wait_until(ok, "a" + self.states(), 3)'), [1])
        self.assertEqual(eager_messages('expect(ok, lambda: f"now {xl_list(host)}")'), [])


if __name__ == "__main__":
    unittest.main()
