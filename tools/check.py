#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""All tests: build with two compilers, static analysis, host tests, a model, fuzzing, scenarios on
emulated hosts.

usage: check.py [-k WORD] [--machine NAME]... [GROUP...]
groups: build lint host model fuzz qemu (default: all)
  -k WORD           only the host tests, searches of the model, fuzz targets and scenarios whose
                    name contains WORD
  --machine NAME    run the scenarios on this machine alone, such as arm32-gicv2, even scenarios
                    that do not name it
  --matrix          run the scenarios on all machines that they name, print a table of the results,
                    and compare the table in docs/status.md with it
  --readme          replace the table in docs/status.md by the results of the last runs
  --timings         at the end, the CPU time of each group and each long job
  --list            print the names of all tests
The last line is `N passed, N failed`; exit status 1 if anything failed. Logs are in build/check/.

All groups run as one graph of jobs. Builds run first. A scenario starts when its images are built
and its place is free: one scenario with two emulators and one with a single emulator run at once.
The scenario with two emulators goes first; all other jobs get the CPU time that it leaves.

A time limit ends a job that hangs. Each limit is stretched by the machine's slowdown
(tools/pace.py), so tests on a busy machine are slower and do not fail.

A host test (tests/host/test_*.c) is a cmocka program; it runs for this machine with sanitizers, and
for arm64 and arm32 under qemu-user. The model's searches (tests/model/run) and a scenario
(tests/qemu/*.py, executable) print `ok NAME` or `not ok NAME - why` lines. The first lines of a
scenario may contain:
  # emulators: 2                        how many it runs at once (default 1)
  # timeout: SECONDS                    on an idle machine (default 300)
  # seconds: SECONDS                    how long it usually takes; the longest start first
  # machines: arm64-gicv3 arm32-gicv2   where it runs, ARCH and GIC in its environment (default
                                        arm64-gicv3)
  # more: arm32-gicv3                   where it runs with --matrix, too
  # shows: WHAT                         its row in the table
"""
import argparse
import collections
import glob
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pace

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
OUT = "build/check"
CPUS = os.cpu_count() or 1
IMAGE_BYTES_MAX = 400 * 1024
FUZZ_SECONDS = 60
HOST_TEST_SECONDS = 180
MODEL_SECONDS = 900
WIDTHS = ("arm64", "arm32")
MACHINES = ("arm64-gicv3", "arm64-gicv2", "arm32-gicv2", "arm32-gicv3")
# A job at this priority gets about a tenth of a CPU that a scenario also uses. When other programs
# compete for the CPUs, that share is too small, so all jobs have the same priority then.
LOW_PRIORITY, LOW_PRIORITY_ROOM = 10, 8
# By lane; 0 where none is named. A guest under test works at a steady rate, so the longer a
# scenario waits for CPU time, the more of it the scenario needs. So the longest lane goes first.
PRIORITY = {"singles": 5, "back": LOW_PRIORITY}
LONG_JOB_S = 10
# The longest host tests, longest first: a long test that starts last would run alone at the end.
LONG_HOST_TESTS = ("test_migrate_loss", "test_migrate_measure", "test_pt", "test_sched",
                   "test_dirty", "test_p2m", "test_vgic")

running = set()
stopping = threading.Event()


class Tally:
    def __init__(self):
        self.passed, self.failed, self.lock = 0, [], threading.RLock()
        self.began = time.monotonic()

    def ok(self, name, note=""):
        with self.lock:
            self.passed += 1
            self.line("ok", name, note)

    def fail(self, name, why="", log=""):
        with self.lock:
            self.failed.append(name)
            self.line("FAILED", name, why)
            if log:
                print("    | " + "\n    | ".join(log.rstrip().split("\n")), flush=True)

    def line(self, verdict, name, note):
        with self.lock:
            print(f"[{time.monotonic() - self.began:6.1f} s] {verdict:<6} {name}" +
                  (f" - {note}" if note else ""), flush=True)


tally = Tally()


class Job:
    """One step of the run. LANE: `front` (alone, on all CPUs), `back` (low priority; WIDTH of the
    CPUs), `pairs` (a scenario with two emulators) or `singles` (one emulator). NEEDS: names of jobs
    that end before it starts. SECONDS: its expected length; the longest starts first."""

    def __init__(self, group, name, work, lane="back", width=1, needs=(), seconds=1.0):
        self.group, self.name, self.work, self.lane, self.width = group, name, work, lane, width
        self.needs, self.seconds, self.cpu, self.wall = set(needs), seconds, 0.0, 0.0


this_job = threading.local()


class Schedule:
    """Run jobs, each in a thread of its own, while their lanes have room."""

    def __init__(self, jobs):
        # Two emulated hosts that migrate wait much, so one more emulator runs beside them. Without
        # such a pair, two single ones run.
        # One more background job than CPUs: a job that needs all of them waits for the others.
        self.room = {"front": 1, "back": CPUS + 1, "pairs": 1, "singles": 1}
        self.waiting = sorted(jobs, key=lambda job: -job.seconds)
        self.names = {job.name for job in jobs}
        self.jobs, self.ended, self.busy = list(jobs), set(), 0
        self.changed = threading.Condition()

    def add(self, jobs):
        """Add jobs that a running job has found."""
        with self.changed:
            self.jobs += jobs
            self.names |= {job.name for job in jobs}
            self.waiting = sorted([*self.waiting, *jobs], key=lambda job: -job.seconds)
            self.changed.notify()

    def next(self):
        full = set()
        for job in self.waiting:
            if (job.needs & self.names) - self.ended or job.lane in full:
                continue
            if self.room[job.lane] >= job.width:
                return job
            # Jobs behind one that needs more room must not overtake it for ever.
            full.add(job.lane)
        return None

    def pairs_are_over(self):
        """The scenarios are known, and none with two emulators waits or runs."""
        return (self.room.get("pairs") == 1 and any(job.lane == "singles" for job in self.jobs)
                and not any(job.lane == "pairs" for job in self.waiting))

    def perform(self, job):
        this_job.job = job
        began = time.monotonic()
        try:
            if not stopping.is_set():
                job.work()
        except Exception as error:      # pylint: disable=broad-except
            tally.fail(job.name, repr(error))
        finally:
            job.wall = time.monotonic() - began
            with self.changed:
                self.room[job.lane] += job.width
                self.ended.add(job.name)
                self.busy -= 1
                self.changed.notify()

    def run(self):
        with self.changed:
            while self.waiting or self.busy:
                if self.pairs_are_over():
                    self.room["singles"] += self.room.pop("pairs")
                job = self.next()
                if job is None:
                    if not self.busy:
                        raise RuntimeError("jobs that wait for each other: " +
                                           ", ".join(job.name for job in self.waiting))
                    self.changed.wait(1)
                    continue
                self.waiting.remove(job)
                self.room[job.lane] -= job.width
                self.busy += 1
                threading.Thread(target=self.perform, args=(job,), daemon=True).start()


def tail(path, lines=40):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return "\n".join(f.read().replace("\r", "").rstrip().split("\n")[-lines:])
    except OSError:
        return ""


def make_nice(pid, priority):
    """Give a session this priority when the kernel schedules each session as a group."""
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as f:
            f.write(str(priority))
    except OSError:
        pass


def wait(process, limit):
    """Return the status of PROCESS, or None when LIMIT (a pace.Deadline) is over; add its CPU time
    to the job's.
    """
    pause = 0.01
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            this_job.job.cpu += usage.ru_utime + usage.ru_stime
            return process.returncode
        if limit.over():
            return None
        time.sleep(pause)
        pause = min(0.2, pause * 1.5)


def execute(command, log, timeout, env=None):
    """Run in a process group of its own; return (status, or None after a timeout; output)."""
    os.makedirs(os.path.dirname(log), exist_ok=True)
    priority = 0 if pace.is_busy() else PRIORITY.get(this_job.job.lane, 0)
    if priority:
        command = ["nice", "-n", str(priority), *command]
    if this_job.job.lane == "back":
        timeout *= LOW_PRIORITY_ROOM
    with open(log, "wb") as out:
        # The child gets SIGTERM when this process ends in any way.
        process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command],
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                   start_new_session=True,
                                   env={**os.environ, "XL_SLOW": f"{pace.slowdown():.2f}",
                                        **(env or {})})
        running.add(process)
        if priority:
            make_nice(process.pid, priority)
        if stopping.is_set():
            stop(process, signal.SIGTERM)
        status = wait(process, pace.Deadline(timeout))
        if status is None:
            # A scenario stops its emulators on SIGTERM; a process that ignores SIGTERM is killed.
            stop(process, signal.SIGTERM)
            if wait(process, pace.Deadline(10)) is None:
                stop(process, signal.SIGKILL)
                wait(process, pace.Deadline(None))
        running.discard(process)
    with open(log, encoding="utf-8", errors="replace") as f:
        return status, f.read()


def stop(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def stop_everything():
    stopping.set()
    for process in list(running):
        stop(process, signal.SIGTERM)


def step(name, command, timeout, lines=40):
    """Run one command that must succeed."""
    log = f"{OUT}/{name.replace(' ', '-').replace('/', '-')}.log"
    began = time.monotonic()
    status, _ = execute(command, log, timeout)
    if status == 0:
        tally.ok(name, f"{time.monotonic() - began:.1f} s")
        return True
    why = "no end in time" if status is None else f"status {status}"
    tally.fail(name, why, tail(log, lines))
    return False


# ------------------------------------------------------------------------------------------------

def gcc_build(arch):
    return f"build {arch} with gcc"


def make(*words, jobs=1):
    return ["make", "--no-print-directory", f"-j{jobs}", *words]


def build(arch):
    step(gcc_build(arch), make(f"ARCH={arch}", "build", "test-guests", jobs=CPUS), 900)
    image = f"build/{arch}/xen-lite"
    if os.path.exists(image):
        size = os.path.getsize(image)
        (tally.ok if size < IMAGE_BYTES_MAX else tally.fail)(f"{image} below 400 KiB",
                                                             f"{size / 1024:.0f} KiB")


def one_step(group, name, command, timeout, lines=40, **options):
    return Job(group, name, lambda: step(name, command, timeout, lines), **options)


def group_build(_):
    """Build the widths in turn: the arm64 payload contains a program of arm32."""
    before = []
    for arch in WIDTHS:
        yield Job("build", gcc_build(arch), lambda arch=arch: build(arch), lane="front",
                  needs=before, seconds=1000)
        before = [gcc_build(arch)]
        yield one_step("build", f"build {arch} with clang", make(f"ARCH={arch}", "build-clang"),
                       900, needs=before, seconds=25)
    yield one_step("build", "build arm32 with arm-none-eabi-gcc", make("ARCH=arm32", "build-bare"),
                   600, needs=before, seconds=16)


def lint(arch, tool):
    commands = f"compile_commands.json of {arch}"
    if tool == "cppcheck" or step(commands, make(f"ARCH={arch}",
                                                 f"build/{arch}/compile_commands.json"), 300):
        step(f"{tool}, {arch}", ["env", f"ARCH={arch}", "tools/lint", tool], 900, 60)


def group_lint(_):
    for arch in WIDTHS:
        yield Job("lint", f"cppcheck, {arch}", lambda arch=arch: lint(arch, "cppcheck"), seconds=10)
        yield Job("lint", f"clang-tidy, {arch}", lambda arch=arch: lint(arch, "clang-tidy"),
                  width=CPUS if arch == "arm64" else 1, needs=[gcc_build(arch)],
                  seconds=80 if arch == "arm64" else 5)
        yield one_step("lint", f"layers, {arch}", make(f"ARCH={arch}", "layers"), 600,
                       needs=[gcc_build(arch)], seconds=5)
    yield one_step("lint", "layout of the C sources", ["tools/lint", "format"], 60, seconds=6)
    yield one_step("lint", "python compiles",
                   [sys.executable, "-m", "compileall", "-q", "tools", "tests"], 60)
    yield one_step("lint", "python tests",
                   [sys.executable, "-m", "unittest", "discover", "-s", "tests/python"], 60)


def run_host_test(program, runner, label):
    log = f"{OUT}/{label.replace('/', '-')}.log"
    # In TAP, cmocka names the tests that passed.
    env = {"CMOCKA_MESSAGE_OUTPUT": "TAP", "ASAN_OPTIONS": "abort_on_error=0",
           "UBSAN_OPTIONS": "print_stacktrace=1"}
    status, output = execute([*runner, program], log, HOST_TEST_SECONDS, env)
    results = re.findall(r"^(not ok|ok) \d+ - (\S+)", output, re.M)
    good = sum(verdict == "ok" for verdict, _ in results)
    with tally.lock:
        tally.passed += good
    for verdict, test in results:
        if verdict != "ok":
            tally.fail(f"{label}: {test}")
    if status == 0 and good == len(results) and results:
        tally.line("ok", label, f"{good} tests")
    elif status is None or status != 0 or not results:
        why = "no end in time" if status is None else \
            f"status {status}, {good} of {len(results)} tests"
        tally.fail(label, why, tail(log))


def host_tests(schedule, flavour, target, runner, names):
    """Build the host tests, then add a job per program. By make -k, the other programs still run
    when one does not build.
    """
    step(f"host tests build ({flavour})", make("-k", target), 600)
    jobs = []
    for name in names:
        program, label = f"build/test-{flavour}/{name}", f"{flavour}/{name}"
        if os.path.exists(program):
            length = LONG_HOST_TESTS.index(name) if name in LONG_HOST_TESTS else 20
            jobs.append(Job("host", label, lambda program=program, label=label:
                            run_host_test(program, runner, label), seconds=30 - length))
    schedule().add(jobs)


def group_host(only, schedule):
    mains = [os.path.basename(path)[:-2] for path in sorted(glob.glob("tests/host/test_*.c"))]
    if not mains:
        tally.fail("host tests", "there are none")
    for flavour, target, runner, arch in (
            ("x86", "host-tests", [], "arm64"),
            ("arm64", "host-tests-arm64",
             ["qemu-aarch64-static", "-L", "build/sysroot/arm64"], "arm64"),
            ("arm32", "host-tests-arm32",
             ["qemu-arm-static", "-L", "build/sysroot/arm32"], "arm32")):
        names = [name for name in mains if only in name]
        yield Job("host", f"host tests ({flavour})",
                  lambda flavour=flavour, target=target, runner=runner:
                  host_tests(schedule, flavour, target, runner, names),
                  needs=[gcc_build(arch)], seconds=60)


def run_model(only):
    """Run tests/model/run. A test is a variant of the model, or a fault that the search must find.
    """
    log, began = f"{OUT}/model.log", time.monotonic()
    status, output = execute(["tests/model/run", "-k", only], log, MODEL_SECONDS)
    results = re.findall(r"^(not ok|ok) (.*)$", output, re.M)
    for verdict, text in results:
        if verdict == "ok":
            with tally.lock:
                tally.passed += 1
        else:
            tally.fail(f"model: {text}")
    if status == 0 and (results or only):
        tally.line("ok", "model", f"{len(results)} tests, {time.monotonic() - began:.1f} s")
    elif status is None or not any(verdict == "not ok" for verdict, _ in results):
        tally.fail("model", "no end in time" if status is None else f"status {status}", tail(log))


def group_model(only):
    yield Job("model", "model", lambda: run_model(only), seconds=200)


def fuzz(only):
    mains = [os.path.basename(path)[:-2] for path in sorted(glob.glob("tests/fuzz/fuzz_*.c"))]
    if not mains:
        tally.fail("fuzz targets", "there are none")
        return
    if not step("fuzz targets build", make("fuzzers"), 600):
        return
    for name in mains:
        if only not in name:
            continue
        corpus, seeds = f"{OUT}/corpus-{name}", f"tests/fuzz/corpus/{name}"
        os.makedirs(corpus, exist_ok=True)
        folders = [corpus] + ([seeds] if os.path.isdir(seeds) else [])
        step(f"fuzz {name}, {FUZZ_SECONDS} s",
             [f"build/test-fuzz/{name}", f"-max_total_time={FUZZ_SECONDS}", "-rss_limit_mb=2048",
              f"-timeout={round(1200 * pace.slowdown())}", "-print_final_stats=1",
              f"-artifact_prefix={OUT}/{name}-", *folders], FUZZ_SECONDS + 120)


def group_fuzz(only):
    yield Job("fuzz", "fuzz", lambda: fuzz(only), needs=[gcc_build("arm64")], seconds=75)


def from_head(path, word, default):
    with open(path, encoding="utf-8") as f:
        match = re.search(rf"^# {word}: *(.*\S)", f.read(2000), re.M)
    return match[1] if match else default


def emulators_of(path):
    return int(from_head(path, "emulators", "1"))


def machines_of(path, matrix):
    machines = from_head(path, "machines", MACHINES[0]).split()
    machines += from_head(path, "more", "").split() if matrix else []
    for unknown in set(machines) - set(MACHINES) - {"-"}:
        tally.fail(path, f"no such machine: {unknown}")
    return [machine for machine in MACHINES if machine in machines]


def run_scenario(path, machine, outcomes):
    name = f"{os.path.basename(path)[:-3]} {machine}"
    folder = f"{OUT}/qemu-{name.replace(' ', '-')}"
    timeout = int(from_head(path, "timeout", "300"))
    arch, gic = machine.split("-gicv")
    began = time.monotonic()
    for stale in glob.glob(f"{folder}/*-console.log"):
        os.unlink(stale)
    status, output = execute([path], f"{folder}/output.log", timeout,
                             {"XL_LOG_DIR": folder, "ARCH": arch, "GIC": gic})
    results = re.findall(r"^(not ok|ok) (.*)$", output, re.M)
    bad = [text for verdict, text in results if verdict == "not ok"]
    with tally.lock:
        tally.passed += len(results) - len(bad)
    for text in bad:
        tally.fail(f"qemu/{name}: {text}")
    if status == 0 and results and not bad:
        tally.line("ok", f"qemu/{name}",
                   f"{len(results)} tests, {time.monotonic() - began:.1f} s")
        outcomes[path, machine] = len(results), 0
        return
    outcomes[path, machine] = len(results) - len(bad), len(bad) or 1
    if not bad:
        why = "no end in time" if status is None else f"status {status}" if results \
            else "printed no results"
        tally.fail(f"qemu/{name}", why)
    with tally.lock:
        for log in [f"{folder}/output.log", *sorted(glob.glob(f"{folder}/*-console.log"))]:
            print(f"    --- end of {log}\n    | " + tail(log).replace("\n", "\n    | "), flush=True)


STATUS = "docs/status.md"
TABLE_BEGIN, TABLE_END = "<!-- printed by tools/check.py -->\n", "<!-- end -->\n"


def machine_table(outcomes, cell):
    """OUTCOMES, {(scenario, machine): (tests passed, failed)}, as a table in Markdown: one row per
    scenario, one column per machine."""
    scenarios = sorted({path for path, _ in outcomes})
    lines = ["| | scenario | " + " | ".join(MACHINES) + " |", "|---|---|" + "---|" * len(MACHINES)]
    for path in scenarios:
        cells = [cell(*outcomes[path, machine]) if (path, machine) in outcomes else ""
                 for machine in MACHINES]
        lines.append(f"| {from_head(path, 'shows', path)} | `{path}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def verdict(_, failed):
    return "fails" if failed else "works"


def remembered():
    try:
        with open(f"{OUT}/outcomes.json", encoding="utf-8") as f:
            return {(path, machine): (passed, failed)
                    for path, machine, passed, failed in json.load(f) if os.path.exists(path)}
    except FileNotFoundError:
        return {}


def remember(outcomes):
    """Keep the outcome of each scenario's last run on each machine."""
    known = {**remembered(), **outcomes}
    with open(f"{OUT}/outcomes.json", "w", encoding="utf-8") as out:
        json.dump([[*run, *came_to] for run, came_to in sorted(known.items())], out, indent=0)


def compare_readme(table):
    """The table in docs/status.md must equal the table of this run."""
    with open(STATUS, encoding="utf-8") as f:
        has = f.read().partition(TABLE_BEGIN)[2].partition(TABLE_END)[0]
    if has == table:
        tally.ok(f"{STATUS}: the table of what runs where")
    else:
        tally.fail(f"{STATUS}: the table of what runs where",
                   "differs from what ran: tools/check.py --readme replaces it")


def update_readme():
    with open(STATUS, encoding="utf-8") as f:
        before, _, rest = f.read().partition(TABLE_BEGIN)
    with open(STATUS, "w", encoding="utf-8") as out:
        out.write(before + TABLE_BEGIN + machine_table(remembered(), verdict) + TABLE_END +
                  rest.partition(TABLE_END)[2])


def group_qemu(only, machines, matrix, outcomes):
    """Yield one job per scenario and machine. Scenarios with more emulators start first."""
    paths = [path for path in sorted(glob.glob("tests/qemu/*.py"))
             if os.access(path, os.X_OK) and only in path]
    runs = [(path, machine) for path in paths for machine in machines or machines_of(path, matrix)]
    if not runs and not only:
        tally.fail("scenarios", "there are none in tests/qemu")
    for path, machine in runs:
        seconds = int(from_head(path, "seconds", from_head(path, "timeout", "300")))
        # A guest of the other width needs that width's build.
        needs = [gcc_build(arch) for arch in WIDTHS if arch in machine or
                 f"{arch}/images" in open(path, encoding="utf-8").read()]
        yield Job("qemu", f"qemu/{os.path.basename(path)[:-3]} {machine}",
                  lambda path=path, machine=machine: run_scenario(path, machine, outcomes),
                  lane="pairs" if emulators_of(path) > 1 else "singles", needs=needs,
                  seconds=1000 + seconds)


def finish_scenarios(outcomes, compare):
    remember(outcomes)
    counts = machine_table(outcomes,
                           lambda passed, failed: f"{failed} failed" if failed else f"{passed} ok")
    print(counts, end="", flush=True)
    with open(f"{OUT}/machines.md", "w", encoding="utf-8") as out:
        out.write(counts)
    if compare:
        compare_readme(machine_table(outcomes, verdict))


GROUPS = ("build", "lint", "host", "model", "fuzz", "qemu")


def print_timings(jobs):
    """Print the CPU time per group and its long jobs."""
    print(f"{'CPU time':>10} {'wall':>8}")
    for group in GROUPS:
        of_group = [job for job in jobs if job.group == group]
        if of_group:
            print(f"{sum(job.cpu for job in of_group):>8.1f} s {'':>8}  {group}")
        for job in sorted(of_group, key=lambda job: -job.wall):
            if max(job.cpu, job.wall) >= LONG_JOB_S:
                print(f"{job.cpu:>8.1f} s {job.wall:>6.1f} s    {job.name}")


def print_time(jobs, before):
    """Print how the time was used. BEFORE: what idle_seconds() returned at the start."""
    lanes = collections.Counter()
    for job in jobs:
        lanes[job.lane] += job.wall * job.width
    print(f"{time.monotonic() - tally.began:.0f} s; {sum(job.cpu for job in jobs):.0f} s of CPU on "
          f"{CPUS} CPUs, which were idle for {idle_seconds() - before:.0f} s; scenarios: "
          f"{lanes['pairs']:.0f} s with two emulators, {lanes['singles']:.0f} s with one")


def idle_seconds():
    """Seconds for which the machine's CPUs were idle since it started, from /proc/stat."""
    with open("/proc/stat", encoding="ascii") as f:
        return int(f.readline().split()[4]) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("-k", dest="only", default="")
    parser.add_argument("--machine", action="append", default=[], choices=MACHINES)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--matrix", action="store_true")
    parser.add_argument("--readme", action="store_true")
    parser.add_argument("--timings", action="store_true")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=" ".join(GROUPS))
    args = parser.parse_args()
    unknown = set(args.groups) - set(GROUPS)
    if unknown:
        parser.error(f"no such group: {' '.join(unknown)}")
    os.chdir(TOP)
    os.environ["PYTHONPYCACHEPREFIX"] = os.path.abspath("build/pycache")
    if args.readme:
        update_readme()
        return
    if args.list:
        print("\n".join(sorted(glob.glob("tests/host/test_*.c") + glob.glob("tests/fuzz/fuzz_*.c") +
                               glob.glob("tests/qemu/*.py"))), flush=True)
        subprocess.run(["tests/model/run", "--list"], check=True)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    groups = args.groups or (["qemu"] if args.matrix else GROUPS)
    outcomes, schedule, idle_before = {}, None, idle_seconds()
    makers = {"build": group_build, "lint": group_lint, "model": group_model, "fuzz": group_fuzz,
              "host": lambda only: group_host(only, lambda: schedule),
              "qemu": lambda only: group_qemu(only, args.machine, args.matrix, outcomes)}
    try:
        schedule = Schedule([job for group in groups for job in makers[group](args.only)])
        schedule.run()
        if "qemu" in groups:
            finish_scenarios(outcomes, args.matrix and not args.only and not args.machine)
    except KeyboardInterrupt:
        tally.fail("interrupted")
    finally:
        stop_everything()
    if args.timings:
        print_timings(schedule.jobs)
    if schedule:
        print_time(schedule.jobs, idle_before)
    if tally.failed:
        print("failed: " + ", ".join(tally.failed))
    print(f"{tally.passed} passed, {len(tally.failed)} failed", flush=True)
    # The threads that still wait for stopped processes are daemon threads, so they need no join.
    sys.exit(1 if tally.failed else 0)


if __name__ == "__main__":
    main()
