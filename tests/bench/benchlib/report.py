"""What people and programs read: tables, the JSON file, the plot."""
import collections
import contextlib
import json
import os
import re
import subprocess

from .results import times
from .rows import COST_NS, ICOUNT_NS, METRICS, PAIRS, ROWS, STORES

# Their functions, threads and interrupts. Ours are called after the device, as vbd-3-51728.
OURS = re.compile(r"tandem|blkback_|blkfront_|name=vbd-\d+-\d+")
THEIRS = re.compile(r"xen_blk|(?<!tandem_)blkback|blkbk|xen_vbd|blkif_|name=blkif-backend|comm=\d+\.\w+-\d+ ")
EVENT = re.compile(r"\s(timer_expire_entry|hrtimer_expire_entry|workqueue_execute_start|irq_handler_entry|sched_wakeup): (.*)")


def in_order(keys):
    """Keys (row, store, pair, ...) as the plan has them."""
    rows = [r.name for r in ROWS]
    return sorted(keys, key=lambda k: (STORES.index(k[1]), rows.index(k[0]), PAIRS.index(k[2])))


def number(value):
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


# idle devices

def wakeups(path, who):
    """Entries of timers, work, interrupts and own threads that belong to the backend."""
    mine = OURS if who == "ours" else THEIRS
    found = collections.Counter()
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            m = EVENT.search(line)
            if m and mine.search(m[2]):
                found[m[1]] += 1
    return found


def idle_figures(results):
    """One dict for each idle row: what a queue of a connected idle vbd costs dom0."""
    rows = []
    for f in results.idle:
        vbds, queues = int(f["vbds"]), int(f["queues"])
        before, after = (dict(w.split("=") for w in f[k].split()) for k in ("before", "after"))
        delta = {k: int(after[k]) - int(before[k]) for k in after}
        foreign = int(f["foreign"]) * 4 if f["foreign"].isdigit() else None
        woken = wakeups(results.trace_path(f["file"]), f["who"])
        rows.append({
            "who": f["who"], "order": int(f["order"]), "vbds": vbds, "queues": queues,
            "kib_per_queue": (delta["used"] - (foreign or 0)) / vbds / queues,
            "slab_kib_per_queue": delta["slab"] / vbds / queues,
            "vmalloc_kib_per_queue": delta["vmalloc"] / vbds / queues,
            "foreign_kib_per_queue": None if foreign is None else foreign / vbds / queues,
            "threads_per_vbd": int(f["threads"]) / vbds,
            "wakeups_per_second": sum(woken.values()) / int(f["seconds"]), "wakeups": dict(woken)})
    return rows


def idle_lines(rows):
    if not rows:
        return []
    lines = ["", "idle, connected devices in dom0 (per queue, in KiB; wake-ups per second of all of them)",
             f"  {'backend':8} {'order':>5} {'vbds':>5} {'all':>8} {'slab':>8} {'vmalloc':>8} {'foreign':>8} "
             f"{'threads/vbd':>12} {'wake-ups/s':>11}"]
    for r in rows:
        foreign = "?" if r["foreign_kib_per_queue"] is None else f"{r['foreign_kib_per_queue']:.1f}"
        lines.append(f"  {r['who']:8} {r['order']:5} {r['vbds']:5} {r['kib_per_queue']:8.1f} {r['slab_kib_per_queue']:8.1f} "
                     f"{r['vmalloc_kib_per_queue']:8.1f} {foreign:>8} {r['threads_per_vbd']:12.2f} "
                     f"{r['wakeups_per_second']:11.2f}  {short(r['wakeups'])}")
    return lines


def short(counter):
    return " ".join(f"{k}={v}" for k, v in counter.items())


# tables

