#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""All tests: build with two compilers, static analysis, host tests, a model, fuzzing, scenarios on emulated hosts.

usage: check.py [-k WORD] [--machine NAME]... [GROUP...]      groups: build lint host model fuzz qemu (default: all, in this order)
  -k WORD     only the host tests, searches of the model, fuzz targets and scenarios whose name contains WORD
  --machine NAME    the scenarios on this machine alone, such as arm32-gicv2, even if they do not name it
  --list      name what would run
The last line is `N passed, N failed`; exit status 1 if anything failed. Logs are in build/check/.

A host test (tests/host/test_*.c) is a cmocka program; it runs for this machine with sanitizers, and for arm64 and arm32
under qemu-user. The model's searches (tests/model/run) and a scenario (tests/qemu/*.py, executable) print `ok NAME` or
`not ok NAME - why` lines; a scenario may say in its first lines `# emulators: 2` (how many it runs at once; default 1),
`# timeout: SECONDS` (default 300) and `# machines: arm64-gicv3 arm32-gicv2` (on which it runs, ARCH and GIC in its
environment say which; default arm64-gicv3), `# more: arm32-gicv3` (on which it runs with --matrix, too), and `# shows: WHAT`.
  --matrix    the scenarios, on all machines that they name. What ran on which machine is a table at the end; docs/status.md has
              it from there, and is compared with it
  --readme    put the table of the last run of each into docs/status.md
