"""The disk with the guests' kernels and initial file system: the same for every
run until one of them changes, and so made once and shared read-only."""
import contextlib
import fcntl
import os
import shutil
import subprocess

from .machine import ASSETS_MB

VARIANTS = ("builtin", "modular")


def inputs(build):
    """(source, name on the disk) of all there is."""
    guest = os.path.join(build, "guest")
    for variant in VARIANTS:
        folder = os.path.join(guest, variant)
        yield f"{folder}/vmlinux.elf", f"{variant}/vmlinuz"
        if os.path.isdir(f"{folder}/modules"):
            for name in sorted(os.listdir(f"{folder}/modules")):
                yield f"{folder}/modules/{name}", f"{variant}/modules/{name}"
    yield f"{guest}/initrd.cpio", "initrd.cpio"
    debug = f"{guest}/debug/root/lib/modules"
    for folder, _, names in os.walk(debug):
        for name in names:
            path = os.path.join(folder, name)
            yield path, "debug-modules/" + os.path.relpath(path, debug)


def contents(files):
    """What a disk of these files has: a file that came, went or changed makes another."""
    stats = [(name, os.stat(source)) for source, name in files]
    return "".join(f"{name} {s.st_size} {s.st_mtime_ns}\n" for name, s in sorted(stats))


def made_of(image):
    """The contents of the disk that there is."""
    try:
        with open(image + ".contents", encoding="utf-8") as f:
            return f.read() if os.path.exists(image) else None
    except FileNotFoundError:
        return None


def make(image, files, what):
    folder = image + ".d"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for source, name in files:
        os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
        shutil.copy(source, f"{folder}/{name}")
    new = image + ".new"
    with open(new, "wb") as f:
        f.truncate(ASSETS_MB << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", folder, new], check=True)
    shutil.rmtree(folder)
    # a disk without its list is made anew
    with contextlib.suppress(FileNotFoundError):
        os.unlink(image + ".contents")
    os.rename(new, image)
    with open(image + ".contents", "w", encoding="utf-8") as f:
        f.write(what)


@contextlib.contextmanager
def guests_stay(build):
    """Nobody exchanges the guests' kernels and modules meanwhile: scripts/guest-kernel,
    which does, takes the same lock."""
    os.makedirs(f"{build}/locks", exist_ok=True)
    with open(f"{build}/locks/guests", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def assets(build, link):
    """Give a run its own name for the current disk, which another may replace."""
    image = os.path.join(build, "lab", "assets.img")
    with guests_stay(build):
        files = [(s, n) for s, n in inputs(build) if os.path.exists(s)]
        what = contents(files)
        if made_of(image) != what:
            make(image, files, what)
        os.link(image, link)