class Cell:
    """One row, store and pair: its figures by metric."""

    def __init__(self, figures, key):
        self.figures = {m: f for (*k, m), f in figures.items() if tuple(k) == key}

    def value(self, metric):
        f = self.figures.get(metric)
        return None if f is None else f.value

    def text(self, metric):
        v = self.value(metric)
        return "-" if v is None else number(v)

    def counted(self, metric):
        """As text, with a mark where the trace has lost records and the count is too low."""
        sure = metric.startswith("instructions") or not self.value("lost_trace_records")
        return self.text(metric) + ("" if sure else "?")

    def busy(self):
        """Share of the time that the CPU spent in the two domains, by the two independent figures."""
        iops, instructions = self.value("iops"), self.value("instructions_per_io")
        return "-" if None in (iops, instructions) else f"{100 * iops * instructions * ICOUNT_NS / 1e9:.0f}%"

    def spread(self, metric):
        f = self.figures.get(metric)
        return "" if f is None else f"±{100 * f.spread():.1f}%"


def cells(figures):
    return {key: Cell(figures, key) for key in in_order({k[:3] for k in figures})}


COLUMNS = [("instructions_dom0_per_io", "dom0"),
           ("instructions_guest_per_io", "guest"), ("hypercalls_per_io", "hyperc/io"), ("events_per_io", "events/io"),
           ("grant_ops_per_io", "grants/io"), ("all_hypercalls_per_io", "all hc/io"), ("modelled_ns_per_io", "model ns")]


def table(results, figures, idle):
    p = results.platform
    lines = [f"Linux {p.get('kernel')}, Xen {p.get('xen')}, {p.get('cpus')} CPU, {p.get('mode')}, {p.get('fio')}",
             f"null_blk: {p.get('null_blk')}"]
    last = None
    for key, cell in cells(figures).items():
        row, store, pair = key
        if (row, store) != last:
            last = (row, store)
            lines += ["", f"{row} on {store}",
                      f"  {'back/front':14} {'iops':>9} {'spread':>7} {'instr/io':>9} {'spread':>7} "
                      + " ".join(f"{t:>9}" for _, t in COLUMNS) + f" {'MB/s':>7} {'busy':>5} {'x kernel':>8}"]
        ratio = ratio_text(figures, key)
        lines.append(f"  {pair:14} {cell.text('iops'):>9} {cell.spread('iops'):>7} "
                     f"{cell.text('instructions_per_io'):>9} {cell.spread('instructions_per_io'):>7} "
                     + " ".join(f"{cell.counted(m):>9}" for m, _ in COLUMNS)
                     + f" {cell.text('mb_per_s'):>7} {cell.busy():>5} {ratio:>8}")
    return lines + floor_lines(results, figures) + detail_lines(results) + idle_lines(idle) + check_lines(results)


def ratio_text(figures, key):
    row, store, pair = key
    ours, kernel = figures.get((*key, "iops")), figures.get((row, store, "kernel/kernel", "iops"))
    if ours is None or kernel is None or pair in ("native", "kernel/kernel"):
        return ""
    return f"{ours.value / kernel.value:.2f}"


def drivers_share(results, figures, store, pair):
    """Nanoseconds of a lone request that are the drivers': pair - floor - native."""
    one, native = (figures.get(("randread-4k-qd1", store, p, "iops")) for p in (pair, "native"))
    if not (one and native and results.pingpong):
        return None
    return 1e9 / one.value - 1e9 / native.value - float(results.pingpong["ns"])


def floor_lines(results, figures):
    if not results.pingpong:
        return []
    p = results.pingpong
    before, after = times(p["before"]), times(p["after"])
    both = sum(after[d] - before[d] for d in ("0", p["guest"]))
    lines = ["", f"QD1 floor: one event there and one back, without drivers: {int(p['ns'])} ns "
                 f"({both / int(p['rounds']) / ICOUNT_NS:.0f} instructions at most)",
             "  one request in ns; drivers' share = pair - floor - native"]
    for store in STORES:
        for pair in PAIRS:
            share = drivers_share(results, figures, store, pair)
            if share is not None and pair != "native":
                one, native = (1e9 / figures["randread-4k-qd1", store, x, "iops"].value for x in (pair, "native"))
                lines.append(f"  {store:12} {pair:14} pair {one:8.0f}  native {native:7.0f}  share {share:8.0f}")
    return lines


