#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Start emulated hosts (QEMU's virt machine, a hypervisor at EL2, Debian as control domain) and
drive them.

As a library:

    with Host("A", ip="10.0.0.1/24") as host:
        host.wait_ready()
        status, output = host.run("xl list", timeout=20)

As a command (each argument is a command for host A, or for the host that a prefix names; the exit
status is that of the first command that failed):

    host.py [--two] [--xen FILE] [--icount] [--smp N] ... 'xl list' 'B:xl list'

All timeouts are seconds on an idle machine; tools/pace.py stretches them on a busy one.

Commands use a virtio-serial port of their own, which tools/agent.c serves, so console output cannot
disturb them. Host(agent=False) types the commands on the console instead, for a control domain
without virtio. An emulator ends when its Host object stops it, when this process ends in any way,
and on Ctrl-C and SIGTERM.
"""
import argparse
import atexit
import collections
import contextlib
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pace
import uboot

TOP = os.path.relpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
BUILD = os.path.join(TOP, "build")
# Per width: the emulator, its CPUs (the first is the default), the GIC version, more options of the
# machine, the kernel.
Machine = collections.namedtuple("Machine", "emulator cpus gic options kernel")
MACHINES = {
    "arm64": Machine(
        "qemu-system-aarch64",
        ("cortex-a57", "cortex-a72", "neoverse-n1", "max"),
        3,
        "",
        os.path.join(BUILD, "kernel/cloud/vmlinuz"),
    ),
    # A kernel without LPAE cannot access a device above 4 GiB.
    "arm32": Machine(
        "qemu-system-arm",
        ("cortex-a15", "cortex-a7"),
        2,
        ",highmem=off",
        os.path.join(BUILD, "kernel/armmp-lpae/vmlinuz"),
    ),
}
# These CPUs have no AArch32 at EL1, so they run no 32-bit guests.
CPUS_WITHOUT_AARCH32 = ("neoverse-n1",)
CPUS = tuple(cpu for machine in MACHINES.values() for cpu in machine.cpus)
GICS = (2, 3)
# Use the emulator's own algorithm for pointer authentication: the architected one costs most of the
# emulator's time.
CPU_OPTIONS = {"max": "max,pauth-impdef=on"}

RAM_BASE = 0x40000000
# QEMU puts the hypervisor at the start of RAM, and its device tree 128 MiB after that.
MODULES_BASE = RAM_BASE + 0x9000000
MODULE_ALIGN = 0x200000
MIB = 1 << 20

Result = collections.namedtuple("Result", "status output")


class HostError(Exception):
    """A host does not work as expected. The text has the end of its console."""


def default_arch():
    arch = os.environ.get("ARCH") or "arm64"
    if arch not in MACHINES:
        sys.exit(f"ARCH={arch}: must be one of {', '.join(MACHINES)}")
    return arch


def default_gic():
    """$GIC, or None for the machine's default."""
    version = os.environ.get("GIC") or None
    if version not in (None, *map(str, GICS)):
        sys.exit(f"GIC={version}: must be one of {', '.join(map(str, GICS))}")
    return version and int(version)


def default_boot():
    way = os.environ.get("BOOT") or "direct"
    if way not in uboot.WAYS:
        sys.exit(f"BOOT={way}: must be one of {', '.join(uboot.WAYS)}")
    return way


def built(*path, arch=None):
    """The path of a file that make built for a width."""
    return os.path.join(BUILD, arch or default_arch(), *path)


def default_xen(arch=None):
    return os.environ.get("XEN") or built("xen-lite", arch=arch)


def default_images(arch=None):
    return [built("images", name, arch=arch) for name in ("dom0.cpio", "payload.cpio")]


def align_up(value, alignment):
    return (value + alignment - 1) & -alignment


