#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 1
# timeout: 240
# seconds: 70
# shows: `xlm dirty-rate`
"""xlm dirty-rate on a guest whose workload rewrites a known number of pages per second.

The figures must be those of the workload, and dirty logging must be off afterwards.
"""
import json
import os
import re
import xml.etree.ElementTree as xml

from scenario import pace, BUILD, GuestLog, Host, Tap, expect, guest_config, wait_until, xl_list

GUEST = "guest"
MEMORY_MIB = 64
FILL_MIB, SET_MIB, WRITE_MIB_S = 16, 8, 4
WORKLOAD = f"wl.mem={FILL_MIB} wl.ws={SET_MIB} wl.mbps={WRITE_MIB_S} wl.verify=4"
# Pages that are written in addition to the workload's: its stack and counters, the kernel's own,
# the rings of the console and of the store.
REST_PAGES = 250
# Tolerances, as parts of the rate that the workload reports. On a busy machine the workload runs
# unevenly and its heartbeats do not match the measured interval closely, so only the order of
# magnitude is checked.
TOLERANCE, TOLERANCE_BUSY = 0.15, 0.7
BUSY = 2.5  # pace.slowdown()
PAGES_PER_MIB = 256
KILLED = 137
WAIT_XLMD = (
    "n=0; until xlm version > /dev/null 2>&1 || [ $n = 3000 ]; do sleep 0.1; n=$((n+1)); done"
)


def events(output):
    return [json.loads(line) for line in output.split("\n") if line.startswith("{")]


def logs(host, name=GUEST):
    """Whether the hypervisor logs the guest's dirty pages, from the report of debug key 'p'."""
    dump = host.run("xl debug-keys p; xl dmesg | tail -n 40", check=True).output
    line = re.findall(rf"d{xl_list(host)[name][0]} p2m:.*", dump)
    expect(line, f"no line of the guest's p2m in: {dump[-500:]}")
    return "not logging" not in line[-1]


def beat(host):
    log = GuestLog(host, GUEST)
    log.position = int(host.run(f"wc -c < {log.path}").output)
    return log.wait(lambda _: True, "a heartbeat", 20)


def left_alone(host):
    """The guest runs, its memory is intact, and its pages are not logged."""
    expect(not logs(host), "the dirty log is still on")
    expect(
        not set(xl_list(host)[GUEST][3]) & set("psdc"),
        lambda: f"the guest's state is {xl_list(host)[GUEST][3]}",
    )
    expect(beat(host)["errors"] == 0, "bad pages")
    left = host.run("ls /var/lib/xen-lite/migrations 2>/dev/null").output.split()
    expect(not left, f"journals left: {left}")


def in_background(host, ending, options="--interval-ms 200 --seconds 60"):
    """Run ENDING (a shell command; $! is xlm) during a measurement; return xlm's status, output."""
    answer = host.run(
        f"xlm dirty-rate {options} {GUEST} > /tmp/rate 2>&1 & "
        f"n=0; until grep -q 'pages,' /tmp/rate || [ $n = 3000 ]; do sleep 0.1; n=$((n+1)); done; "
        f"xl debug-keys p; xl dmesg | grep 'p2m:.*, logging' | tail -n 1; {ending}; "
        "wait $!; echo status $?; cat /tmp/rate",
        timeout=60,
    )
    expect(
        re.search("p2m:.*, logging", answer.output),
        f"dirty logging was not on: {answer.output[-600:]}",
    )
    return int(re.search(r"status (\d+)", answer.output)[1]), answer.output


def near(value, wanted, what, slack=0.0):
    tolerance = TOLERANCE if pace.slowdown() < BUSY else TOLERANCE_BUSY
    expect(
        wanted * (1 - tolerance) <= value <= wanted / (1 - tolerance) + slack,
        f"{what}: {value:.1f}, not about {wanted:.1f}",
    )


def measured(tap, host):
    before = beat(host)
    answer = host.run(
        f"xlm dirty-rate --json --seconds 6 --mbps 40 --histogram {GUEST}", timeout=40
    )
    after = beat(host)
    expect(answer.status == 0, f"status {answer.status}: {answer.output[-300:]}")
    found = events(answer.output)
    done = found[-1]
    wrote = (after["written"] - before["written"]) / ((after["ct"] - before["ct"]) / after["cf"])
    tap.note(
        f"the workload wrote {wrote:.0f} pages/s; "
        f"measured {done['pages']:.0f} in {done['interval_ms']:.0f} ms, working set "
        f"{done['working_set_pages']}; "
        + ", ".join(f"{p['pages']:.0f} in {p['ms']:.0f} ms" for p in done["rates"])
    )
    intervals = [event for event in found if event["event"] == "interval"]
    expect(len(intervals) == 6 == done["intervals"], f"{len(intervals)} intervals")
    near(done["pages"] / done["interval_ms"] * 1000, wrote, "pages/s", REST_PAGES)
    near(done["working_set_pages"], SET_MIB * PAGES_PER_MIB, "working set", REST_PAGES)
    # The workload writes its whole set every 2 s. A longer interval has no more distinct pages.
    two, all_of_it = (
        min(done["rates"], key=lambda point: abs(point["ms"] - ms)) for ms in (2000, 6000)
    )
    near(all_of_it["pages"], two["pages"], "pages in 6 s and in 2 s", REST_PAGES)
    # A tenth of an interval has a tenth of the workload's pages, and the pages of REST_PAGES.
    tenth = done["rates"][1]
    near(tenth["pages"], wrote * tenth["ms"] / 1000, f"pages in {tenth['ms']:.0f} ms", REST_PAGES)
    return found


