"""The virtual machine: its command line, its channels, its snapshot."""
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import time

from .qmp import Qmp, connect

PORTS = ("tty", "ctl", "out", "log", "get")
INPUT_MB, ASSETS_MB = 512, 256
QEMU = "qemu-system-x86_64"
# It does not outlive the lab, even one that was killed.
WITH_LAB = ("setpriv", "--pdeathsig", "KILL")
# When the host's disk is full, the machine is told, where it would else stop without a word.
FULL = "werror=report"

# norandmaps, and rdrand below: a program at another address is compiled anew by the emulator,
# and a guest without entropy turns for a second at its first random number.
XEN_ARGS = "console=com1 com1=115200,8n1 loglvl=info guest_loglvl=info/info console_timestamps=none bootscrub=off"
DOM0_ARGS = ("root=/dev/vda console=hvc0 loglevel=5 audit=0 apparmor=0 selinux=0 "
             "cryptomgr.notests net.ifnames=0 log_buf_len=4M norandmaps "
             "oops=panic panic_on_warn=1 hung_task_panic=1 softlockup_panic=1 panic=-1")
CRASHED = re.compile(rb"^\(XEN\) (Hardware Dom0 crashed|Reboot in five seconds)", re.M)
# What drivers allocate, and not what each process makes the kernel allocate: that is a fifth
# of all that dom0 does. Not U: to note who allocated an object, each time, is more than that.
CHECK_ARGS = "slub_debug=FZP,kmalloc-*,blkback*,bio* page_poison=1"


