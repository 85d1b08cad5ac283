"""Reads kernel logs: which lines make a run red."""
import re

RED = re.compile(r"""
    WARNING:\ .*\bat\b | WARNING:\ (CPU|possible|suspicious|inconsistent|held|bad) | \bOops\b | \bBUG:\ | kernel\ BUG\ at
  | blocked\ for\ more\ than | soft\ lockup | hard\ LOCKUP | rcu.*detected\ stalls | rcu.*self-detected\ stall
  | \bKASAN: | \bKFENCE: | \bUBSAN: | unreferenced\ object | possible\ circular\ locking | recursive\ locking
  | suspicious\ RCU\ usage | general\ protection\ fault | Internal\ error | Call\ Trace: | Kernel\ panic
  | refcount_t: | list_(add|del)\ corruption | Bad\ page\ state | Poison\ overwritten | Redzone\ overwritten
  | Objects\ remaining\ in | Slab\ corruption | scheduling\ while\ atomic | sleeping\ function\ called
  | Domain\ \d+\ \(vcpu\#\d+\)\ crashed | Hardware\ Dom0\ crashed | domain_crash\ called | Xen\ BUG\ at | Assertion\ .*\ failed
  | \bWARNING:\ CPU | leak\ detector\ disabled
""", re.VERBOSE)

# A guest program's output passes through its console: such lines begin with a
# byte that no kernel prints, and are not the kernel's.
QUOTED = "\x1e"
# The kernel may cut into such a line; it begins with its time.
STAMP = re.compile(r"\[ *\d+\.\d{6}\]")


def kernel_part(line):
    if QUOTED not in line:
        return line
    before, _, program = line.partition(QUOTED)
    m = STAMP.search(program)
    return before + (program[m.start():] if m else "")


def red_lines(text, limit=40):
    """The lines that make a log red, each with where it stands."""
    found, place = [], "console"
    for line in text.split("\n"):  # splitlines() would split at QUOTED too
        if line.startswith("=== "):
            place = line[4:].strip()
            continue
        line = kernel_part(line)
        if RED.search(line) and len(found) < limit:
            found.append(f"{place}: {line.strip()}")
    return found


def parse(line, nonce):
    """The status in a verdict line, or None if it is not ours."""
    m = re.fullmatch(r"verdict (\w+) (\d+)", line.strip())
    return int(m[2]) if m and m[1] == nonce else None
