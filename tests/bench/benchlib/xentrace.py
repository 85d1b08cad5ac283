"""Xen's binary trace: how many hypercalls of which kind each domain has made.

The layout is that of Xen's public trace.h. A record is a word (28 bits of event,
3 bits of how many words follow, 1 bit for a time stamp), the time stamp if any,
and the words. Records of a CPU follow a record that names the CPU.
"""
import collections
import struct

TRC_CPU_CHANGE = 0x0001F003
TRC_LOST_RECORDS = 0x0001F001
TRC_SWITCH = 0x0002800A
TRC_WAKE = 0x00028004
TRC_RUNSTATE = 0x00021001      # bits 8-9 the old state, 4-5 the new one
TRC_CONTINUE = 0x00021002
TRC_HYPERCALL_V2 = 0x0020100D
TRC_SUBCALL = 0x0020200E
OP_MASK = 0x000FFFFF

GRANT_TABLE_OP, EVENT_CHANNEL_OP = 20, 32
MAP, UNMAP, COPY, REPLACE = 0, 1, 5, 7
GRANT_NAMES = {MAP: "map", UNMAP: "unmap", COPY: "copy", REPLACE: "unmap_and_replace"}
HYPERCALLS = {
    1: "mmu_update", 3: "stack_switch", 5: "fpu_taskswitch", 10: "update_descriptor", 12: "memory_op",
    13: "multicall", 14: "update_va_mapping", 15: "set_timer_op", 17: "xen_version", 18: "console_io",
    20: "grant_table_op", 23: "iret", 24: "vcpu_op", 25: "set_segment_base", 26: "mmuext_op", 29: "sched_op", 32: "event_channel_op",
    33: "physdev_op", 35: "sysctl", 36: "domctl"}


class Counts:
    """What one trace holds: hypercalls by (domain, number), grant operations by (domain, command)."""

    def __init__(self):
        self.calls = collections.Counter()
        self.grant_calls = collections.Counter()
        self.grant_ops = collections.Counter()
        self.wakes = collections.Counter()
        self.lost = 0

    def domains(self):
        return sorted({d for d, _ in self.calls})

    def total(self, number=None, domain=None):
        return sum(n for (d, c), n in self.calls.items()
                   if (number is None or c == number) and (domain is None or d == domain))

    def grants(self, command=None, domain=None):
        return sum(n for (d, c), n in self.grant_ops.items()
                   if (command is None or c == command) and (domain is None or d == domain))


def records(data):
    """(cpu, event, words) of each record."""
    pos, cpu, end = 0, 0, len(data)
    while pos + 4 <= end:
        (head,) = struct.unpack_from("<I", data, pos)
        event, extra, stamped = head & 0x0FFFFFFF, head >> 28 & 7, head >> 31
        start = pos + (12 if stamped else 4)
        pos = start + 4 * extra
        if pos > end:
            return
        words = struct.unpack_from(f"<{extra}I", data, start)
        if event == TRC_CPU_CHANGE:
            cpu = words[0]
        else:
            yield cpu, event, words


def arguments(words):
    """Number of a hypercall and its recorded arguments by position."""
    op, place, args = words[0], 1, {}
    for i in range(6):
        kind = op >> (20 + 2 * i) & 3
        if kind:
            args[i] = words[place]
            place += kind
    return op & OP_MASK, args


def starts_running(event):
    """A virtual CPU's state changes to `running` (0), or it goes on running."""
    return event == TRC_CONTINUE or event & ~0x300 == TRC_RUNSTATE


def parse(data):
    counts = Counts()
    running = {}
    for cpu, event, words in records(data):
        if starts_running(event):
            running[cpu] = words[0] >> 16
        elif event == TRC_SWITCH:
            running[cpu] = words[2]
        elif event == TRC_WAKE:
            counts.wakes[words[0]] += 1
        elif event == TRC_LOST_RECORDS:
            counts.lost += words[0]
        elif event in (TRC_HYPERCALL_V2, TRC_SUBCALL):
            note_hypercall(counts, running.get(cpu, 0), words)
    return counts


def note_hypercall(counts, domain, words):
    number, args = arguments(words)
    counts.calls[domain, number] += 1
    if number == GRANT_TABLE_OP:
        counts.grant_calls[domain, args.get(0)] += 1
        counts.grant_ops[domain, args.get(0)] += args.get(2, 0)


def parse_file(path):
    with open(path, "rb") as f:
        return parse(f.read())
