"""Compiles the benchmark's own programs, in the reference platform."""
import glob
import os
import shutil
import subprocess


def newer(target, *sources):
    return os.path.exists(target) and all(
        os.path.getmtime(s) <= os.path.getmtime(target) for s in sources)


class Programs:
    def __init__(self, root, build):
        self.root, self.build = root, build
        self.here = os.path.join(root, "tests", "bench")
        self.out = os.path.join(build, "bench", "programs")
        os.makedirs(self.out, exist_ok=True)

    def path(self, name):
        return os.path.join(self.out, name)

    def source(self, name):
        return os.path.join(self.here, name)

    def run(self, command, what):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"bench: {what} does not build:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    def in_platform(self, what, *command):
        self.run([os.path.join(self.root, "scripts", "in-platform"), *command], what)

    def platform_path(self, path):
        return "/tandem/" + os.path.relpath(path, self.root)

    def domtime(self):
        target = self.path("domtime")
        if not newer(target, self.source("domtime.c")):
            self.in_platform("domtime", "gcc", "-O2", "-Wall", "-o", self.platform_path(target),
                             self.platform_path(self.source("domtime.c")), "-lxenctrl")
        return target

    def pingpong(self, side, kernel):
        """The ping-pong module for dom0's kernel or the guest's; None without that kernel."""
        target = self.path(f"pingpong-{side}.ko")
        sources = [self.source("pingpong/pingpong.c"), self.source("pingpong/Kbuild")]
        stamp = os.path.join(kernel, "Module.symvers")
        if not os.path.exists(stamp):
            return None
        if not newer(target, *sources, stamp):
            work = self.path(f"pingpong-{side}")
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(self.source("pingpong"), work)
            inside = kernel.removeprefix(os.path.join(self.build, "platform"))
            if inside == kernel:
                inside = self.platform_path(kernel)
            self.in_platform("the ping-pong module", "make", "-s", "-C", inside,
                             f"M={self.platform_path(work)}", "modules")
            shutil.copy(os.path.join(work, "pingpong.ko"), target)
        return target

    def pingpong_dom0(self):
        found = glob.glob(os.path.join(self.build, "platform/usr/src/linux-headers-6.12*-amd64"))
        return self.pingpong("dom0", found[0]) if found else None

    def pingpong_guest(self):
        return self.pingpong("guest", os.path.join(self.build, "guest", "modular"))

    def plugin(self):
        target = self.path("tcg-profile.so")
        source = self.source("tcg-profile.c")
        if not newer(target, source):
            self.run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", target, source], "the profile plugin")
        return target
