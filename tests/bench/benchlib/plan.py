"""What dom0 is told to do: one line for each step (see dom0-bench)."""
from .rows import row_named

PING_PONG_ROUNDS = 5000
# Each of the kernel's at order 4 takes 20 MiB of dom0 and 64 of the guest; a guest has 1000
# nodes in xenstore, of which each of ours takes 30.
MOST_IDLE = {("kernel", 4): 8, ("ours", 4): 24}
PROFILE_LENGTH = 6          # times the operations of a timed run
PROFILE_SECONDS = 0.8       # of virtual time, within that run


def line(*parts):
    return "\t".join(str(p) for p in parts) + "\n"


def cell(store, pair, row, kind, repeat):
    ops = row.ops if kind == "time" else row.count_ops
    return line("cell", store, pair, row.name, kind, repeat, row.base, ops, row.fio)


def kinds(opts, pair):
    """Counts come from runs of their own, and say nothing about native."""
    if not opts.only_counts:
        yield "time"
    if not opts.no_counts and pair != "native":
        yield "count"


def cells(opts):
    for store in opts.stores:
        for pair in opts.pairs:
            for kind in kinds(opts, pair):
                for name in opts.rows:
                    yield cell(store, pair, row_named(name), kind, opts.repeat)


def checks(opts):
    """One row's store is compared by checksum, for every pair."""
    store = next((s for s in ("brd", "file-tmpfs", "file-ext4") if s in opts.stores), None)
    if store and not opts.quick:
        for pair in opts.pairs:
            if pair != "native":
                yield line("check", store, pair)


def idles(opts):
    for who in ("kernel", "ours"):
        if f"{who}/{who}" in opts.pairs:
            for order in (0, 4):
                vbds = min(opts.idle_vbds, MOST_IDLE.get((who, order), opts.idle_vbds))
                yield line("idle", who, order, vbds, opts.idle_seconds)


def table(opts):
    text = ""
    if opts.idle != "only":
        if "randread-4k-qd1" in opts.rows:
            text += line("pingpong", PING_PONG_ROUNDS)
        text += "".join(cells(opts)) + "".join(checks(opts))
    if opts.idle != "no":
        text += "".join(idles(opts))
    return text


def profile(name, store, pair):
    row = row_named(name)
    return line("profile", store, pair, name, row.ops * PROFILE_LENGTH, row.fio, PROFILE_SECONDS)