def detail_lines(results):
    if not results.traces:
        return []
    lines = ["", "hypercalls for each operation, by domain"]
    for key in in_order(results.traces):
        for domain, calls in results.detail(key).items():
            text = " ".join(f"{k}={v:.2f}" for k, v in sorted(calls.items(), key=lambda kv: -kv[1]))
            lines.append(f"  {key[0]:20} {key[1]:11} {key[2]:14} {domain:5} {text}")
    return lines


def check_lines(results):
    return [""] + [f"checksum of what the guest wrote, {c['store']} {c['pair']}: {c['result']}" for c in results.checks] \
        if results.checks else []


# for programs

def write_json(path, results, figures, idle, options):
    rows = []
    for (row, store, pair, metric), f in figures.items():
        rows.append({"row": row, "store": store, "pair": pair, "metric": metric, "value": round(f.value, 4),
                     "min": round(f.low, 4), "max": round(f.high, 4), "spread": round(f.spread(), 5),
                     "runs": len(f.values)})
    order = {m: i for i, m in enumerate(METRICS)}
    rows.sort(key=lambda r: (STORES.index(r["store"]), r["row"], PAIRS.index(r["pair"]), order.get(r["metric"], 99)))
    platform = dict(results.platform, cost_ns=COST_NS, ns_per_instruction=ICOUNT_NS, repeat=options["repeat"])
    if results.pingpong:
        platform["event_pingpong_ns"] = int(results.pingpong["ns"])
    data = {"platform": platform, "rows": rows, "idle": idle, "checks": results.checks}
    with open(path, "w", encoding="utf-8") as f:
        json.dump(data, f, indent=1)
        f.write("\n")


COLOURS = {"native": "#999999", "kernel/kernel": "#4477aa", "ours/ours": "#cc6677", "ours/kernel": "#ddcc77",
           "kernel/ours": "#88ccee"}


def write_svg(folder, figures):
    """One panel for each store: operations per second of each row by pair, against the kernel's."""
    stores = [s for s in STORES if any(k[1] == s and k[3] == "iops" for k in figures)]
    pairs = [p for p in PAIRS if any(k[2] == p and k[3] == "iops" for k in figures)]
    if not stores:
        return
    data = os.path.join(folder, "block.dat")
    with open(data, "w", encoding="utf-8") as f:
        for store in stores:
            f.write("row " + " ".join(f'"{p}"' for p in pairs) + "\n")
            for row in ROWS:
                values = [figures.get((row.name, store, p, "iops")) for p in pairs]
                if any(values):
                    f.write(f'"{row.name}" ' + " ".join(f"{v.value:.1f}" if v else "NaN" for v in values) + "\n")
            f.write("\n\n")
    plot = os.path.join(folder, "block.svg")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(plot)
    subprocess.run(["gnuplot"], input=svg_script(plot, data, stores, pairs), text=True, check=True)
    os.unlink(data)


def svg_script(path, data, stores, pairs):
    columns = ", ".join(
        f"'{data}' index I using {i + 2}:xtic(1) title '{p}' linecolor rgb '{COLOURS[p]}'" for i, p in enumerate(pairs))
    panels = "\n".join(f"I = {i}\nset title '{s}'\nplot {columns}" for i, s in enumerate(stores))
    return f"""set terminal svg size 1000,{320 * len(stores)} font 'sans,11' background '#ffffff'
set output '{path}'
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set boxwidth 0.9
set grid ytics
set logscale y
set key outside right top
set ylabel 'operations per second'
set xtics rotate by -20 noenhanced
set key noenhanced
set multiplot layout {len(stores)},1
{panels}
unset multiplot
"""
