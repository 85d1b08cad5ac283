"""The disk with the guests' kernels and initial file system: the same for every
run until one of them changes, and so made once and shared read-only."""
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


def stale(image, files):
    if not os.path.exists(image):
        return True
    made = os.stat(image).st_mtime_ns
    return any(os.stat(source).st_ctime_ns > made for source, _ in files)


def make(image, files):
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
    os.rename(new, image)
    shutil.rmtree(folder)


def assets(build, link):
    """Give a run its own name for the current disk, which another may replace."""
    image = os.path.join(build, "lab", "assets.img")
    with open(image + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = [(s, n) for s, n in inputs(build) if os.path.exists(s)]
        if stale(image, files):
            make(image, files)
        os.link(image, link)
