#!/usr/bin/env python3
"""The benchmark's own arithmetic, on made-up traces and results. KTAP."""
import json
import os
import struct
import sys
import tempfile
import types

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from benchlib import plan, report, verdict, xentrace  # noqa: E402
from benchlib.profile import Symbols  # noqa: E402
from benchlib.results import Figure, Results  # noqa: E402

ROW = "randread-4k-qd32"


def rec(event, *words, stamped=True):
    head = event | len(words) << 28 | (1 << 31 if stamped else 0)
    return struct.pack("<I", head) + (struct.pack("<Q", 0) if stamped else b"") + struct.pack(f"<{len(words)}I", *words)


def hypercall(number, *args, subcall=False):
    """`args`: (position, value) of the recorded arguments."""
    op = number
    for position, _ in args:
        op |= 1 << (20 + 2 * position)
    return rec(xentrace.TRC_SUBCALL if subcall else xentrace.TRC_HYPERCALL_V2, op, *(v for _, v in args), stamped=not subcall)


def grant(command, count):
    return hypercall(xentrace.GRANT_TABLE_OP, (0, command), (2, count))


def running(domain, cpu=0):
    return rec(xentrace.TRC_CPU_CHANGE, cpu, 0, stamped=False) + rec(xentrace.TRC_SWITCH, 0, 0, domain, 0)


def test_parse_by_domain():
    c = xentrace.parse(running(0) + grant(0, 16) + running(5) + hypercall(32) + hypercall(32)
                       + rec(xentrace.TRC_RUNSTATE | 2 << 8, 0 << 16 | 0) + grant(1, 8))
    assert c.calls[0, 20] == 2 and c.calls[5, 32] == 2
    assert c.grants(0) == 16 and c.grants(1, 0) == 8 and c.grants(1, 5) == 0


def test_parse_subcalls_and_cpus():
    c = xentrace.parse(running(0, 0) + running(3, 1) + hypercall(32, subcall=True)
                       + rec(xentrace.TRC_CPU_CHANGE, 0, 0, stamped=False) + hypercall(32))
    assert c.calls[3, 32] == 1 and c.calls[0, 32] == 1


def test_parse_wide_arguments_and_cut_file():
    wide = rec(xentrace.TRC_HYPERCALL_V2, 20 | 2 << 20 | 1 << 24, 1, 0, 7)
    c = xentrace.parse(running(2) + wide + grant(0, 4)[:-3])
    assert c.grant_ops[2, 1] == 7 and c.calls[2, 20] == 1


def write_results(folder, fast):
    """Two pairs; the second one does its operations in `fast` of the time."""
    lines = ["platform kernel=k null_blk=[a=1 b=2] mode=icount"]
    for pair, share in (("kernel/kernel", 1.0), ("ours/ours", fast)):
        head = f"store=null_blk pair={pair} row={ROW} guest=4"
        lines.append(f"attached store=null_blk pair={pair} persistent=0 queues=1")
        for kind, ops in (("base", 1000), ("full", 8000), ("full", 8000)):
            guest, dom0 = 10 ** 9 + int(ops * 20000 * share), 10 ** 9 + int(ops * 4000 * share)
            lines.append(f"run {head} kind={kind} ops={ops} ios={ops} ms={int(ops * share / 10)} "
                         f"before=[now=1 0=0 4=0] after=[now=2 0={dom0} 4={guest}]")
        for kind, ops in (("base", 1000), ("full", 2000)):
            name = f"{pair.replace('/', '-')}.{kind}"
            with open(os.path.join(folder, "traces", name), "wb") as f:
                f.write(running(0) + grant(0, 32) * (ops // 32) + hypercall(32) * (ops // 10) + running(4) + hypercall(32) * 7)
            lines.append(f"trace {head} kind={kind} ops={ops} file={name}")
    with open(os.path.join(folder, "results"), "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


def made_up(fast=0.4):
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "traces"))
        write_results(folder, fast)
        r = Results(folder)
        return r, r.figures(), report.table(r, r.figures(), []), folder


def test_differences():
    _, figures, _, _ = made_up()
    kernel = {m: f.value for (r, s, p, m), f in figures.items() if p == "kernel/kernel"}
    assert kernel["iops"] == 10000 and kernel["instructions_per_io"] == 12000
    assert kernel["instructions_dom0_per_io"] == 2000 and kernel["instructions_guest_per_io"] == 10000
    assert kernel["events_per_io"] == 0.1 and 0.9 < kernel["grant_ops_per_io"] < 1.1
    assert 0.12 < kernel["hypercalls_per_io"] < 0.14


def test_verdict_says_met_and_missed():
    r, figures, _, _ = made_up(0.4)
    lines = "\n".join(verdict.table(r, figures, []))
    assert "met     4 KiB random, QD32: randread-4k-qd32 on null_blk" in lines and "2.50 x" in lines
    r, figures, _, _ = made_up(0.9)
    assert "missed  4 KiB random, QD32" in "\n".join(verdict.table(r, figures, []))


def test_json():
    r, figures, _, folder = made_up()
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "block.json")
    report.write_json(path, r, figures, [], {"repeat": 2})
    with open(path, encoding="utf-8") as f:
        data = json.load(f)
    os.unlink(path)
    os.rmdir(folder)
    assert data["platform"]["null_blk"] == "a=1 b=2"
    first = data["rows"][0]
    assert {"row", "store", "pair", "metric", "value"} <= set(first)
    assert {"kernel/kernel", "ours/ours"} == {row["pair"] for row in data["rows"]}


