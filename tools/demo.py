#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The demonstration: a Debian guest with a memory workload migrates from host A to host B and back.

usage: demo.py [--check-variables]

Variables (environment or make) are listed in VARIABLES. Writes build/demo/report.json, whose fields
are in docs/report.md, and build/demo/rounds.svg.
Exit status: 0 the guest is whole and back on A; 1 a failure, named; 2 a variable has an invalid
value; 130 Ctrl-C; 143 SIGTERM.
"""
import datetime
import json
import os
import re
import runpy
import sys
import time

import chart
import host as hosts
from guestlog import GuestError, GuestLog, blackout_ms, parse, write_rate
from host import HostError, Pair

OUT = os.path.join(hosts.BUILD, "demo")
GUEST = "guest"
DOM0_MEM = 512
WATCH_S = 10
# The guest's blackout may exceed twice the downtime by this, and still be the same event.
PLAUSIBLE_SLACK_MS = 150

VARIABLES = """ARCH          arm64 (default), arm32: the width of the hosts
GIC           version of the hosts' interrupt controller: 2, 3 (3; arm32: 2)
GUEST_ARCH    arm64, arm32: the width of the guest ($ARCH); arm64 hosts run both
GUEST_MEM     the guest's memory, MiB, 64 to 1024 (256)
VCPUS         1 to 8 (2)
DIRTY_MBPS    MiB that the guest rewrites per second, 0 to 200 (4)
WORKING_SET   MiB that the guest rewrites, 1 to half of GUEST_MEM (32; small guest: a quarter)
GUEST_KERNEL  Linux kernel for the guest (Debian's, of that width)
CPU           cortex-a57, cortex-a72, neoverse-n1, max; arm32: cortex-a15, cortex-a7 (the first)
SMP           CPUs of each host, 1 to 8 (1)
LINK_MTU      bytes, 576 to 65000 (1500)
XEN           hypervisor image (build/$ARCH/xen-lite)
BOOT          who loads the hypervisor: direct (QEMU; default), uboot (U-Boot, from a disk), tftp"""


class BadVariable(Exception):
    pass


class DemoError(Exception):
    pass


def number(name, default, least, most, kind=int):
    text = os.environ.get(name, "")
    if text == "":
        return default
    try:
        value = kind(text)
    except ValueError:
        raise BadVariable(
            f"{name}={text}: not {'a whole number' if kind is int else 'a number'}") from None
    if not least <= value <= most:
        raise BadVariable(f"{name}={text}: must be from {least} to {most}")
    return value


def fill_mib(guest_mem):
    """MiB that the workload fills: the kernel and its initramfs need the rest."""
    return max(4, int((guest_mem - 56) * 0.72))


def takes_kernel(arch, head):
    """Whether HEAD begins a file that xl accepts as a kernel of that width."""
    if arch == "arm32":
        return head[36:40] == b"\x18\x28\x6f\x01"      # a zImage
    # A raw Image, or one that is compressed by gzip.
    return head[56:60] == b"ARM\x64" or head[:2] == b"\x1f\x8b"


def guest_kernel(arch):
    path = os.environ.get("GUEST_KERNEL")
    if not path:
        return hosts.MACHINES[arch].kernel
    if not os.path.isfile(path):
        raise BadVariable(f"GUEST_KERNEL={path}: no such file")
    with open(path, "rb") as f:
        if not takes_kernel(arch, f.read(64)):
            kind = "zImage" if arch == "arm32" else "Image"
            raise BadVariable(f"GUEST_KERNEL={path}: not a Linux {kind} for {arch}")
    return path


def guest_arch(arch, cpu):
    guest = os.environ.get("GUEST_ARCH") or arch
    if guest not in hosts.MACHINES:
        raise BadVariable(f"GUEST_ARCH={guest}: must be one of {', '.join(hosts.MACHINES)}")
    if guest != arch and (arch == "arm32" or cpu in hosts.CPUS_WITHOUT_AARCH32):
        raise BadVariable(f"GUEST_ARCH={guest}: {cpu} cannot run such guests")
    return guest


def host_cpu(arch):
    cpus = hosts.MACHINES[arch].cpus
    cpu = os.environ.get("CPU") or cpus[0]
    if cpu not in cpus:
        raise BadVariable(f"CPU={cpu}: must be one of {', '.join(cpus)}")
    return cpu


def read_variables():
    arch = hosts.default_arch()
    cpu = host_cpu(arch)
    guest = guest_arch(arch, cpu)
    guest_mem = number("GUEST_MEM", 256, 64, 1024)
    fill = fill_mib(guest_mem)
    half = guest_mem // 2
    default_ws = min(32, guest_mem // 4)
    values = {
        "arch": arch,
        "gic": hosts.default_gic() or hosts.MACHINES[arch].gic,
        "guest_mem_mib": guest_mem,
        "vcpus": number("VCPUS", 2, 1, 8),
        "dirty_mbps": number("DIRTY_MBPS", 4.0, 0, 200, float),
        "working_set_mib": number("WORKING_SET", default_ws, 1, half),
        "guest_arch": guest,
        "guest_kernel": guest_kernel(guest),
        "cpu": cpu,
        "smp": number("SMP", 1, 1, 8),
        "link_mtu": number("LINK_MTU", 1500, 576, 65000),
        "xen": hosts.default_xen(),
        "boot": hosts.default_boot(),
    }
    values["working_set_mib"] = min(values["working_set_mib"], fill)
    values["fill_mib"] = fill
    if os.environ.get("XEN") and not os.path.isfile(values["xen"]):
        raise BadVariable(f"XEN={values['xen']}: no such file")
    return values


def list_guests(host):
    """(name, state) of each domain except the control domain, by `xl list`."""
    lines = host.run("xl list", check=True).output.splitlines()[1:]
    return [(words[0], words[4])
            for words in map(str.split, lines)
            if len(words) >= 5 and words[1] != "0"]


class Demo:
    def __init__(self, values):
        self.values = values
        self.began = time.monotonic()
        now = datetime.datetime.now().astimezone()
        self.report = {"schema": 1, "result": "failed", "error": None,
                       "started": now.isoformat(timespec="seconds"), "seconds": None,
                       "parameters": values, "boot_ms": {}, "create_ms": None, "tcp_mib_s": None,
                       "tcp_beside_guest_mib_s": None, "migrations": []}
        # A pass over all pages takes some five seconds, so ten seconds contain a whole one.
        self.verify_mbps = max(32, min(128, values["fill_mib"] // 4))

    def say(self, text):
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", flush=True)

    def run(self):
        values = self.values
        mem = hosts.align_up(DOM0_MEM + values["guest_mem_mib"] + 640, 256)
        pair = Pair(arch=values["arch"],
                    gic=values["gic"],
                    xen=values["xen"],
                    boot=values["boot"],
                    cpu=values["cpu"],
                    smp=values["smp"],
                    mem=mem,
                    dom0_mem=DOM0_MEM,
                    mtu=values["link_mtu"],
                    log_dir=OUT,
                    dom0_append="xl.quiet",
                    images=[
                        hosts.built("images/dom0.cpio", arch=values["arch"]),
                        hosts.built("images/payload.cpio", arch=values["guest_arch"])
                    ])
        self.say(f"starting hosts A and B: {values['smp']} x {values['cpu']}, GICv{values['gic']}, "
                 f"{mem} MiB, {os.path.basename(values['xen'])} at EL2")
        with pair:
            try:
                self.scenario(pair)
            except (DemoError, GuestError, HostError):
                self.show_logs(pair)
                raise

    def scenario(self, pair):
        for host, seconds in zip(pair.hosts, pair.wait_ready(timeout=120)):
            self.report["boot_ms"][host.name] = round(seconds * 1e3)
            self.say(f"{host.name}: control domain ready, {seconds:.1f} s after power-on")
        self.report["tcp_mib_s"] = self.measure_tcp(pair, "plain TCP from A to B")
        self.create_guest(pair.a)
        rate = self.measure_tcp(pair, "the same while the guest runs")
        self.report["tcp_beside_guest_mib_s"] = rate
        self.say("migrating the guest from A to B")
        self.move(pair, pair.a, pair.b)
        self.attach_console(pair.b)
        self.say("migrating it back, from B to A")
        self.move(pair, pair.b, pair.a)

    def measure_tcp(self, pair, what):
        pair.b.run("netbench serve >/dev/null 2>&1 &", check=True)
        mib = 32
        pair.a.run("until netbench send 10.0.0.2 1; do sleep 0.1; done", timeout=30, check=True)
        answer = pair.a.run(f"netbench send 10.0.0.2 {mib}", timeout=60, check=True).output
        pair.b.run("killall netbench")
        rate = json.loads(answer)["mib_s"]
        self.say(f"{what}: {rate:.1f} MiB/s")
        return rate

    def create_guest(self, host):
        values = self.values
        make_config = runpy.run_path(os.path.join(hosts.TOP, "tools/mkimage-guest"))["guest_config"]
        extra = (f"wl.mem={values['fill_mib']} wl.ws={values['working_set_mib']} "
                 f"wl.mbps={values['dirty_mbps']:g} wl.verify={self.verify_mbps}")
        host.put("/etc/xen/demo.cfg",
                 make_config(GUEST, values["guest_mem_mib"], values["vcpus"], extra))
        self.say(f"A: xl create: {values['guest_arch']}, {values['guest_mem_mib']} MiB, "
                 f"{values['vcpus']} vCPUs, rewriting {values['dirty_mbps']:g} MiB/s of "
                 f"{values['working_set_mib']} MiB")
        began = time.monotonic()
        host.run("xl create /etc/xen/demo.cfg", timeout=60, check=True)
        log = GuestLog(host, GUEST)
        log.wait(lambda beat: True, "the workload's first heartbeat", timeout=60, interval=0.1)
        self.report["create_ms"] = round((time.monotonic() - began) * 1e3)
        beat = log.wait(lambda beat: beat["filled"] == beat["pages"],
                        "filling its memory",
                        timeout=120)
        self.say(f"A: guest filled {beat['pages']} pages ({beat['pages'] / 256:.0f} MiB), "
                 f"its clock {beat['t']:.1f} s")
        # One whole pass before the migration: damage that is found later was done by the migration.
        log.wait(lambda now: now["passes"] > beat["passes"], "verifying its memory", timeout=90)
        time.sleep(2)
        self.log = log

    def move(self, pair, source, target):
        before = self.log
        before.poll()
        start_seq = before.last()["seq"]
        # Earlier visits of the guest to this host are in the same log.
        after = GuestLog(target, GUEST)
        size = target.run(f"wc -c < {after.path} 2>/dev/null || echo 0").output
        after.position = int(size.split()[-1])
        move = {
            "from": source.name, "to": target.name, "result": "failed", "error": None, "rounds": []
        }
        self.report["migrations"].append(move)
        self.migrate(source, target, move)
        self.exactly_one(pair, target)
        first = after.wait(lambda beat: True, "a heartbeat after the migration", timeout=30)
        before.poll()
        if first["seq"] <= start_seq:
            raise DemoError(f"the guest on {target.name} was restarted, not migrated")
        self.say(f"{target.name}: the guest runs; watching it for {WATCH_S} s")
        self.watch(after, move)
        self.exactly_one(pair, target)
        recent = [beat for beat in before.beats if beat["seq"] > start_seq - 15]
        self.conclude(move, recent, start_seq, after.beats)
        self.log = after

    def migrate(self, source, target, move):
        address = target.ip.split("/")[0]
        command = source.spawn(f"xlm migrate --json --progress {GUEST} {address}")
        done, other = None, []
        for line in command.lines(timeout=150):
            try:
                event = json.loads(line)
                kind = event["event"]
            except (ValueError, KeyError, TypeError):
                other.append(line)
                continue
            if kind == "round":
                self.show_round(event)
            elif kind == "done":
                done = event
        status = command.wait(30).status
        if done:
            move.update({key: value for key, value in done.items() if key != "event"})
        if status != 0 or not done or done.get("result") != "ok":
            move["result"] = move["result"] if move["result"] != "ok" else "failed"
            move["error"] = ((done or {}).get("error") or "\n".join(other[-5:]) or
                             f"xlm ended with status {status}")
            raise DemoError(f"xlm migrate from {source.name} to {target.name}: {move['error']}")

    def show_round(self, event):
        def value(name, form, missing="?"):
            known = isinstance(event.get(name), (int, float))
            return form.format(event[name]) if known else missing
        self.say(f"  round {value('round', '{:>2}')}: {value('pages', '{:>6}')} pages, "
                 f"{value('dirty', '{:>6}')} dirty, {value('mib_s', '{:6.1f}')} MiB/s, "
                 f"{value('ms', '{:6.0f}')} ms, downtime now {value('eta_ms', '{:.0f}')} ms")

    def exactly_one(self, pair, expected):
        """Check that the guest runs on EXPECTED and exists nowhere else.

        A copy that is being destroyed gets some time.
        """
        for tries in range(10):
            places = [(host, *entry) for host in pair.hosts for entry in list_guests(host)]
            running = [host.name for host, _, state in places if not re.search("[pscd]", state)]
            if len(running) != 1 or len(places) == 1 or tries == 9:
                break
            time.sleep(0.3)
        listing = "; ".join(f"{host.name}: {name} {state}"
                            for host, name, state in places) or "no guest anywhere"
        if len(running) > 1:
            raise DemoError(f"the guest runs on both hosts ({listing})")
        if not running:
            raise DemoError(f"the guest runs on neither host ({listing})")
        if len(places) > 1:
            raise DemoError(f"a second copy of the guest was left behind ({listing})")
        host, name, _ = places[0]
        if host is not expected or name != GUEST:
            raise DemoError(f"the guest should run on {expected.name} as {GUEST} ({listing})")

    def watch(self, log, move):
        """Watch the guest for ten seconds at least, until two passes over its pages have ended.

        The second pass began after the migration, so it verified every page on the new host.
        """
        first, began = log.last(), time.monotonic()
        longest = WATCH_S + 4 * self.values["fill_mib"] / self.verify_mbps + 60

        def enough(beat):
            return (beat["passes"] >= first["passes"] + 2 and
                    time.monotonic() - began >= WATCH_S)
        log.wait(enough, "verifying all pages after the migration", timeout=longest, interval=0.5)
        last = log.last()
        move["verified_pages"] = last["verified"] - first["verified"]
        move["verified_s"] = round(time.monotonic() - began, 1)
        move["guest_errors"] = last["errors"]
        if self.values["dirty_mbps"] and last["written"] <= first["written"]:
            raise GuestError(f"guest on {log.host.name}: it does not write any more")

    def conclude(self, move, source_beats, start_seq, target_beats):
        earlier = [beat for beat in source_beats if beat["seq"] <= start_seq]
        during = [beat for beat in source_beats if beat["seq"] >= start_seq]
        move["guest_blackout_ms"] = blackout_ms(source_beats, target_beats)
        for name, beats in (("before", earlier), ("during", during)):
            rate = write_rate(beats)
            move[f"guest_write_mbps_{name}"] = None if rate is None else round(rate, 2)
        round_ms = sum(entry.get("ms", 0) for entry in move["rounds"])
        sent = move.get("bytes_sent") or 0
        move["goodput_mib_s"] = round(sent / 2**20 / (round_ms / 1e3), 1) if round_ms else None
        downtime, blackout = move.get("downtime_ms"), move["guest_blackout_ms"]
        move["blackout_plausible"] = None
        if downtime is not None and blackout is not None:
            most = downtime * 2 + PLAUSIBLE_SLACK_MS
            move["blackout_plausible"] = downtime * 0.5 - 20 <= blackout <= most

    def attach_console(self, host):
        """Check that `xl console` shows new heartbeats on the guest's new host."""
        seen = self.log.last()["seq"]
        console = host.spawn(f"sleep 20 | xl console {GUEST}")
        for line in console.lines(timeout=15):
            beat = parse(line)
            if beat and beat["seq"] > seen:
                console.kill()
                self.say(f"{host.name}: console attached: guest's clock {beat['t']} s, "
                         f"heartbeat {beat['seq']}, {beat['verified']} pages verified, "
                         f"{beat['errors']} errors")
                return
        raise DemoError(f"xl console on {host.name} showed no heartbeat: {console.output[-500:]}")

    def show_logs(self, pair):
        for host in pair.hosts:
            print(host.describe("the end of its console"), file=sys.stderr)
            if host.alive():
                try:
                    logs = host.run("xl list; tail -n 15 /var/log/xlmd.log; xl dmesg | tail -n 15; "
                                    f"tail -n 5 /var/log/xen/console/guest-{GUEST}.log",
                                    timeout=10)
                    print(logs.output, file=sys.stderr)
                except HostError:
                    print(f"host {host.name} does not answer any more", file=sys.stderr)

    def write_report(self):
        self.report["seconds"] = round(time.monotonic() - self.began, 1)
        os.makedirs(OUT, exist_ok=True)
        with open(os.path.join(OUT, "report.json"), "w", encoding="utf-8") as f:
            json.dump(self.report, f, indent=2)
            f.write("\n")
        with open(os.path.join(OUT, "rounds.svg"), "w", encoding="utf-8") as f:
            f.write(chart.rounds_svg(self.report))

    def summary(self):
        def show(value, form):
            return "-" if value is None else form.format(value)
        rows = [("", lambda m: f"{m['from']} to {m['to']}"),
                ("rounds", lambda m: str(len(m["rounds"]))),
                ("pages sent, zero",
                 lambda m: f"{show(m.get('pages_sent'), '{}')}, {show(m.get('zero_pages'), '{}')}"),
                ("MiB sent",
                 lambda m: show(m.get("bytes_sent") and m["bytes_sent"] / 2**20, "{:.1f}")),
                ("total, ms", lambda m: show(m.get("total_ms"), "{:.0f}")),
                ("downtime, hosts, ms", lambda m: show(m.get("downtime_ms"), "{:.0f}")),
                ("downtime, guest, ms", lambda m: show(m.get("guest_blackout_ms"), "{:.0f}")),
                ("goodput, MiB/s", lambda m: show(m.get("goodput_mib_s"), "{:.1f}")),
                ("plain TCP, with guest and without",
                 lambda m: f"{show(self.report['tcp_beside_guest_mib_s'], '{:.1f}')}, "
                 f"{show(self.report['tcp_mib_s'], '{:.1f}')}"),
                ("guest writes before, during, MiB/s",
                 lambda m: f"{show(m.get('guest_write_mbps_before'), '{:.1f}')}, "
                 f"{show(m.get('guest_write_mbps_during'), '{:.1f}')}"),
                ("pages verified after", lambda m: show(m.get("verified_pages"), "{}")),
                ("errors in memory", lambda m: show(m.get("guest_errors"), "{}"))]
        print()
        for title, cell in rows:
            print(f"  {title:<36}" +
                  "".join(f"{cell(move):>18}" for move in self.report["migrations"]))
        for move in self.report["migrations"]:
            if move.get("blackout_plausible") is False:
                print(f"  note: {move['from']} to {move['to']}: the guest's blackout does not "
                      "agree with the hosts' downtime")
        print(f"\n  report: {OUT}/report.json   chart: {OUT}/rounds.svg")


def main():
    try:
        values = read_variables()
    except BadVariable as error:
        print(f"demo: {error}\nThe variables are:\n{VARIABLES}", file=sys.stderr)
        sys.exit(2)
    if sys.argv[1:] == ["--check-variables"]:
        return
    demo = Demo(values)
    status = 1
    try:
        demo.run()
        demo.report["result"] = "ok"
        status = 0
    except (DemoError, GuestError) as error:
        demo.report["error"] = str(error)
        print(f"demo: FAILED: {error}", file=sys.stderr)
    except HostError as error:
        # The first line is enough: the end of the console has been shown.
        demo.report["error"] = str(error).split("\n", maxsplit=1)[0]
        print(f"demo: FAILED: {demo.report['error']}", file=sys.stderr)
    except KeyboardInterrupt:
        demo.report["error"] = "interrupted"
        print("demo: interrupted", file=sys.stderr)
        status = 130
    except SystemExit as stop:
        # SIGTERM: the emulators have ended already.
        demo.report["error"] = "terminated"
        status = stop.code
    demo.write_report()
    if status in (0, 1):
        demo.summary()
    if status == 0:
        print(
            f"demo: ok, the guest went to B and back with 0 errors, {demo.report['seconds']:.0f} s")
    sys.exit(status)


if __name__ == "__main__":
    main()
