#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""`make run` as people call it: without a terminal, where it judges what it sees,
and with one, where the guest's console and then dom0's shell are theirs. How long
each took to the login is printed and judged by nobody: the machine may be busy."""
import os
import pty
import re
import select
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
LIMIT = 400
CURSOR = rb"\x1b\[6n"
PAUSE = 1
# What is waited for, and what is typed then. The guest's shell asks where the
# cursor is, and reads on when no terminal tells it.
VISIT = [
    (rb"login: ?$", b"root\r"),
    (rb"# \x1b\[6n", b"mount | grep ' / '; cat /proc/partitions; readlink /sys/block/sda1/device/driver; echo seen-$((6*7))\r"),
    (rb"seen-42", b""),
    (rb"# \x1b\[6n", b"poweroff\r"),
    (rb"exit ends all", b""),
    (rb"dom0:[^\r\n]*# ?$", b"exit\r"),
]
# What the run without a terminal must have judged, besides what else it judges.
JUDGED = ("the root file system is", "the file's checksum is", "the guest's driver is tandem_blkfront",
          "served by tandem_blkback", "served from the image itself", "served without a loop device")
results = []


def result(good, name, text=""):
    if not good:
        print("".join(f"# {line}\n" for line in text.splitlines()[-40:]), end="")
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} {name}", flush=True)


def diagnose(name, text):
    """The time from the start of `make run` to the login. A kind of machine that
    has not been booted before is booted first."""
    m = re.search(r"first 'login:' on the terminal after ([0-9.]+) s", text)
    boot = re.search(r"dom0: snapshot made ([0-9.]+) s", text)
    print(f"# {name}: login {m[1] if m else '?'} s after the start of make run"
          f"{f', {boot[1]} s of them to boot dom0 for the first time' if boot else ''}", flush=True)


def without():
    """The judgement of a run whose output goes to nobody."""
    done = subprocess.run(["make", "-s", "run"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
    text = done.stdout.decode(errors="replace")
    result(done.returncode == 0, "without a terminal: exit 0", text)
    diagnose("without a terminal", text)
    good = re.findall(r"^yes (.*)$", text, re.M)
    result(all(any(g.startswith(j) for g in good) for j in JUDGED) and not re.search(r"^NO ", text, re.M),
           "without a terminal: each thing that was to be seen was", text)


class Terminal:
    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.environ["TERM"] = "vt100"
            os.execvp("make", ["make", "-s", "run"])
        self.text = b""
        self.end = time.monotonic() + LIMIT

    def wait(self, pattern):
        """What came up to PATTERN, or None."""
        while time.monotonic() < self.end:
            m = re.search(pattern, self.text)
            if m:
                seen, self.text = self.text[:m.end()], self.text[m.end():]
                return seen
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    return None
                self.text += data
        return None

    def status(self):
        """Of make, after all that it still says."""
        self.wait(rb"(?!)")
        while time.monotonic() < self.end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.1)
        return -1


def visit():
    terminal, seen = Terminal(), b""
    for pattern, answer in VISIT:
        piece = terminal.wait(pattern)
        if piece is None:
            return terminal, seen + terminal.text, pattern.decode()
        seen += piece
        time.sleep(PAUSE)
        os.write(terminal.fd, answer)
    return terminal, seen, None


def with_terminal():
    terminal, seen, missed = visit()
    text = seen.decode(errors="replace")
    result(missed is None, "with a terminal: log in, look around, power off, dom0's shell", f"{text}\nno {missed}")
    result(" on / type ext4 (rw" in text and re.search(r" sda1\r?$", text, re.M),
           "with a terminal: the root is the image", text)
    result(re.search(r"/tandem_blkfront\r?$", text, re.M) and "sda1 is served by: tandem_blkback\r" in text and
           "sda1 is stored in: file:/tmp/uclibroot.img\r" in text, "with a terminal: our drivers serve it from the image", text)
    result(missed is None and terminal.status() == 0, "with a terminal: exit ends all, with 0", text)
    diagnose("with a terminal", text + terminal.text.decode(errors="replace"))
    if missed is not None:
        os.kill(terminal.pid, 15)


print("KTAP version 1", flush=True)
without()
with_terminal()
print(f"1..{len(results)}")
sys.exit(not all(results))
