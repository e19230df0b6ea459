#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Start one host with its serial console, which has the control domain's shell, on this terminal.

usage: run.py [options of host.py]          leave with Ctrl-A X; Ctrl-A C: the emulator's monitor
The variables ARCH GIC CPU SMP MEM XEN BOOT are the defaults of host.py's options.
"""
import argparse
import os
import subprocess
import sys

import host as hosts
from host import Host, HostError


def main():
    parser = argparse.ArgumentParser(description="One host on this terminal.")
    hosts.add_arguments(parser)
    env = {
        name: os.environ[name.upper()]
        for name in ("cpu", "smp", "mem")
        if os.environ.get(name.upper())
    }
    for name in set(env) - {"cpu"}:
        if not env[name].isdigit():
            sys.exit(f"run: {name.upper()}={env[name]}: not a whole number")
    cpus = hosts.MACHINES[hosts.default_arch()].cpus
    if env.get("cpu", cpus[0]) not in cpus:
        sys.exit(f"run: CPU={env['cpu']}: must be one of {', '.join(cpus)}")
    parser.set_defaults(
        **{name: value if name == "cpu" else int(value) for name, value in env.items()})
    args = parser.parse_args()
    machine = None
    try:
        machine = Host("A", agent=False, **hosts.host_arguments(args))
        machine.prepare()
        line = machine.command_line([
            "-chardev", "stdio,id=console,mux=on,signal=off", "-serial", "chardev:console", "-mon",
            "chardev=console"
        ])
        print("Leave with Ctrl-A X. In the control domain: xl list, xl create /etc/xen/guest.cfg, "
              "xl console guest.", flush=True)
        # Ctrl-C goes to the shell on the console. The emulator ends with this process in any case.
        hosts.catch_signals()
        emulator = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *line])
        try:
            while True:
                try:
                    sys.exit(emulator.wait())
                except KeyboardInterrupt:
                    if not sys.stdin.isatty():
                        raise
        finally:
            emulator.kill()
            emulator.wait()
    except HostError as error:
        sys.exit(f"run: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if machine:
            machine.cleanup()


if __name__ == "__main__":
    main()
