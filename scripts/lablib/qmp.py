"""QEMU's machine protocol, as little of it as the lab needs."""
import contextlib
import json
import os
import socket
import time


class Qmp:
    def __init__(self, sock):
        self.sock = sock
        self.file = self.sock.makefile("rw")
        self.receive()
        self.command("qmp_capabilities")

    def send(self, message):
        # whether it is still there shows in the answer
        with contextlib.suppress(ConnectionError):
            self.file.write(json.dumps(message) + "\n")
            self.file.flush()

    def receive(self):
        try:
            return self.file.readline()
        except ConnectionError:
            return ""

    def command(self, name, **arguments):
        message = {"execute": name}
        if arguments:
            message["arguments"] = {k.replace("_", "-"): v for k, v in arguments.items()}
        self.send(message)
        while True:
            line = self.receive()
            if not line:
                raise RuntimeError(f"QEMU went away during {name}")
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"{name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def migrated(self):
        """Wait for the end of a migration, in or out."""
        while True:
            status = self.command("query-migrate").get("status")
            if status == "completed":
                return
            if status in ("failed", "cancelled"):
                raise RuntimeError(f"the snapshot {status}")
            time.sleep(0.02)


def connect(path, alive, seconds=60):
    """QEMU makes its sockets while it starts: try until they are there, or it is gone."""
    end = time.monotonic() + seconds
    while True:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(path)
            return sock
        except OSError as e:
            sock.close()
            if not alive():
                raise RuntimeError("QEMU did not start") from e
            if time.monotonic() > end:
                raise RuntimeError(f"QEMU has no {os.path.basename(path)} after {seconds} s") from e
            time.sleep(0.02)