class Command:
    """A command that runs on a host. Iterate over lines() while it runs; then wait()."""

    def __init__(self, host, number, text):
        self.host, self.number, self.text = host, number, text
        self.chunks = queue.Queue()
        self.output = ""
        self.status = None
        self._partial = ""

    def _next(self, deadline):
        """The next piece of output, or None at the end."""
        while self.status is None:
            if deadline.over():
                raise TimeoutError
            try:
                kind, value = self.chunks.get(timeout=1)
            except queue.Empty:
                self.host.check_alive(self.text)
                continue
            if kind == "out":
                self.output += value
                return value
            if kind == "lost":
                raise HostError(self.host.describe(f"ended while running: {self.text}"))
            self.status = value
        return None

    def lines(self, timeout=None):
        deadline = pace.Deadline(timeout)
        try:
            while (piece := self._next(deadline)) is not None:
                *whole, self._partial = (self._partial + piece).split("\n")
                yield from whole
        except TimeoutError:
            self._timed_out(timeout)
        if self._partial:
            yield self._partial
            self._partial = ""

    def wait(self, timeout=None):
        deadline = pace.Deadline(timeout)
        try:
            while self._next(deadline) is not None:
                pass
        except TimeoutError:
            self._timed_out(timeout)
        return Result(self.status, self.output)

    def kill(self):
        self.host.send_frame(f"KILL {self.number}\n".encode())

    def _timed_out(self, timeout):
        with contextlib.suppress(OSError):
            self.kill()
        raise HostError(
            self.host.describe(f"no end within {timeout} s: {self.text}\n{self.output[-2000:]}")
        )


