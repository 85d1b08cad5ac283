# SPDX-License-Identifier: GPL-2.0-only
"""menuconfig.py COMMAND...: menuconfig on a terminal, as somebody at it uses it.

Looks for the frontend by its symbol, goes to its entry, makes it n, saves. Prints what
was drawn when something does not come.
"""
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

SECONDS = 30


class Terminal:
    """A program on a terminal of 40 by 100."""

    def __init__(self, command):
        self.drawn = ""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ["TERM"] = "vt100"
            os.execvp(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))

    def read(self):
        """More of what is drawn; false at its end."""
        if not select.select([self.fd], [], [], 1)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.drawn += data.decode("ascii", "replace")
        return bool(data)

    def text(self):
        """What was drawn since the last key, without how, and without blanks."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()].|\x1b.|[\x00-\x20]", "", self.drawn)

    def shows(self, text):
        """Whether this text is drawn."""
        return text.replace(" ", "") in self.text()

    def wait(self, text):
        """Until this text is drawn."""
        end = time.monotonic() + SECONDS
        while not self.shows(text):
            if time.monotonic() > end or not self.read():
                sys.exit(f'no "{text}" in: {self.text()}')

    def press(self, keys):
        """Keys; what was drawn before does not count any more."""
        self.drawn = ""
        os.write(self.fd, keys.encode())

    def end(self):
        """Until it ends: its exit status."""
        while self.read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self):
        """Whatever is left: without its terminal the menu would turn for ever."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def walk(terminal):
    """The keys, and what is to be drawn; returns the exit status."""
    terminal.wait("Device Drivers")
    terminal.press("/")
    terminal.wait("Search Configuration Parameter")
    terminal.press("TANDEM_BLKFRONT\r")
    terminal.wait("Symbol: TANDEM_BLKFRONT [=y]")
    terminal.wait("Xen driver support")
    terminal.press("1")
    terminal.wait("<*> Tandem block frontend")
    terminal.press("n")
    for _ in range(20):
        if terminal.shows("Do you wish to save"):
            break
        terminal.press("\x1b\x1b")
        time.sleep(0.5)
        terminal.read()
    terminal.press("\r")
    return terminal.end()


def main():
    """One walk; nothing runs on after it."""
    terminal = Terminal(sys.argv[1:])
    try:
        sys.exit(walk(terminal))
    finally:
        terminal.kill()


main()
