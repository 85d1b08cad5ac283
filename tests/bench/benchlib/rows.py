"""What is measured: rows, stores, pairs, constants, and what is to be reached."""

KIB = 1024


class Row:
    """One fio job: `ops` operations are timed, after `base` ones that are not."""

    def __init__(self, name, rw, size, depth, ops, base, count_ops, more=""):
        self.name, self.size, self.depth = name, size, depth
        self.ops, self.base, self.count_ops = ops, base, count_ops
        self.fio = f"--rw={rw} --bs={size} --iodepth={depth} {more}".strip()


BATCH = "--iodepth_batch_submit=16 --iodepth_batch_complete_min=16 --iodepth_batch_complete_max=16"
ROWS = [
    Row("randread-4k-qd1", "randread", 4 * KIB, 1, 4000, 500, 1000),
    Row("randread-4k-qd32", "randread", 4 * KIB, 32, 8000, 1000, 2000),
    Row("randwrite-4k-qd32", "randwrite", 4 * KIB, 32, 8000, 1000, 2000),
    Row("randread-4k-batch16", "randread", 4 * KIB, 32, 8000, 1000, 2000, BATCH),
    Row("read-1m-qd8", "read", KIB * KIB, 8, 320, 64, 160),
    Row("write-1m-qd8", "write", KIB * KIB, 8, 320, 64, 160),
]
STORES = ["null_blk", "brd", "file-tmpfs", "file-ext4"]
PAIRS = ["native", "kernel/kernel", "ours/ours", "ours/kernel", "kernel/ours"]
METRICS = ["iops", "instructions_per_io", "hypercalls_per_io", "events_per_io", "grant_ops_per_io"]

# What a PC of today pays for what the emulator gives away or overprices
# (docs/benchmark.md says where these come from).
COST_NS = {
    "hypercall": 150.0,      # entry, exit and the mitigations of a PV guest
    "map": 250.0,            # one page mapped
    "unmap": 450.0,          # one page unmapped
    "flush": 1200.0,         # the TLB flush that ends an unmap hypercall
    "copy": 120.0,           # one copy operation, without its bytes
    "event": 1800.0,         # a send, and the interrupt at the other end
    "byte": 0.08,            # one byte copied
}

ICOUNT_NS = 2                # nanoseconds for one instruction at shift=1


def row_named(name):
    for row in ROWS:
        if row.name == name:
            return row
    raise KeyError(name)


# (what, rows, stores, smallest ratio of iops to the kernel's pair)
QD32 = ["randread-4k-qd32", "randwrite-4k-qd32"]
BLOCK_STORES = ["null_blk", "brd"]
FILE_STORES = ["file-tmpfs", "file-ext4"]
RATIOS = [
    ("4 KiB random, QD32", QD32, BLOCK_STORES, 2.0),
    ("batches of 16", ["randread-4k-batch16"], BLOCK_STORES, 2.0),
    ("1 MiB, QD8", ["read-1m-qd8", "write-1m-qd8"], BLOCK_STORES, 1.5),
    ("image file against loop", [r.name for r in ROWS], FILE_STORES, 2.0),
]
QD1_RATIO, QD1_SHARE = 1.3, 0.5
HYPERCALLS_AT_QD32, EVENTS_AT_QD32 = 0.5, 0.2
IDLE_KIB = {0: 64, 4: 256}
