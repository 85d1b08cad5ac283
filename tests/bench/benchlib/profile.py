"""Where the instructions go: the counts of the TCG plugin, by symbol and domain."""
import bisect
import collections
import os
import re
import subprocess
import sys

XEN_TEXT = (0xFFFF82D040000000, 0xFFFF82D080000000)
KERNEL_HALF = 0xFFFF800000000000
DOMAINS = ("dom0", "guest")


def qemu_wrapper(folder, plugin):
    """A folder for PATH with a QEMU that loads the plugin."""
    ctl, out = os.path.join(folder, "window"), os.path.join(folder, "blocks")
    real = subprocess.run(["sh", "-c", "command -v qemu-system-x86_64"], capture_output=True,
                          text=True, check=True).stdout.strip()
    where = os.path.join(folder, "bin")
    os.makedirs(where)
    script = os.path.join(where, "qemu-system-x86_64")
    with open(script, "w", encoding="utf-8") as f:
        f.write(f'#!/bin/sh\nexec {real} -plugin "{plugin},ctl={ctl},out={out}" "$@"\n')
    os.chmod(script, 0o755)
    return where, ctl


def run(command, plugin, folder):
    """The lab with the plugin; dom0's lines open and close the window."""
    where, ctl = qemu_wrapper(folder, plugin)
    env = dict(os.environ, PATH=f"{where}:{os.environ['PATH']}")
    script = command.index(next(c for c in command if c.endswith("dom0-bench")))
    for name in ("dom0.kallsyms", "xen.syms", "guest.kallsyms"):
        command[script:script] = ["--get", f"/lab/bench/{name}:{folder}/{name}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as lab:
        for line in lab.stdout:
            sys.stdout.write(line)
            if "profile: window opens" in line:
                with open(ctl, "w", encoding="utf-8"):
                    pass
            elif "profile: window closes" in line and os.path.exists(ctl):
                os.unlink(ctl)
    return lab.returncode


class Symbols:
    """Addresses to names, for one address space."""

    def __init__(self):
        self.names = {}
        self.sorted = []

    def read(self, path):
        if not os.path.exists(path):
            return self
        with open(path, encoding="utf-8", errors="replace") as f:
            for line in f:
                m = re.match(r"([0-9a-f]{8,16}) ([A-Za-z]) (\S+)(?:\s+\[(\S+)\])?", line.replace("\t", " "))
                if m and m[2] in "tTwWi":
                    self.names[int(m[1], 16)] = m[3] + (f" [{m[4]}]" if m[4] else "")
        self.sorted = sorted(self.names)
        return self

    def agrees(self, other):
        """The symbols without a module are the other's too, at the same addresses."""
        return all(other.names.get(a) == n for a, n in self.names.items() if "[" not in n)

    def find(self, address):
        i = bisect.bisect_right(self.sorted, address) - 1
        if i < 0 or address - self.sorted[i] > 1 << 20:
            return None
        return self.names[self.sorted[i]]


class Profile:
    def __init__(self, folder, guest_map):
        self.xen = Symbols().read(os.path.join(folder, "xen.syms"))
        guest = os.path.join(folder, "guest.kallsyms")
        self.kernel = (Symbols().read(os.path.join(folder, "dom0.kallsyms")),
                       Symbols().read(guest_map).read(guest))
        self.stale_map = not Symbols().read(guest).agrees(Symbols().read(guest_map))
        self.by_symbol = collections.Counter()
        self.entries = collections.Counter()
        with open(os.path.join(folder, "blocks"), encoding="utf-8") as f:
            for line in f:
                self.take(*line.split())

    def place(self, address, domain):
        """(layer, symbol) of an address while `domain` runs."""
        if XEN_TEXT[0] <= address < XEN_TEXT[1]:
            return "xen", self.xen.find(address) or hex(address)
        if address < KERNEL_HALF:
            return "user", "(programs)"
        return "kernel", self.kernel[domain].find(address) or hex(address)

    def take(self, address, size, *runs):
        address, size = int(address, 16), int(size)
        for domain, n in enumerate(int(r) for r in runs):
            if not n:
                continue
            layer, name = self.place(address, domain)
            self.by_symbol[DOMAINS[domain], layer, name] += n * size
            if layer != "user":
                symbols = self.xen if layer == "xen" else self.kernel[domain]
                if address in symbols.names:
                    self.entries[DOMAINS[domain], layer, name] += n

    def operations(self, pair):
        """How many requests were in the window: starts of them in the block layer of
        the guest, or else of dom0."""
        who = ("dom0",) if pair == "native" else ("guest", "dom0")
        return next((n for n in (self.entries[w, "kernel", "blk_mq_start_request"] for w in who) if n), 0)


def module_of(layer, name):
    m = re.search(r"\[(\S+)\]$", name)
    return m[1] if m else {"user": "programs", "xen": "xen"}.get(layer, "kernel")


def text(folder, guest_map, row, store, pair, top):
    p = Profile(folder, guest_map)
    total = sum(p.by_symbol.values()) or 1
    ops = p.operations(pair)
    per = ops or 1
    warning = ["The guest kernel was built anew meanwhile: its functions have wrong names."] if p.stale_map else []
    lines = warning + [f"profile of {row} on {store} through {pair}: {ops} requests, {total / per:.0f} instructions each", "",
             "by part:"]
    parts = collections.Counter()
    for (domain, layer, name), n in p.by_symbol.items():
        parts[domain, module_of(layer, name)] += n
    for (domain, part), n in parts.most_common(14):
        lines.append(f"  {n / per:9.0f} {100 * n / total:5.1f} %  {domain:5} {part}")
    if not top:
        return "\n".join(lines) + "\n"
    lines += ["", "by function (instructions for each request, share, calls for each request):"]
    for (domain, layer, name), n in p.by_symbol.most_common(top):
        calls = p.entries[domain, layer, name] / per
        lines.append(f"  {n / per:9.1f} {100 * n / total:5.1f} % {calls:7.2f}  {domain:5} {layer:6} {name}")
    return "\n".join(lines) + "\n"
