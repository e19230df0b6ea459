# SPDX-License-Identifier: BSD-2-Clause
"""tools/layers goes red: each rule is broken in a small tree of its own."""
import os
import subprocess
import tempfile
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))

LIST = """
[core core/* include]
contract: arch.h hooks.h
low: low.c low.h low_internal.h
types: thing_types.h
high: high.c high.h

[arch arch]
uses: low arch.h
"""
ALONE = ("--compile", "core", "gcc -Wall -Werror -iquote include")
TREE = {
    "core/low/low.c": '#include "low.h"\nint low(void) { return 1; }\n',
    "core/high/high.c": '#include "high.h"\n#include "low.h"\nint high(void) { return low(); }\n',
    "include/low.h": "int low(void);\n",
    "include/low_internal.h": "int low_inside(void);\n",
    "include/high.h": "int high(void);\n",
    "include/thing_types.h": "struct thing { int (*fn)(void); };\n",
    "include/arch.h": "int arch_call(void);\n",
    "include/hooks.h": "",
    "arch/cpu.c": '#include "arch.h"\n#include "low.h"\nint arch_call(void) { return low(); }\n',
}


class Layers(unittest.TestCase):
    def layers(self, changes=(), listed=LIST, options=()):
        """(exit status, what is printed) for the small tree with CHANGES of its files."""
        files = {**TREE, **dict(changes)}
        with tempfile.TemporaryDirectory() as folder:
            for path, text in [*files.items(), ("layers.list", listed)]:
                os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(folder, path), "w", encoding="utf-8") as f:
                    f.write(text)
            sources = [path for path in files if path.endswith(".c")]
            subprocess.run(["gcc", "-iquote", "include", "-c", *sources], cwd=folder, check=True)
            for path in sources:
                target = os.path.join(folder, "obj", path[:-2] + ".o")
                os.makedirs(os.path.dirname(target), exist_ok=True)
                os.rename(os.path.join(folder, os.path.basename(target)), target)
            result = subprocess.run(
                [f"{TOP}/tools/layers", "--list", "layers.list", *options, "nm", "obj"],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        return result.returncode, result.stdout

    def assert_red(self, changes, *words, listed=LIST, options=()):
        status, output = self.layers(changes, listed, options)
        self.assertEqual(status, 1, output)
        self.assertIn("layers: 1 offences", output)  # this one, and nothing else
        for word in words:
            self.assertIn(word, output)

    def test_a_tree_in_order(self):
        status, output = self.layers(options=ALONE)
        self.assertEqual(status, 0, output)

    def test_a_call_upward(self):
        call = {
            "core/low/low.c": "int high(void);\nint low(void) { return high(); }\n",
            "core/high/high.c": "int high(void) { return 1; }\n",
        }
        self.assert_red(call, "core/low/low.c (low) uses high of core/high/high.c (high)")

    def test_a_call_upward_that_hooks_declare(self):
        call = {
            "core/low/low.c": '#include "hooks.h"\nint low(void) { return high(); }\n',
            "core/high/high.c": "int high(void) { return 1; }\n",
            "include/hooks.h": "int high(void);\n",
        }
        status, output = self.layers(call)
        self.assertEqual(status, 0, output)

    def test_a_hook_that_nobody_needs(self):
        self.assert_red({"include/hooks.h": "int high(void);\n"}, "hooks.h declares high")

    def test_a_source_includes_a_higher_header(self):
        self.assert_red(
            {"core/low/low.c": '#include "high.h"\nint low(void) { return 1; }\n'},
            "core/low/low.c (low) includes include/high.h (high)",
        )

    def test_a_header_includes_a_higher_header(self):
        self.assert_red(
            {"include/low.h": '#include "high.h"\nint low(void);\n'},
            "include/low.h (low) includes include/high.h (high)",
        )

    def test_a_private_header(self):
        self.assert_red(
            {"include/high.h": '#include "low_internal.h"\nint high(void);\n'}, "is for low alone"
        )

    def test_types_declare_no_functions(self):
        self.assert_red(
            {"include/thing_types.h": "struct thing { int a; };\nint thing(struct thing *t);\n"},
            "declares the function thing",
        )

    def test_a_header_that_does_not_compile_alone(self):
        self.assert_red(
            {
                "include/high.h": "int high(void);\nstatic inline int more(void) { return low() + high(); }\n",
                "core/high/high.c": '#include "low.h"\n#include "high.h"\nint high(void) { return more(); }\n',
            },
            "include/high.h does not compile alone",
            options=ALONE,
        )

    def test_arch_calls_what_is_not_declared_for_it(self):
        self.assert_red(
            {"arch/cpu.c": "int high(void);\nint arch_call(void) { return high(); }\n"},
            "arch/cpu.c uses high of core/high/high.c",
        )

    def test_core_calls_what_arch_does_not_declare(self):
        self.assert_red(
            {
                "arch/cpu.c": "int arch_other(void) { return 1; }\n",
                "core/high/high.c": "int arch_other(void);\nint high(void) { return arch_other(); }\n",
            },
            "core/high/high.c uses arch_other of arch/cpu.c",
        )

    def test_a_file_without_a_layer(self):
        self.assert_red(
            {"core/low/more.c": "int more(void) { return 1; }\n"}, "core/low/more.c has no layer"
        )

    def test_a_file_in_the_wrong_folder(self):
        self.assert_red(
            {"core/low/more.c": "int more(void) { return 1; }\n"},
            "core/low/more.c is listed as high",
            listed=LIST.replace("high: ", "high: more.c "),
        )

    def test_a_listed_file_that_is_gone(self):
        self.assert_red(
            {}, "gone.c of core is not there", listed=LIST.replace("low.c ", "low.c gone.c ")
        )

    def test_a_loop(self):
        def ring(length):
            names = [f"n{i}" for i in range(length)]
            files = {
                f"core/low/{name}.c": f"int {after}(void);\nint {name}(void) {{ return {after}(); }}\n"
                for name, after in zip(names, names[1:] + names[:1])
            }
            return files, LIST.replace("low.c ", "low.c " + "".join(f"{name}.c " for name in names))

        files, listed = ring(6)
        status, output = self.layers(files, listed)
        self.assertEqual(status, 0, output)
        files, listed = ring(7)
        self.assert_red(
            files,
            "7 files call each other, at most 6 may",
            "core/low/n0.c uses n1 of core/low/n1.c",
            listed=listed,
        )


if __name__ == "__main__":
    unittest.main()