def regions(found):
    histogram = [event for event in found if event["event"] == "histogram"][0]
    bars = histogram["regions"]
    expect(
        sum(bar["pages"] for bar in bars) == MEMORY_MIB * PAGES_PER_MIB,
        "the regions are not the guest's memory",
    )
    expect(len(bars) == MEMORY_MIB // 2, f"{len(bars)} regions of 2 MiB")
    near(
        sum(bar["written"] for bar in bars),
        found[-1]["working_set_pages"],
        "pages written, by region",
    )
    expect(
        all(bar["written"] <= bar["writes"] <= 6 * bar["written"] for bar in bars),
        "more writes than there can be",
    )


def forecast(tap, found):
    done, told = found[-1], found[-1]["forecast"]
    tap.note(f"forecast at 40 MiB/s: {told}")
    expect(
        told["converges"] and told["mib_s_from"] == "given" and told["mib_s"] == 40,
        f"unexpected forecast: {told}",
    )
    data_mib = done["data_pages"] / PAGES_PER_MIB
    expect(FILL_MIB < data_mib <= MEMORY_MIB, f"{data_mib} MiB of data")
    expect(
        data_mib / 40 * 1000 < told["total_ms"] < 2 * (data_mib + SET_MIB) / 40 * 1000 + 500,
        "the total does not follow from the data",
    )
    expect(60 <= told["downtime_ms"] <= 300 and 1 <= told["rounds"] <= 5, "rounds, downtime")


def plotted(host):
    host.run(
        f"xlm dirty-rate --seconds 1 --histogram /tmp/plot.svg {GUEST}", timeout=20, check=True
    )
    picture = host.run("cat /tmp/plot.svg", check=True).output
    with open(os.path.join(BUILD, "dirty-rate.svg"), "w", encoding="utf-8") as out:
        out.write(picture)
    root = xml.fromstring(picture)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    expect(f'Memory written by "{GUEST}", by region of 2 MiB' in texts, f"texts: {texts}")
    expect("0x40000000" in texts and "guest-physical address" in texts, f"texts: {texts}")
    expect(
        len(list(root.iter("{http://www.w3.org/2000/svg}rect"))) > 3 + 8,
        "the plot has too few bars",
    )


def ends(tap, host):
    with tap.case("Ctrl-C: xlm prints what it has measured, and dirty logging is off", host):
        status, said = in_background(host, "kill -INT $!")
        expect(
            status == 3 and "working set" in said and "forecast" in said, f"status {status}: {said}"
        )
        left_alone(host)
    with tap.case("xlm is killed: dirty logging is off", host):
        status, said = in_background(host, "kill -KILL $!")
        expect(status == KILLED, f"status {status}: {said}")
        wait_until(lambda: not logs(host), "dirty logging is off", 5)
        left_alone(host)
    with tap.case("xlmd ends by SIGTERM: dirty logging is off before xlmd ends", host):
        status, said = in_background(
            host, "killall xlmd; while pidof xlmd > /dev/null; do sleep 0.02; done"
        )
        expect(status == 3 and "xlmd is shutting down" in said, f"status {status}: {said}")
        left_alone(host)
    with tap.case("xlmd is killed: the next xlmd turns dirty logging off", host):
        host.run(WAIT_XLMD)
        status, said = in_background(host, "killall -9 xlmd")
        expect(status == 5, f"status {status}: {said}")
        host.run(WAIT_XLMD)
        left_alone(host)
    with tap.case("the guest is destroyed during a measurement: xlm reports the reason", host):
        status, said = in_background(host, f"xl destroy {GUEST}")
        expect(
            status == 1 and re.search("the guest is gone|is being destroyed", said),
            f"status {status}: {said}",
        )
        expect("ok" in host.run("xlm status", check=True).output, "xlmd does not answer")


def main():
    tap = Tap()
    with Host("A", mem=1024, dom0_mem=384) as host:
        host.wait_ready()
        with tap.case("the guest starts its workload", host):
            host.put("/root/guest.cfg", guest_config(GUEST, memory=MEMORY_MIB, extra=WORKLOAD))
            host.run("xl create /root/guest.cfg", timeout=60, check=True)
            GuestLog(host, GUEST).wait(
                lambda line: line["filled"] == line["pages"] and line["written"] > 0,
                "its workload",
                60,
            )
        found = []
        with tap.case("the measured rate and working set are the workload's", host):
            found = measured(tap, host)
            left_alone(host)
        if found:
            with tap.case("the histogram's regions add up", host):
                regions(found)
            with tap.case("the forecast follows from the measurement", host):
                forecast(tap, found)
        with tap.case("the plot is an SVG", host):
            plotted(host)
        ends(tap, host)
    tap.end()


if __name__ == "__main__":
    main()