"""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
OUT = "build/check"
EMULATORS_MAX = 2
IMAGE_BYTES_MAX = 400 * 1024
FUZZ_SECONDS = 60
HOST_TEST_SECONDS = 120
HOST_TESTS_AT_ONCE = 2
MODEL_SECONDS = 900
JOBS = "-j2"
WIDTHS = ("arm64", "arm32")
MACHINES = ("arm64-gicv3", "arm64-gicv2", "arm32-gicv2", "arm32-gicv3")

running = set()


class Tally:
    def __init__(self):
        self.passed, self.failed, self.lock, self.began = 0, [], threading.Lock(), time.monotonic()

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
        print(f"[{time.monotonic() - self.began:6.1f} s] {verdict:<6} {name}" + (f" - {note}" if note else ""), flush=True)


tally = Tally()


def tail(path, lines=40):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return "\n".join(f.read().replace("\r", "").rstrip().split("\n")[-lines:])
    except OSError:
        return ""


def execute(command, log, timeout, env=None):
    """Run in a process group of its own; (status or None when it ran out of time, output)."""
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "wb") as out:
        # The group dies with us in whatever way we end.
        process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True, env={**os.environ, **(env or {})})
        running.add(process)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            # A scenario stops its emulators on SIGTERM; what is deaf to that is killed.
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            status = None
        finally:
            running.discard(process)
    with open(log, encoding="utf-8", errors="replace") as f:
        return status, f.read()


def step(name, command, timeout, lines=40):
    """One command that has to succeed."""
    log = f"{OUT}/{name.replace(' ', '-').replace('/', '-')}.log"
    began = time.monotonic()
    status, _ = execute(command, log, timeout)
    if status == 0:
        tally.ok(name, f"{time.monotonic() - began:.1f} s")
        return True
    tally.fail(name, f"no end within {timeout} s" if status is None else f"status {status}", tail(log, lines))
    return False


# ----------------------------------------------------------------------------------------------------------------------

def group_build(_):
    for arch in WIDTHS:
        step(f"build {arch} with gcc", ["make", JOBS, f"ARCH={arch}", "build", "test-guests"], 900)
        image = f"build/{arch}/xen-lite"
        if os.path.exists(image):
            size = os.path.getsize(image)
            (tally.ok if size < IMAGE_BYTES_MAX else tally.fail)(f"{image} below 400 KiB", f"{size / 1024:.0f} KiB")
        step(f"build {arch} with clang", ["make", JOBS, f"ARCH={arch}", "build-clang"], 900)
    step("build arm32 with arm-none-eabi-gcc", ["make", JOBS, "ARCH=arm32", "build-bare"], 600)


def group_lint(_):
    for arch in WIDTHS:
        if not step(f"compile_commands.json of {arch}", ["make", f"ARCH={arch}", f"build/{arch}/compile_commands.json"], 300):
            continue
        for tool in ("cppcheck", "clang-tidy"):
            step(f"{tool}, {arch}", ["env", f"ARCH={arch}", "tools/lint", tool], 900, 60)
        step(f"layers, {arch}", ["make", JOBS, f"ARCH={arch}", "layers"], 600)
    step("python compiles", [sys.executable, "-m", "compileall", "-q", "tools", "tests"], 60)
    step("python tests", [sys.executable, "-m", "unittest", "discover", "-s", "tests/python"], 60)


def run_host_test(program, runner, label):
    log = f"{OUT}/{label.replace('/', '-')}.log"
    # cmocka says in TAP which of its tests passed.
    env = {"CMOCKA_MESSAGE_OUTPUT": "TAP", "ASAN_OPTIONS": "abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
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
        why = "no end" if status is None else f"status {status}, {good} of {len(results)} tests"
        tally.fail(label, why, tail(log))


def group_host(only):
    mains = [os.path.basename(path)[:-2] for path in sorted(glob.glob("tests/host/test_*.c"))]
    if not mains:
        tally.fail("host tests", "there are none")
    for flavour, target, runner in (("x86", "host-tests", []),
                                    ("arm64", "host-tests-arm64", ["qemu-aarch64-static", "-L", "build/sysroot/arm64"]),
                                    ("arm32", "host-tests-arm32", ["qemu-arm-static", "-L", "build/sysroot/arm32"])):
        # -k: what does not build must not keep the rest from running.
        step(f"host tests build ({flavour})", ["make", JOBS, "-k", target], 600)
        built = [name for name in mains if only in name and os.path.exists(f"build/test-{flavour}/{name}")]
        pool = concurrent.futures.ThreadPoolExecutor(HOST_TESTS_AT_ONCE)
        try:
            list(pool.map(lambda name: run_host_test(f"build/test-{flavour}/{name}", runner, f"{flavour}/{name}"), built))
        except BaseException:
            stop_everything()
            raise
        finally:
            pool.shutdown(cancel_futures=True)      # on Ctrl-C nothing more is begun


def group_model(only):
    """Each variant of the model, and each fault that the search must find, is a test (tests/model/run)."""
    log, began = f"{OUT}/model.log", time.monotonic()
    status, output = execute(["tests/model/run", "-k", only], log, MODEL_SECONDS)
    results = re.findall(r"^(not ok|ok) (.*)$", output, re.M)
    for verdict, text in results:
        if verdict == "ok":
            tally.passed += 1
        else:
            tally.fail(f"model: {text}")
    if status == 0 and (results or only):
        tally.line("ok", "model", f"{len(results)} tests, {time.monotonic() - began:.1f} s")
    elif status is None or not any(verdict == "not ok" for verdict, _ in results):
        tally.fail("model", f"no end within {MODEL_SECONDS} s" if status is None else f"status {status}", tail(log))


def group_fuzz(only):
    mains = [os.path.basename(path)[:-2] for path in sorted(glob.glob("tests/fuzz/fuzz_*.c"))]
    if not mains:
        tally.fail("fuzz targets", "there are none")
        return
    if not step("fuzz targets build", ["make", JOBS, "fuzzers"], 600):
        return
    for name in mains:
        if only not in name:
            continue
        corpus, seeds = f"{OUT}/corpus-{name}", f"tests/fuzz/corpus/{name}"
        os.makedirs(corpus, exist_ok=True)
        folders = [corpus] + ([seeds] if os.path.isdir(seeds) else [])
        step(f"fuzz {name}, {FUZZ_SECONDS} s", [f"build/test-fuzz/{name}", f"-max_total_time={FUZZ_SECONDS}", "-rss_limit_mb=2048",
                                               "-print_final_stats=1", f"-artifact_prefix={OUT}/{name}-", *folders],
             FUZZ_SECONDS + 120)


def said(path, word, default):
    with open(path, encoding="utf-8") as f:
        match = re.search(rf"^# {word}: *(.*\S)", f.read(2000), re.M)
    return match[1] if match else default


def emulators_of(path):
    return min(int(said(path, "emulators", "1")), EMULATORS_MAX)


def machines_of(path, matrix):
    machines = said(path, "machines", MACHINES[0]).split() + (said(path, "more", "").split() if matrix else [])
    for unknown in set(machines) - set(MACHINES) - {"-"}:
        tally.fail(path, f"no such machine: {unknown}")
    return [machine for machine in MACHINES if machine in machines]


def run_scenario(path, machine):
    name = f"{os.path.basename(path)[:-3]} {machine}"
    folder = f"{OUT}/qemu-{name.replace(' ', '-')}"
    timeout = int(said(path, "timeout", "300"))
    arch, gic = machine.split("-gicv")
    began = time.monotonic()
    for stale in glob.glob(f"{folder}/*-console.log"):
        os.unlink(stale)
    status, output = execute([path], f"{folder}/output.log", timeout, {"XL_LOG_DIR": folder, "ARCH": arch, "GIC": gic})
    results = re.findall(r"^(not ok|ok) (.*)$", output, re.M)
    bad = [text for verdict, text in results if verdict == "not ok"]
    with tally.lock:
        tally.passed += len(results) - len(bad)
    for text in bad:
        tally.fail(f"qemu/{name}: {text}")
    if status == 0 and results and not bad:
        tally.line("ok", f"qemu/{name}", f"{len(results)} tests, {time.monotonic() - began:.1f} s")
        return len(results), 0
    if not bad:
        why = f"no end within {timeout} s" if status is None else f"status {status}" if results else "said nothing"
        tally.fail(f"qemu/{name}", why)
    with tally.lock:
        for log in [f"{folder}/output.log", *sorted(glob.glob(f"{folder}/*-console.log"))]:
            print(f"    --- end of {log}\n    | " + tail(log).replace("\n", "\n    | "), flush=True)
    return len(results) - len(bad), len(bad) or 1


STATUS = "docs/status.md"
TABLE_BEGIN, TABLE_END = "<!-- printed by tools/check.py -->\n", "<!-- end -->\n"


def machine_table(outcomes, cell):
    """OUTCOMES: {(scenario, machine): (tests passed, failed)}, as a table in Markdown: a row a scenario, a column a machine."""
    scenarios = sorted({path for path, _ in outcomes})
    lines = ["| | scenario | " + " | ".join(MACHINES) + " |", "|---|---|" + "---|" * len(MACHINES)]
    for path in scenarios:
        cells = [cell(*outcomes[path, machine]) if (path, machine) in outcomes else "" for machine in MACHINES]
        lines.append(f"| {said(path, 'shows', path)} | `{path}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def verdict(_, failed):
    return "fails" if failed else "works"


def remembered():
    try:
        with open(f"{OUT}/outcomes.json", encoding="utf-8") as f:
            return {(path, machine): (passed, failed) for path, machine, passed, failed in json.load(f) if os.path.exists(path)}
    except FileNotFoundError:
        return {}


def remember(outcomes):
    """What each scenario came to on each machine when it last ran."""
    known = {**remembered(), **outcomes}
    with open(f"{OUT}/outcomes.json", "w", encoding="utf-8") as out:
        json.dump([[*run, *came_to] for run, came_to in sorted(known.items())], out, indent=0)


def compare_readme(table):
    """The status page's table of what runs where is the one that is printed."""
    with open(STATUS, encoding="utf-8") as f:
        has = f.read().partition(TABLE_BEGIN)[2].partition(TABLE_END)[0]
    if has == table:
        tally.ok(f"{STATUS}: the table of what runs where")
    else:
        tally.fail(f"{STATUS}: the table of what runs where", "is not what ran: tools/check.py --readme puts that there")


