# SPDX-License-Identifier: BSD-2-Clause
"""What the scenarios share: result lines, the hosts of tools/host.py, and frequent commands.

A scenario prints one line per case, `ok NAME` or `not ok NAME - why`; all other output is indented.
After a case that fails the next cases still run, because their results may help.
"""
import contextlib
import os
import re
import sys
import time

TOP = os.path.relpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(TOP, "tools"))

from guestlog import GuestError, GuestLog  # noqa: E402
import pace  # noqa: E402
from host import BUILD, Host, HostError, Pair, built, default_arch  # noqa: E402

GUEST_CMDLINE = "console=hvc0 nokaslr kpti=0 mitigations=off panic=-1"


# The command whose output is shown for each host of a failed case.
INQUIRY = (
    "xl list; xl vcpu-list; tail -n 6 /var/log/xlmd.log; "
    "for key in q e; do xl debug-keys $key; done; xl dmesg | tail -n 40 | cut -c 1-150"
)


class Failure(Exception):
    """A check that did not hold."""


class Tap:
    def __init__(self):
        self.passed, self.failed, self.began = 0, 0, time.monotonic()

    def ok(self, name):
        self.passed += 1
        print(f"ok {name}", flush=True)

    def not_ok(self, name, why):
        self.failed += 1
        first, *rest = str(why).strip().split("\n") or [""]
        print(f"not ok {name} - {first}", flush=True)
        for line in rest:
            print(f"  | {line}", flush=True)

    def check(self, condition, name, why=""):
        if condition:
            self.ok(name)
        else:
            self.not_ok(name, why)
        return condition

    def note(self, text):
        for line in str(text).rstrip().split("\n"):
            print(f"  # {line}", flush=True)

    def show(self, host, console):
        """Show a host's state after a failure."""
        text = ""
        if console and host.process:
            text = f"--- end of {host.console_log}\n" + host.console_tail(25)
        if host.agent and host.process and host.alive():
            with contextlib.suppress(HostError):
                text += f"\n--- {host.name}\n" + host.run(INQUIRY, timeout=15).output
        for line in text.strip().split("\n"):
            print(f"  | {line}", flush=True)

    @contextlib.contextmanager
    def case(self, name, *hosts):
        """One check with several steps. A failure shows the state and console of each of HOSTS."""
        began = time.monotonic()
        try:
            yield
        except (
            Failure,
            HostError,
            GuestError,
            OSError,
            ValueError,
            LookupError,
            AttributeError,
        ) as error:
            self.not_ok(
                name, error if isinstance(error, (Failure, HostError, GuestError)) else repr(error)
            )
            for host in hosts:
                self.show(host, host.console_log not in str(error))
        else:
            self.ok(name)
        self.note(f"{time.monotonic() - began:.1f} s")

    def end(self):
        print(
            f"  # {self.passed} passed, {self.failed} failed, "
            f"{time.monotonic() - self.began:.1f} s",
            flush=True,
        )
        sys.exit(1 if self.failed else 0)


def text_of(message):
    """MESSAGE, or what it returns: a function asks the hosts only when its text is needed."""
    return message() if callable(message) else message


def expect(condition, why):
    if not condition:
        raise Failure(text_of(why))


def guest_config(name="guest", memory=64, vcpus=1, extra="wl.off", more=""):
    """An xl configuration. The guest's kernel and initramfs are in every control domain."""
    return (
        f'name = "{name}"\ntype = "pvh"\nkernel = "/guest/vmlinuz"\nramdisk = "/guest/initrd"\n'
        f"memory = {memory}\nmaxmem = {memory}\nvcpus = {vcpus}\n"
        f'extra = "{GUEST_CMDLINE} {extra}"\n'
        f'on_poweroff = "destroy"\non_reboot = "restart"\non_crash = "preserve"\n{more}'
    )


def xl_list(host):
    """{name: (id, memory, vCPUs, state)} of all domains."""
    output = host.run("xl list", timeout=30, check=True).output
    rows = [line.split() for line in output.strip().split("\n")[1:]]
    return {
        row[0]: (int(row[1]), int(row[2]), int(row[3]), row[4]) for row in rows if len(row) >= 6
    }


def free_memory(host):
    """MiB of free memory, from xl info."""
    return int(
        re.search(r"^free_memory\s*:\s*(\d+)", host.run("xl info", check=True).output, re.M)[1]
    )


def wait_until(condition, what, timeout, interval=0.2):
    """Wait until CONDITION() holds; return its value. TIMEOUT: seconds on an idle machine."""
    deadline = pace.Deadline(timeout)
    while not (value := condition()):
        if deadline.over():
            raise Failure(f"{text_of(what)}: not within {timeout} s")
        time.sleep(interval)
    return value


def wait_gone(host, name, timeout=30):
    wait_until(lambda: name not in xl_list(host), f"{name} leaves xl list on {host.name}", timeout)


def console_text(host, name="guest"):
    return host.run(
        f"cat /var/log/xen/console/guest-{name}.log 2>/dev/null", timeout=30
    ).output.replace("\r", "")


def wait_guest_console(host, pattern, timeout, name="guest", count=1):
    """Wait until the guest's console log has COUNT matches of PATTERN."""

    def seen():
        return len(re.findall(pattern, console_text(host, name))) >= count

    try:
        wait_until(seen, f"{pattern!r} on the console of {name}", timeout, 0.5)
    except Failure as failure:
        raise Failure(
            f"{failure}\n" + "\n".join(console_text(host, name).split("\n")[-12:])
        ) from None


def watch_console(name):
    """A shell command that shows the guest's console long enough for one heartbeat."""
    slow = pace.slowdown() / pace.ROOM
    return f"sleep {1.5 * slow:.1f} | timeout {4 * slow:.0f} xl console {name}"