class Host:
    live = set()

    def __init__(
        self,
        name="A",
        *,
        arch=None,
        gic=None,
        xen=None,
        kernel=None,
        images=None,
        ip=None,
        cpu=None,
        smp=1,
        mem=2048,
        dom0_mem=512,
        link=None,
        mac=None,
        mtu=1500,
        icount=False,
        agent=True,
        xen_append="",
        dom0_append="",
        qemu_args=(),
        log_dir=None,
        boot="direct",
        disk=None,
    ):
        """LINK: (own, other) paths of the datagram sockets that connect the two hosts. MEM in MiB.

        BOOT: one of uboot.WAYS. DISK: an existing image for U-Boot, used instead of one with this
        host's files and options.
        """
        self.arch = arch or default_arch()
        self.machine = MACHINES[self.arch]
        self.gic, self.cpu = gic or default_gic() or self.machine.gic, cpu or self.machine.cpus[0]
        if self.cpu not in self.machine.cpus or self.gic not in GICS:
            raise HostError(
                f"host {name}: no {self.arch} machine has CPU {self.cpu} and GICv{self.gic}: "
                f"CPUs are {', '.join(self.machine.cpus)}; GICs are {', '.join(map(str, GICS))}"
            )
        self.name, self.smp, self.mem, self.dom0_mem = name, smp, mem, dom0_mem
        self.xen = xen or default_xen(self.arch)
        self.kernel = kernel or self.machine.kernel
        self.images = list(images or default_images(self.arch))
        self.ip, self.link, self.mtu, self.icount, self.agent = ip, link, mtu, icount, agent
        self.mac = mac or "52:54:00:00:00:%02x" % (ord(name[0]) & 0xFF)
        self.boot, self.disk = boot, disk
        self.xen_append, self.dom0_append, self.qemu_args = xen_append, dom0_append, list(qemu_args)
        self.log_dir = log_dir or os.environ.get("XL_LOG_DIR") or os.path.join(BUILD, "logs")
        self.console_log = os.path.join(self.log_dir, f"{name}-console.log")
        self.process = self._channel = self._console = self._reader = self._qmp = self._dir = None
        self._commands, self._number, self._hello = {}, 0, threading.Event()
        self._send_lock, self._console_text = threading.Lock(), ""
        self.started_at = None

    # --- life of the emulator --------------------------------------------------------------------

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def _initrd(self):
        """Join all images into one file: the kernel unpacks the archives in turn."""
        path = os.path.join(self._dir, "initrd")
        uboot.concatenate(self.images, path)
        return path

    def _layout(self, initrd):
        """Addresses of kernel and initrd: above the hypervisor, and below the end of memory."""
        if os.path.getsize(self.xen) > 0x8000000:
            raise HostError(f"{self.xen} is too large to be a hypervisor")
        kernel_at = MODULES_BASE
        initrd_at = align_up(kernel_at + os.path.getsize(self.kernel), MODULE_ALIGN)
        end = initrd_at + os.path.getsize(initrd)
        # The control domain gets copies of the modules, so it needs its memory in addition to them.
        needed = (end - RAM_BASE) // MIB + self.dom0_mem
        if needed > self.mem:
            raise HostError(
                f"host {self.name}: {self.mem} MiB are too little for images and a control domain "
                f"of {self.dom0_mem} MiB: needs {needed} MiB"
            )
        return kernel_at, initrd_at

    def loader(self, payload):
        """The emulator's arguments that load hypervisor and modules into memory."""
        if self.boot != "direct":
            try:
                return uboot.arguments(self.boot, self.arch, payload, self._dir, self.disk)
            except uboot.BootError as error:
                raise HostError(f"host {self.name}: {error}") from None
        kernel_at, initrd_at = self._layout(payload.initrd)
        return [
            "-kernel",
            payload.xen,
            "-append",
            payload.xen_args,
            "-device",
            f"guest-loader,addr={kernel_at:#x},kernel={payload.kernel},"
            f"bootargs={payload.dom0_args.replace(',', ',,')}",
            "-device",
            f"guest-loader,addr={initrd_at:#x},initrd={payload.initrd}",
            "-nic",
            "none",
        ]

    def command_line(self, console):
        """The emulator's command line. CONSOLE: the arguments that connect the serial port."""
        initrd = self._initrd()
        dom0 = (
            "console=hvc0 panic=-1 nokaslr kpti=0 mitigations=off init_on_alloc=0 "
            f"xen_scrub_pages=0 xl.host={self.name}"
        )
        if self.ip:
            dom0 += f" xl.ip={self.ip} xl.mtu={self.mtu}"
        xen = (
            f"console=dtuart dtuart=/pl011@9000000 dom0_mem={self.dom0_mem}M bootscrub=0 "
            f"loglvl=all guest_loglvl=all {self.xen_append}"
        )
        line = [
            self.machine.emulator,
            "-M",
            f"virt,virtualization=on,gic-version={self.gic}{self.machine.options}",
            "-cpu",
            CPU_OPTIONS.get(self.cpu, self.cpu),
            "-smp",
            str(self.smp),
            "-m",
            str(self.mem),
            "-display",
            "none",
            "-no-reboot",
            *console,
            "-global",
            "virtio-mmio.force-legacy=false",
            *self.loader(
                uboot.Payload(
                    self.xen, self.kernel, initrd, xen.strip(), f"{dom0} {self.dom0_append}".strip()
                )
            ),
        ]
        if self.icount:
            line += ["-icount", "shift=0"]
        if self.link:
            own, other = self.link
            line += [
                "-netdev",
                f"dgram,id=link,local.type=unix,local.path={own},"
                f"remote.type=unix,remote.path={other}",
                "-device",
                f"virtio-net-device,id=nic,netdev=link,mac={self.mac},host_mtu={self.mtu}",
            ]
        if self.agent:
            line += [
                "-device",
                "virtio-serial-device,max_ports=2",
                "-chardev",
                f"socket,id=agent,path={self._dir}/agent",
                "-device",
                "virtserialport,chardev=agent,name=xl.agent",
            ]
        return line + self.qemu_args

    def prepare(self):
        """Create the files that the emulator needs. stop() or cleanup() removes them."""
        for path in (self.xen, self.kernel, *self.images):
            if not os.path.isfile(path):
                raise HostError(f"host {self.name}: no file {path} (see `make help`)")
        self._dir = tempfile.mkdtemp(prefix=f"xl-{self.name}-")

    def cleanup(self):
        if self._dir:
            shutil.rmtree(self._dir, ignore_errors=True)

    def start(self):
        """Start the emulator. It ends with the calling thread, so call this in the main thread."""
        catch_signals()
        self.prepare()
        os.makedirs(self.log_dir, exist_ok=True)
        Host.live.add(self)
        # The emulator connects to sockets that already listen, so no byte of them is lost.
        waiting = {
            what: _listen(os.path.join(self._dir, what))
            for what in (["agent"] if self.agent else []) + ["console", "qmp"]
        }
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.console_log)
        console = [
            "-chardev",
            f"socket,id=console,path={self._dir}/console,logfile={self.console_log}",
            "-serial",
            "chardev:console",
            "-monitor",
            "none",
            "-chardev",
            f"socket,id=qmp,path={self._dir}/qmp",
            "-qmp",
            "chardev:qmp",
        ]
        with open(os.path.join(self.log_dir, f"{self.name}-qemu.log"), "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command_line(console)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started_at = time.monotonic()
        peers = {what: self._accept(listener) for what, listener in waiting.items()}
        self._console, self._qmp = peers["console"], peers["qmp"].makefile("rw")
        self._reader = threading.Thread(target=self._read_console, daemon=True)
        self._reader.start()
        if self.agent:
            self._channel = peers["agent"]
            threading.Thread(target=self._read_channel, daemon=True).start()
        self._qmp_greet()
        return self

    def _accept(self, listener):
        listener.settimeout(0.2)
        try:
            deadline = pace.Deadline(20)
            while not deadline.over():
                try:
                    peer = listener.accept()[0]
                    peer.settimeout(None)
                    return peer
                except socket.timeout:
                    self.check_alive("start")
            raise HostError(f"host {self.name}: the emulator does not connect")
        finally:
            listener.close()

    def stop(self):
        """Kill the emulator, like a power failure."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        Host.live.discard(self)
        for end in (self._channel, self._console):
            if end:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self.cleanup()

    kill = stop

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def check_alive(self, doing):
        if not self.alive():
            raise HostError(
                self.describe(f"the emulator ended ({self.process.returncode}) during: {doing}")
            )

    def pause(self):
        """Stop all CPUs and the machine's clock."""
        self.qmp("stop")

    def resume(self):
        self.qmp("cont")

    def set_link(self, up):
        """Plug or unplug the cable between the hosts. The control domain's driver is notified."""
        self.qmp("set_link", name="nic", up=up)

    def _qmp_greet(self):
        self._qmp.readline()
        self.qmp("qmp_capabilities")

    def qmp(self, command, **arguments):
        self._qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._qmp.flush()
        for line in self._qmp:
            answer = json.loads(line)
            if "error" in answer:
                raise HostError(f"host {self.name}: {command}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]
        raise HostError(self.describe(f"the emulator ended during {command}"))

    # --- console ---------------------------------------------------------------------------------

    def _read_console(self):
        with contextlib.suppress(OSError):
            while data := self._console.recv(65536):
                self._console_text += data.decode(errors="replace")

    def console_text(self):
        return self._console_text

    def console_tail(self, lines=40):
        return "\n".join(self._console_text.replace("\r", "").split("\n")[-lines:])

    def type(self, text):
        """Type on the serial console."""
        self._console.sendall(text.encode())

    def wait_console(self, pattern, timeout, start=0):
        """Wait for a regular expression on the console; returns the match."""
        deadline = pace.Deadline(timeout)
        while not (match := re.search(pattern, self._console_text[start:])):
            if deadline.over():
                raise HostError(
                    self.describe(f"console did not show {pattern!r} within {timeout} s")
                )
            if not self.alive():
                # The reader may not have read the last output yet.
                self._reader.join(2)
                if not re.search(pattern, self._console_text[start:]):
                    self.check_alive(f"waiting for {pattern!r}")
            time.sleep(0.02)
        return match

    def describe(self, what):
        return (
            f"host {self.name}: {what}\n--- end of {self.console_log} ---\n"
            f"{self.console_tail()}\n---"
        )

    # --- commands --------------------------------------------------------------------------------

    def wait_ready(self, timeout=120):
        """Wait until the control domain's daemons are up. Returns the seconds since power-on."""
        if not self.agent:
            self.wait_console(r"init: \S+ is ready", timeout)
            self.console_run("dmesg -n 1; stty -echo")
        else:
            deadline = pace.Deadline(timeout)
            while not self._hello.wait(0.1):
                self.check_alive("boot")
                if deadline.over():
                    raise HostError(
                        self.describe(
                            f"the control domain's agent did not answer within {timeout} s"
                        )
                    )
            self.run("until [ -e /run/ready ]; do sleep 0.02; done", timeout=max(1, deadline.left))
        return time.monotonic() - self.started_at

    def spawn(self, command, stdin=b""):
        """Start a shell command; returns a Command to read lines from."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        text = command.encode()
        with self._send_lock:
            self._number += 1
            started = Command(self, self._number, command)
            self._commands[self._number] = started
        self.send_frame(b"RUN %d %d %d\n" % (started.number, len(text), len(data)) + text + data)
        return started

    def run(self, command, timeout=60, stdin=b"", check=False):
        """Run a shell command: (exit status, output and errors). HostError if it does not end in
        time.
        """
        result = (
            self.spawn(command, stdin).wait(timeout)
            if self.agent
            else self.console_run(command, timeout)
        )
        if check and result.status != 0:
            raise HostError(self.describe(f"status {result.status}: {command}\n{result.output}"))
        return result

    def put(self, path, data, mode=0o644):
        self.run(
            f"cat > {path}.new && chmod {mode:o} {path}.new && mv {path}.new {path}",
            stdin=data,
            check=True,
        )

    def get(self, path):
        return self.run(f"cat {path}", check=True).output

    def console_run(self, command, timeout=60):
        """Run a command by typing it on the console.

        The marks around its output are quoted in the typed text, so its echo does not contain them.
        """
        self._number += 1
        mark = f"{os.getpid()}.{self._number}"
        start = len(self._console_text)
        self.type(f"echo '<<<'{mark}'>>>'; {command}\necho '<<<'{mark}:$?'>>>'\n")
        match = self.wait_console(
            rf"(?s)<<<{re.escape(mark)}>>>\r?\n(.*?)<<<{re.escape(mark)}:(\d+)>>>", timeout, start
        )
        noise = re.compile(r"^(\((XEN|XL)\)|\[ *\d+\.\d+\])")
        kept = [line for line in match[1].replace("\r", "").split("\n") if not noise.match(line)]
        return Result(int(match[2]), "\n".join(kept))

    def send_frame(self, data):
        with self._send_lock:
            self._channel.sendall(data)

    def _read_channel(self):
        stream = self._channel.makefile("rb")
        try:
            for header in stream:
                words = header.split()
                if words[0] == b"HELLO":
                    self._hello.set()
                    continue
                command = self._commands.get(int(words[1]))
                if words[0] == b"OUT":
                    body = stream.read(int(words[2])).decode(errors="replace")
                    if command:
                        command.chunks.put(("out", body))
                elif command:
                    self._commands.pop(command.number, None)
                    command.chunks.put(("exit", int(words[2])))
        except (OSError, ValueError):
            pass
        for command in list(self._commands.values()):
            command.chunks.put(("lost", None))


class Pair:
    """Two connected hosts, A (10.0.0.1) and B (10.0.0.2).

    The arguments are those of Host. The dictionary `b` has those that differ for B.
    """

    def __init__(self, b=None, **arguments):
        self.dir = tempfile.mkdtemp(prefix="xl-link-")
        ends = [os.path.join(self.dir, name) for name in "ab"]
        self.a = Host("A", ip="10.0.0.1/24", link=(ends[0], ends[1]), **arguments)
        self.b = Host("B", ip="10.0.0.2/24", link=(ends[1], ends[0]), **{**arguments, **(b or {})})
        self.hosts = (self.a, self.b)

    def __enter__(self):
        try:
            for host in self.hosts:
                host.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_ready(self, timeout=120):
        return [host.wait_ready(timeout) for host in self.hosts]

    def set_link(self, up):
        for host in self.hosts:
            host.set_link(up)

    def stop(self):
        for host in self.hosts:
            if host.process:
                host.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def _listen(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    return listener


@atexit.register
def stop_all():
    for host in list(Host.live):
        host.stop()


def catch_signals():
    """Let SIGTERM and SIGHUP unwind like Ctrl-C, so that every emulator is stopped."""

    def leave(number, _):
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, leave)


def add_arguments(parser):
    """Add the options that all tools that start hosts have in common."""
    parser.add_argument(
        "--arch",
        default=default_arch(),
        choices=MACHINES,
        help="width of the host (default: $ARCH, else arm64)",
    )
    parser.add_argument(
        "--gic",
        type=int,
        default=default_gic(),
        choices=GICS,
        help="version of the GIC (default: $GIC, else arm64 3, arm32 2)",
    )
    parser.add_argument(
        "--xen", default=None, help="hypervisor image (default: $XEN, else build/ARCH/xen-lite)"
    )
    parser.add_argument("--kernel", default=None, help="the control domain's kernel")
    parser.add_argument(
        "--cpu", default=None, choices=CPUS, help="default: cortex-a57; arm32: cortex-a15"
    )
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--mem", type=int, default=2048, help="MiB per host")
    parser.add_argument("--dom0-mem", type=int, default=512, help="MiB")
    parser.add_argument("--mtu", type=int, default=1500)
    parser.add_argument(
        "--boot",
        default=default_boot(),
        choices=uboot.WAYS,
        help="by QEMU itself, or by U-Boot from a disk or by TFTP " "(default: $BOOT, else direct)",
    )
    parser.add_argument(
        "--icount", action="store_true", help="one virtual nanosecond is one instruction"
    )
    parser.add_argument("--xen-append", default="", help="more options for the hypervisor")
    parser.add_argument(
        "--dom0-append", default="", help="more options for the control domain's kernel"
    )


def host_arguments(args):
    return {
        name: getattr(args, name)
        for name in (
            "arch",
            "gic",
            "xen",
            "kernel",
            "cpu",
            "smp",
            "mem",
            "dom0_mem",
            "mtu",
            "icount",
            "boot",
            "xen_append",
            "dom0_append",
        )
    }


def main():
    parser = argparse.ArgumentParser(description="Run commands on one or two emulated hosts.")
    add_arguments(parser)
    parser.add_argument("--two", action="store_true", help="two hosts, A and B, linked")
    parser.add_argument(
        "--console", action="store_true", help="type the commands on the console, without the agent"
    )
    parser.add_argument(
        "--timeout", type=float, default=120, help="seconds for the boot and for each command"
    )
    parser.add_argument("--log-dir", default=None)
    parser.add_argument("commands", nargs="*", metavar="[HOST:]COMMAND")
    args = parser.parse_args()
    options = dict(host_arguments(args), agent=not args.console, log_dir=args.log_dir)
    failed = 0
    try:
        with Pair(**options) if args.two else Host("A", **options) as up:
            hosts = {host.name: host for host in (up.hosts if args.two else (up,))}
            for host in hosts.values():
                print(f"{host.name}: ready after {host.wait_ready(args.timeout):.1f} s", flush=True)
            for text in args.commands:
                name, command = text.split(":", 1) if re.match(r"[AB]:", text) else ("A", text)
                began = time.monotonic()
                result = hosts[name].run(command, timeout=args.timeout)
                print(
                    f"{name}$ {command}\n{result.output}"
                    f"[{result.status}, {time.monotonic() - began:.2f} s]",
                    flush=True,
                )
                failed = failed or result.status
    except HostError as error:
        sys.exit(f"host.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(failed)


if __name__ == "__main__":
    main()