def update_readme():
    with open(STATUS, encoding="utf-8") as f:
        before, _, rest = f.read().partition(TABLE_BEGIN)
    with open(STATUS, "w", encoding="utf-8") as out:
        out.write(before + TABLE_BEGIN + machine_table(remembered(), verdict) + TABLE_END + rest.partition(TABLE_END)[2])


def group_qemu(only, machines=(), matrix=False):
    """Scenarios side by side, the larger ones first, never more emulators at once than there is room for."""
    paths = [path for path in sorted(glob.glob("tests/qemu/*.py")) if os.access(path, os.X_OK) and only in path]
    waiting = [(path, machine) for path in paths for machine in machines or machines_of(path, matrix)]
    if not waiting and not only:
        tally.fail("scenarios", "there are none in tests/qemu")
    waiting.sort(key=lambda run: -emulators_of(run[0]))
    room, changed, threads, outcomes = [EMULATORS_MAX], threading.Condition(), [], {}

    def work(run, weight):
        try:
            outcomes[run] = run_scenario(*run)
        finally:
            with changed:
                room[0] += weight
                changed.notify()

    for run in waiting:
        weight = emulators_of(run[0])
        with changed:
            while room[0] < weight:
                changed.wait(1)
            room[0] -= weight
        threads.append(threading.Thread(target=work, args=(run, weight)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    remember(outcomes)
    counts = machine_table(outcomes, lambda passed, failed: f"{failed} failed" if failed else f"{passed} ok")
    print(counts, end="", flush=True)
    with open(f"{OUT}/machines.md", "w", encoding="utf-8") as out:
        out.write(counts)
    if matrix and not only and not machines:
        compare_readme(machine_table(outcomes, verdict))


GROUPS = {"build": group_build, "lint": group_lint, "host": group_host, "model": group_model, "fuzz": group_fuzz, "qemu": group_qemu}


def batches(names):
    """One group after the other, but for two that keep one CPU busy each."""
    names = list(names)
    while names:
        both = ["model", "fuzz"]
        taken = both if names[:2] == both else names[:1]
        names = names[len(taken):]
        yield taken


def stop_everything():
    for process in list(running):
        try:
            os.killpg(process.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", dest="only", default="")
    parser.add_argument("--machine", action="append", default=[], choices=MACHINES)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--matrix", action="store_true")
    parser.add_argument("--readme", action="store_true")
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
        print("\n".join(sorted(glob.glob("tests/host/test_*.c") + glob.glob("tests/fuzz/fuzz_*.c") + glob.glob("tests/qemu/*.py"))), flush=True)
        subprocess.run(["tests/model/run", "--list"], check=True)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for names in batches(args.groups or (["qemu"] if args.matrix else GROUPS)):
            threads = [threading.Thread(target=GROUPS[name], args=(args.only,)) for name in names[1:]]
            for thread in threads:
                thread.start()
            if names[0] == "qemu":
                group_qemu(args.only, args.machine, args.matrix)
            else:
                GROUPS[names[0]](args.only)
            for thread in threads:
                thread.join()
    except KeyboardInterrupt:
        tally.fail("interrupted")
    finally:
        stop_everything()
    if tally.failed:
        print("failed: " + ", ".join(tally.failed))
    print(f"{tally.passed} passed, {len(tally.failed)} failed", flush=True)
    sys.exit(1 if tally.failed else 0)


if __name__ == "__main__":
    main()
