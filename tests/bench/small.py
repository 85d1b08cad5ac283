#!/usr/bin/env python3
"""The benchmark itself, small: one row, two pairs, one store. KTAP."""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
OUT = os.path.join(ROOT, "build", "bench")
ROW, STORE, PAIRS = "randread-4k-qd32", "brd", ("kernel/kernel", "ours/ours")
METRICS = ("iops", "instructions_per_io", "hypercalls_per_io", "events_per_io", "grant_ops_per_io")


def measure():
    command = [os.path.join(ROOT, "scripts", "bench"), "--rows", ROW, "--stores", STORE, "--pairs", " ".join(PAIRS),
               "--repeat", "1", "--idle", "no"]
    with tempfile.TemporaryFile("w+") as log:
        status = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
        log.seek(0)
        return status, log.read()


def read_rows():
    with open(os.path.join(OUT, "block.json"), encoding="utf-8") as f:
        data = json.load(f)
    return data, {(r["row"], r["store"], r["pair"], r["metric"]): r["value"] for r in data["rows"]}


def cases(status, log):
    """(name, holds)"""
    yield "it ends well", status == 0
    data, rows = read_rows()
    for pair in PAIRS:
        yield f"{pair}: every metric has a row", all((ROW, STORE, pair, m) in rows for m in METRICS)
        yield f"{pair}: operations were done, and cost something", \
            rows[ROW, STORE, pair, "iops"] > 0 and rows[ROW, STORE, pair, "instructions_per_io"] > 0
    yield "the guest's data is dom0's, through each pair", \
        sorted(c["pair"] for c in data["checks"]) == sorted(PAIRS) and all(c["result"] == "ok" for c in data["checks"])
    yield "kept mappings: no grant operation for a request of ours", rows[ROW, STORE, "ours/ours", "grant_ops_per_io"] == 0
    yield "the platform is told", bool(data["platform"].get("kernel") and data["platform"].get("xen"))
    yield "a table, and what is to be reached", f"{ROW} on {STORE}" in log and "to reach" in log
    yield "a plot", os.path.exists(os.path.join(OUT, "block.svg"))


def main():
    status, log = measure()
    print("KTAP version 1")
    nr = bad = 0
    try:
        for nr, (name, holds) in enumerate(cases(status, log), 1):
            bad += not holds
            print(f"{'ok' if holds else 'not ok'} {nr} {name}")
    except (OSError, KeyError, ValueError) as e:
        nr, bad = nr + 1, bad + 1
        print(f"# {type(e).__name__}: {e}\nnot ok {nr} there are results")
    if bad:
        print("".join(f"# {line}\n" for line in log.splitlines()[-40:]), end="")
    print(f"1..{nr}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