def test_counts_alone():
    """As `--only-counts` leaves them: no timed run."""
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "traces"))
        write_results(folder, 1.0)
        r = Results(folder)
        r.runs.clear()
        figures = r.figures()
        assert figures[ROW, "null_blk", "ours/ours", "events_per_io"].value == 0.1
        assert "0.10" in "\n".join(report.table(r, figures, []))


def test_lost_records_leave_doubt():
    r, figures, _, _ = made_up()
    figures[ROW, "null_blk", "ours/ours", "lost_trace_records"] = Figure([7.0])
    r.traces.clear()
    assert "0.10?" in "\n".join(report.table(r, figures, []))
    assert "unsure  events_per_io" in "\n".join(verdict.table(r, figures, []))


def test_failed_checks():
    r, _, _, _ = made_up()
    r.take("check", {"store": "brd", "pair": "ours/ours", "result": "ok"})
    assert not r.failed_checks()
    r.take("check", {"store": "brd", "pair": "ours/kernel", "result": "differ"})
    assert [c["pair"] for c in r.failed_checks()] == ["ours/kernel"]


def test_plot():
    _, figures, _, folder = made_up()
    os.makedirs(folder, exist_ok=True)
    report.write_svg(folder, figures)
    with open(os.path.join(folder, "block.svg"), encoding="utf-8") as f:
        text = f.read()
    os.unlink(os.path.join(folder, "block.svg"))
    os.rmdir(folder)
    assert "<svg" in text and ROW in text and "ours/ours" in text


def test_spread():
    f = Figure([90.0, 100.0, 110.0])
    assert f.value == 100 and f.spread() == 0.1


def test_wakeups_by_owner():
    text = ("  x-1 [000] 1.0: workqueue_execute_start: work struct 0: function tandem_blkback_drain\n"
            "  x-1 [000] 1.0: irq_handler_entry: irq=77 name=vbd-3-51728\n"
            "  x-1 [000] 1.0: irq_handler_entry: irq=78 name=blkif-backend\n"
            "  x-1 [000] 1.0: irq_handler_entry: irq=79 name=timer0\n"
            "  x-1 [000] 1.0: sched_wakeup: comm=1.xvdq-0 pid=9\n"
            "  x-1 [000] 1.0: sched_wakeup: comm=blkback.1.xvdq pid=9\n"
            "  x-1 [000] 1.0: timer_expire_entry: timer=0 function=process_timeout now=1\n")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
        f.write(text)
        f.flush()
        assert sum(report.wakeups(f.name, "ours").values()) == 2
        assert sum(report.wakeups(f.name, "kernel").values()) == 3


def test_symbols():
    with tempfile.NamedTemporaryFile("w") as f:
        f.write("ffffffff81000000 T _text\nffffffff81000100 t one\nffffffff81000200 D data\nffffffffc0000000 t two [m]\n")
        f.flush()
        s = Symbols().read(f.name)
    assert s.find(0xffffffff81000250) == "one" and s.find(0xffffffffc0000010) == "two [m]" and s.find(1) is None


def test_plan():
    opts = types.SimpleNamespace(rows=[ROW], stores=["null_blk", "brd"], pairs=["native", "kernel/kernel"], repeat=3,
                                 only_counts=False, no_counts=False, quick=False, idle="no", idle_vbds=64, idle_seconds=60)
    lines = plan.table(opts).splitlines()
    assert sum(1 for x in lines if x.startswith("cell")) == 6 and lines[-1] == "check\tbrd\tkernel/kernel"
    assert all(len(x.split("\t")) == 9 for x in lines if x.startswith("cell"))


def main():
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_")]
    failed = 0
    print("KTAP version 1")
    print(f"1..{len(tests)}")
    for i, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {i} {name[5:]}")
        except Exception as e:  # noqa: BLE001 - a test may fail in any way
            failed += 1
            print(f"# {type(e).__name__}: {e}\nnot ok {i} {name[5:]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