class Machine:
    """One QEMU. `conf` needs: base, snapshots, kernel, mode, vcpus, bench, mem, dom0_mem, raw_disks,
    share, link, xen_args, dom0_args."""

    def __init__(self, conf, workdir):
        self.conf = conf
        self.dir = workdir
        self.process = None
        self.qmp = None
        self.ports = {}

    def path(self, name):
        return os.path.join(self.dir, name)

    # command line

    def dom0_args(self):
        args = DOM0_ARGS if self.conf.bench else f"{DOM0_ARGS} {CHECK_ARGS}"
        return f"{args} {self.conf.dom0_args}".rstrip()

    def accel(self):
        if self.conf.mode == "mt":
            return ["-accel", "tcg,thread=multi"]
        return ["-accel", "tcg,thread=single", "-icount", "shift=1,sleep=off"]

    def fixed(self):
        """What the snapshot depends on, apart from file names."""
        conf = self.conf
        return self.accel() + [
            "-M", "q35", "-cpu", "qemu64,+svm,+npt,+nrip-save,+rdrand", "-smp", str(conf.vcpus),
            "-m", str(conf.mem), "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot", "-nic", "none",
            "-append", f"{XEN_ARGS} dom0_mem={conf.dom0_mem}M,max:{conf.dom0_mem}M {conf.xen_args}".rstrip(),
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
            "-device", "virtio-serial-pci,max_ports=8"]

    def boot_args(self):
        base = self.conf.base
        return ["-kernel", f"{base}/xen",
                # a comma begins the next module
                "-initrd", f"{self.conf.kernel} {self.dom0_args().replace(',', ',,')},{base}/initramfs"]

    def port_args(self):
        args = ["-serial", f"file:{self.path('console.log')}"]
        for nr, name in enumerate(PORTS):
            kind = "virtconsole" if name == "tty" else "virtserialport"
            args += ["-chardev", f"socket,id={name},path={name},server=on,wait=off",
                     "-device", f"{kind},chardev={name},name={name},nr={nr}"]
        return args + self.link_args() + ["-qmp", "unix:qmp,server=on,wait=off"]

    def link_args(self):
        """One end of a line to another machine."""
        if not self.conf.link:
            return []
        listens, path = self.conf.link
        how = "server=on,wait=off" if listens else "server=off,reconnect=1"
        return ["-chardev", f"socket,id=link,path={path},{how}",
                "-device", f"virtserialport,chardev=link,name=link,nr={len(PORTS)}"]

    def disk_args(self):
        disks = [("root.qcow2", "qcow2", ""), ("input.img", "raw", ",read-only=on")]
        disks += [("assets.img", "raw", ",read-only=on")]
        disks += [(f"raw{i}.img", "raw", "") for i, _ in enumerate(self.conf.raw_disks)]
        args = []
        for i, (name, fmt, more) in enumerate(disks):
            args += ["-drive", f"if=none,id=d{i},file={self.path(name)},format={fmt},"
                     f"cache=unsafe,discard=unmap,{FULL}{more}",
                     "-device", f"virtio-blk-pci,drive=d{i}"]
        return args + self.share_args()

    def share_args(self):
        """A disk that other machines write, too: what one has written, all read, from this host's cache."""
        if not self.conf.share:
            return []
        return ["-drive", f"if=none,id=share,file={self.conf.share},format=raw,cache=unsafe,file.locking=off,{FULL}",
                "-device", "virtio-blk-pci,drive=share,share-rw=on"]

    # the snapshot's name and place

    def key(self):
        conf = self.conf
        digest = hashlib.sha256(repr((self.fixed(), self.dom0_args(), conf.raw_disks)).encode())
        for name in ("xen", "initramfs", "root.img"):
            digest.update(stat_key(f"{conf.base}/{name}"))
        digest.update(stat_key(conf.kernel))
        return f"{conf.mode}-{conf.vcpus}-{digest.hexdigest()[:12]}"

    def snapshot_dir(self):
        return os.path.join(self.conf.snapshots, self.key())

    # life

    def make_disks(self, backing):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F",
                        "raw" if backing.endswith(".img") else "qcow2",
                        "-b", backing, self.path("root.qcow2")], check=True)
        if not os.path.exists(self.path("input.img")):
            truncate(self.path("input.img"), INPUT_MB)
        if not os.path.exists(self.path("assets.img")):
            truncate(self.path("assets.img"), ASSETS_MB)
        for i, mb in enumerate(self.conf.raw_disks):
            truncate(self.path(f"raw{i}.img"), mb)

    def start(self, *more):
        command = [*WITH_LAB, QEMU, *self.fixed(), *self.boot_args(), *self.port_args(), *self.disk_args(), *more]
        with open(self.path("qemu.log"), "wb") as log:
            log.write((" ".join(command) + "\n").encode())
            log.flush()
            # its sockets are named from its own folder: a socket's path has 107 bytes at most
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=self.dir)
        self.connect()

    def connect(self):
        folder = os.open(self.dir, os.O_PATH | os.O_DIRECTORY)
        try:
            near = f"/proc/self/fd/{folder}"
            self.qmp = Qmp(connect(f"{near}/qmp", self.alive))
            self.ports = {name: connect(f"{near}/{name}", self.alive) for name in PORTS}
        finally:
            os.close(folder)

    @contextlib.contextmanager
    def explained(self):
        """What QEMU said last belongs to whatever went wrong with it."""
        try:
            yield
        except (RuntimeError, OSError) as e:
            raise RuntimeError(f"{e}\n{self.last_words()}".rstrip()) from e

    def last_words(self, lines=10):
        """The end of QEMU's log, which begins with its command line."""
        if self.process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)  # it may be about to say them
        try:
            with open(self.path("qemu.log"), encoding="utf-8", errors="replace") as f:
                return "\n".join(f.read().splitlines()[1:][-lines:])
        except FileNotFoundError:
            return ""

    def restore(self):
        os.utime(self.snapshot_dir())
        with self.explained():
            self.start("-incoming", "defer")
            self.qmp.command("migrate-incoming", uri=f"exec:cat {self.snapshot_dir()}/state")
            self.qmp.migrated()
            self.qmp.command("cont")

    def boot(self):
        with self.explained():
            self.start()
            self.wait_ready()

    def wait_ready(self, seconds=900):
        """The time is for a debug kernel on a busy machine."""
        ctl, text, end = self.ports["ctl"], b"", time.monotonic() + seconds
        ctl.settimeout(1)
        while b"ready\n" not in text:
            more = self.ctl_data(ctl)
            if more is None and not self.crashed() and time.monotonic() < end:
                continue
            if not more:
                raise RuntimeError(f"dom0 did not come up; the end of its console:\n{self.console_end()}")
            text += more
        ctl.settimeout(None)

    @staticmethod
    def ctl_data(ctl):
        """What came, nothing at the end, None if nothing came yet."""
        try:
            return ctl.recv(100)
        except TimeoutError:
            return None
        except ConnectionError:
            return b""

    def crashed(self):
        """dom0 or Xen did. Xen then counts five seconds before it reboots, in a loop in
        which they are minutes under emulation."""
        with open(self.path("console.log"), "rb") as f:
            return bool(CRASHED.search(f.read()))

    def console_end(self, lines=60):
        with open(self.path("console.log"), encoding="utf-8", errors="replace") as f:
            return "\n".join([line for line in f.read().splitlines() if line][-lines:])

    def save(self):
        """Write the state of a ready dom0, then put the whole in place at once."""
        place = self.snapshot_dir()
        self.qmp.command("stop")
        self.qmp.command("migrate-set-parameters", max_bandwidth=1 << 40)
        self.qmp.command("migrate", uri=f"exec:cat > {self.path('state')}")
        self.qmp.migrated()
        self.stop()
        new = f"{place}.{os.getpid()}"
        os.makedirs(new)
        for name in ["root.qcow2", "state", "console.log"]:
            shutil.move(self.path(name), new)
        try:
            os.rename(new, place)
        except OSError:  # another run was first
            shutil.rmtree(new)
        self.prune()

    def prune(self, keep=8):
        """Old snapshots go: nearly a gigabyte each, of the fifteen that README asks for. make check
        has half as many kinds."""
        folder = self.conf.snapshots
        places = [os.path.join(folder, n) for n in os.listdir(folder) if not n.startswith(".")]
        for place in sorted(places, key=os.path.getmtime)[:-keep]:
            shutil.rmtree(place, ignore_errors=True)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        if self.alive():
            self.process.kill()
        if self.process:
            self.process.wait()
        for sock in self.ports.values():
            sock.close()
        self.ports = {}


def stat_key(path):
    s = os.stat(path)
    return f"{path} {s.st_size} {s.st_mtime_ns}".encode()


def truncate(path, mb):
    with open(path, "wb") as f:
        f.truncate(mb << 20)


def ensure_snapshot(conf, workdir, say):
    """A snapshot of a ready dom0 for this configuration, made if there is none."""
    machine = Machine(conf, workdir)
    if os.path.exists(machine.snapshot_dir()):
        return
    start = time.monotonic()
    say("dom0: boot for snapshot")
    machine.make_disks(f"{conf.base}/root.img")
    try:
        machine.boot()
        machine.save()
    finally:
        machine.stop()
    say("dom0: snapshot made", time.monotonic() - start)
