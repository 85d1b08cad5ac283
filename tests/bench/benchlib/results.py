"""From what dom0 wrote down to figures: one per row, store, pair and metric."""
import collections
import os
import re
import shlex
import statistics

from .rows import COST_NS, ICOUNT_NS, row_named
from .xentrace import COPY, EVENT_CHANNEL_OP, GRANT_TABLE_OP, HYPERCALLS, MAP, REPLACE, UNMAP, parse_file

PAGE = 4096


class Figure:
    """The median of some runs, and how far apart they were."""

    def __init__(self, values):
        self.values = values
        self.value = statistics.median(values)
        self.low, self.high = min(values), max(values)

    def spread(self):
        """Half the distance between the extremes, relative to the median."""
        return (self.high - self.low) / 2 / self.value if self.value else 0.0


def fields(line):
    """`kind a=1 b=[x y]` as ("kind", {...})."""
    kind, _, rest = line.strip().partition(" ")
    found = re.findall(r"(\w+)=(\[[^\]]*\]|\S*)", rest)
    return kind, {k: v.strip("[]") for k, v in found}


def times(text):
    """`now=N 0=NS 3=NS` as a dict with the domain numbers as keys."""
    return {k: int(v) for k, v in (word.split("=") for word in shlex.split(text))}


class Results:
    def __init__(self, folder):
        self.folder = folder
        self.platform, self.attached, self.idle = {}, {}, []
        self.runs = collections.defaultdict(list)
        self.traces, self.checks, self.pingpong, self.profile = {}, [], None, None
        with open(os.path.join(folder, "results"), encoding="utf-8", errors="replace") as f:
            for line in f:
                self.take(*fields(line))

    def take(self, kind, f):
        if kind == "platform":
            self.platform = f
        elif kind == "attached":
            self.attached[f["store"], f["pair"]] = f
        elif kind == "run":
            self.runs[f["row"], f["store"], f["pair"]].append(f)
        elif kind == "trace":
            self.traces.setdefault((f["row"], f["store"], f["pair"]), {"base": [], "full": []})[f["kind"]].append(f)
        elif kind == "check":
            self.checks.append(f)
        elif kind == "idle":
            self.idle.append(f)
        elif kind == "pingpong":
            self.pingpong = f
        elif kind == "profile":
            self.profile = f

    def trace_path(self, name):
        return os.path.join(self.folder, "traces", name)

    def figures(self):
        """{(row, store, pair, metric): Figure}, in the order of the plan."""
        found = {}
        for key in dict.fromkeys([*self.runs, *self.traces]):
            values = self.timed(self.runs[key]) if key in self.runs else {}
            for metric, more in self.counted(key).items() if key in self.traces else ():
                values[metric] = more
            for metric, some in values.items():
                found[(*key, metric)] = Figure(some)
        return found

    def failed_checks(self):
        return [c for c in self.checks if c["result"] != "ok"]

    def timed(self, runs):
        """Metrics of one cell's timed runs. What a run costs apart from its
        operations is in the base run too, so it drops out of the difference."""
        base = [r for r in runs if r["kind"] == "base"][-1]
        full = [r for r in runs if r["kind"] == "full"]
        size = row_named(runs[0]["row"]).size
        values = collections.defaultdict(list)
        for run in full:
            ios, seconds = int(run["ios"]), int(run["ms"]) / 1000
            values["iops"].append(ios / seconds)
            if size >= 1 << 20:
                values["mb_per_s"].append(ios * size / seconds / 1e6)
            more = ios - int(base["ios"])
            dom0 = (used(run, "0") - used(base, "0")) / more
            guest = (used(run, run["guest"]) - used(base, run["guest"])) / more
            values["instructions_per_io"].append((dom0 + guest) / ICOUNT_NS)
            values["instructions_dom0_per_io"].append(dom0 / ICOUNT_NS)
            if run["guest"] != "none":
                values["instructions_guest_per_io"].append(guest / ICOUNT_NS)
        return values

    def counted(self, key):
        """Metrics of one cell's runs under xentrace, a list of values for each."""
        (base,), full = self.traces[key]["base"], self.traces[key]["full"]
        zero = parse_file(self.trace_path(base["file"]))
        values = collections.defaultdict(list)
        for run in full:
            more = int(run["ops"]) - int(base["ops"])
            counts = parse_file(self.trace_path(run["file"]))
            for metric, value in self.counts_of(key, counts, zero, int(run["guest"]), more).items():
                values[metric].append(value)
        return values

    def counts_of(self, key, counts, zero, guest, ops):
        row, _, pair = key
        doms = (0, guest)

        def per_io(what, *args):
            """A count of both domains, the base run's taken off."""
            return max(0.0, sum(what(counts, *args, d) - what(zero, *args, d) for d in doms)) / ops

        def calls(c, number, domain):
            return c.total(number, domain)

        def grants(c, command, domain):
            return c.grants(command, domain)

        grant_calls, events = per_io(calls, GRANT_TABLE_OP), per_io(calls, EVENT_CHANNEL_OP)
        ops_by = {c: per_io(grants, c) for c in (MAP, UNMAP, COPY, REPLACE)}
        unmap_calls = sum(counts.grant_calls[d, UNMAP] - zero.grant_calls[d, UNMAP] for d in doms) / ops
        found = {
            "hypercalls_per_io": grant_calls + events,
            "events_per_io": events,
            "grant_ops_per_io": sum(ops_by.values()),
            "all_hypercalls_per_io": per_io(calls, None),
            "grant_hypercalls_per_io": grant_calls,
            "maps_per_io": ops_by[MAP], "unmaps_per_io": ops_by[UNMAP] + ops_by[REPLACE],
            "copies_per_io": ops_by[COPY],
            "lost_trace_records": float(counts.lost + zero.lost)}
        found["bytes_copied_per_io"] = self.bytes_copied(key, row, pair, ops_by[COPY])
        found["modelled_ns_per_io"] = modelled(found, unmap_calls)
        return found

    def bytes_copied(self, key, row, pair, copies):
        """Grant copies move at most a page each; with kept mappings the frontend
        copies every byte once."""
        size = row_named(row).size
        moved = min(copies * PAGE, size) if copies else 0.0
        if self.attached.get((key[1], pair), {}).get("persistent") == "1" and not copies:
            moved += size
        return float(moved)

    def detail(self, key):
        """Who makes which hypercalls, per operation: {domain: {name: count}}."""
        base, full = (self.traces[key][k][0] for k in ("base", "full"))
        ops = int(full["ops"]) - int(base["ops"])
        zero, counts = (parse_file(self.trace_path(t["file"])) for t in (base, full))
        found = {}
        for name, dom in (("dom0", 0), ("guest", int(full["guest"]))):
            numbers = sorted({n for d, n in counts.calls if d == dom})
            per = {HYPERCALLS.get(n, str(n)): (counts.total(n, dom) - zero.total(n, dom)) / ops for n in numbers}
            found[name] = {k: v for k, v in per.items() if v >= 0.005}
        return found


def used(run, domain):
    """CPU time of a domain between the two readings around a run."""
    if domain == "none":
        return 0
    before, after = times(run["before"]), times(run["after"])
    return after[domain] - before[domain]


def modelled(counts, unmap_calls):
    c = COST_NS
    return (counts["hypercalls_per_io"] * c["hypercall"]
            + counts["maps_per_io"] * c["map"] + counts["unmaps_per_io"] * c["unmap"]
            + unmap_calls * c["flush"] * (counts["unmaps_per_io"] > 0)
            + counts["copies_per_io"] * c["copy"] + counts["events_per_io"] * c["event"]
            + counts["bytes_copied_per_io"] * c["byte"])
