"""What is to be reached, and whether it is. A miss is printed; it fails nothing."""
from .report import drivers_share
from .rows import (BLOCK_STORES, EVENTS_AT_QD32, HYPERCALLS_AT_QD32, IDLE_KIB, QD1_RATIO, QD1_SHARE, QD32, RATIOS,
                   ROWS, STORES)

OURS, KERNEL, MIXED = "ours/ours", "kernel/kernel", ("ours/kernel", "kernel/ours")


class Verdict:
    def __init__(self, results, figures, idle):
        self.results, self.figures, self.idle = results, figures, idle
        self.lines = []

    def figure(self, row, store, pair, metric="iops"):
        return self.figures.get((row, store, pair, metric))

    def ratio(self, row, store, pair):
        one, kernel = self.figure(row, store, pair), self.figure(row, store, KERNEL)
        return None if one is None or kernel is None else one.value / kernel.value

    def add(self, what, goal, got, met):
        """`met` is None where the figure cannot be right."""
        word = "unsure" if met is None else "met   " if met else "missed"
        self.lines.append(f"  {word}  {what:58} {goal:>10}  {got}")

    def ratios(self):
        for what, rows, stores, goal in RATIOS:
            for store in stores:
                for row in rows:
                    r = self.ratio(row, store, OURS)
                    if r is not None:
                        self.add(f"{what}: {row} on {store}", f">= {goal:.1f} x", f"{r:.2f} x", r >= goal)

    def qd1(self):
        row = "randread-4k-qd1"
        for store in BLOCK_STORES:
            r = self.ratio(row, store, OURS)
            if r is None:
                continue
            shares = [drivers_share(self.results, self.figures, store, p) for p in (OURS, KERNEL)]
            share = shares[0] / shares[1] if None not in shares and shares[1] > 0 else None
            got = f"{r:.2f} x" + (f", share {share:.2f} of the kernel's" if share is not None else "")
            met = r >= QD1_RATIO or (share is not None and share <= QD1_SHARE)
            self.add(f"QD1: {row} on {store}", f">= {QD1_RATIO} x", got, met)

    def mixed(self):
        for pair in MIXED:
            for store in STORES:
                for row in (r.name for r in ROWS):
                    r = self.ratio(row, store, pair)
                    if r is None:
                        continue
                    slack = self.figure(row, store, pair).spread() + self.figure(row, store, KERNEL).spread()
                    self.add(f"{pair}: {row} on {store}", ">= 1.0 x", f"{r:.3f} x (spread {slack:.3f})", r + slack >= 1)

    def counts(self):
        for store in STORES:
            for row in QD32:
                for metric, goal in (("hypercalls_per_io", HYPERCALLS_AT_QD32), ("events_per_io", EVENTS_AT_QD32)):
                    f, kernel = (self.figure(row, store, p, metric) for p in (OURS, KERNEL))
                    if f is not None:
                        got = f"{f.value:.3f}" + (f" (kernel's {kernel.value:.3f})" if kernel else "")
                        lost = self.figure(row, store, OURS, "lost_trace_records")
                        met = None if lost and lost.high else f.value <= goal
                        self.add(f"{metric}: {row} on {store}", f"<= {goal}", got, met)

    def idles(self):
        for r in self.idle:
            if r["who"] != "ours":
                continue
            goal = IDLE_KIB[r["order"]]
            self.add(f"idle memory per queue, order {r['order']}", f"<= {goal} KiB", f"{r['kib_per_queue']:.1f} KiB",
                     None if r["kib_per_queue"] < 0 else r["kib_per_queue"] <= goal)
            self.add(f"wake-ups per second of {r['vbds']} idle vbds, order {r['order']}", "0",
                     f"{r['wakeups_per_second']:.2f}", r["wakeups_per_second"] == 0)
            self.add(f"threads of its own per vbd, order {r['order']}", "0", f"{r['threads_per_vbd']:.2f}",
                     r["threads_per_vbd"] <= 0)


def table(results, figures, idle):
    v = Verdict(results, figures, idle)
    v.ratios()
    v.qd1()
    v.mixed()
    v.counts()
    v.idles()
    return ["", "to reach (ratios are of iops, to the kernel's pair in the same boot)"] + v.lines if v.lines else []
