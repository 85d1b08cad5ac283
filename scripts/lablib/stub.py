#!/usr/bin/env python3
"""stub.py PROGRAM SONAME OUT: C source (OUT.c) and version script (OUT.map) of a
library that has what PROGRAM imports from SONAME, and does nothing."""
import re
import subprocess
import sys


def needed_versions(program, soname):
    """The symbol versions that the program requires of the library."""
    text = subprocess.run(["objdump", "-p", program], capture_output=True, text=True, check=True).stdout
    block = re.search(rf"required from {re.escape(soname)}:\n((?:\s+0x.*\n)+)", text)
    return re.findall(r"(\S+)\n", block[1]) if block else []


def imports(program):
    """(name, version or None) of every undefined symbol."""
    text = subprocess.run(["objdump", "-T", program], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        if "*UND*" not in line:
            continue
        words = line.split()
        version = words[-2].strip("()") if re.match(r"\(?[A-Za-z_]", words[-2]) else None
        yield words[-1], version


def main():
    program, soname, out = sys.argv[1:]
    versions = needed_versions(program, soname)
    stem = soname.split(".so")[0].removeprefix("lib")
    prefixes = {"gfapi": ("glfs_",), "ibverbs": ("ibv_",), "rdmacm": ("rdma_",)}.get(stem, (stem + "_",))
    mine = [(n, v) for n, v in imports(program) if v in versions or (not versions and n.startswith(prefixes))]
    with open(out + ".c", "w", encoding="utf-8") as f:
        for name, _ in mine:
            f.write(f"int {name}(void) {{ return -1; }}\n")
    with open(out + ".map", "w", encoding="utf-8") as f:
        for version in versions:
            names = "; ".join(n for n, v in mine if v == version)
            f.write(f"{version} {{ {'global: ' + names + ';' if names else ''} }};\n")
        if not versions:
            f.write("{ global: *; };\n")


if __name__ == "__main__":
    main()
