# SPDX-License-Identifier: BSD-2-Clause
"""Tests of tools/uboot.py: the boot script and the environment of U-Boot."""
import os
import sys
import tempfile
import unittest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(TOP, "tools"))

import uboot  # noqa: E402


def text_of(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


class Script(unittest.TestCase):
    def test_documentation_quotes_the_boot_script(self):
        quoted = text_of("docs/boot.md").split("```\n")[1]
        self.assertEqual(quoted, text_of("tools/boot.cmd"))


class Environment(unittest.TestCase):
    def test_default_environment_is_complete(self):
        for arch in uboot.FIRMWARE:
            environment = uboot.default_environment(arch)
            self.assertEqual(environment["bootcmd"], "run distro_bootcmd")
            self.assertIn("boot_script_dhcp", environment)
            self.assertIn("distro_bootcmd", environment)
            self.assertEqual(environment["arch"], "arm")

    def test_flash_is_as_large_as_the_bank(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "flash")
            uboot.make_flash(path, "arm64", bootdelay="0")
            self.assertEqual(os.path.getsize(path), uboot.FLASH_BYTES)
            with open(path, "rb") as f:
                self.assertIn(b"\0bootdelay=0\0", f.read(uboot.ENVIRONMENT_BYTES))


if __name__ == "__main__":
    unittest.main()
