"""Reads kernel logs: which lines make a run red."""
import re

RED = re.compile(r"""
    # WARN_ON, and lockdep
    \bWARNING:\ (CPU|possible|suspicious|inconsistent|held|bad|lock\ held|Nested\ lock|chain_key) | \bWARNING:\ .*\bat\b
  | IRQ-safe\ ->\ | still\ has\ locks\ held | trying\ to\ register\ non-static\ key | suspicious\ RCU\ usage
  | possible\ circular\ locking | recursive\ locking
    # it dies
  | \bOops\b | \bBUG:\  | kernel\ BUG\ at | general\ protection\ fault | \bdouble\ fault\b | \bstack\ segment: | :\ [0-9a-f]{4}\ \[\#\d+\]
  | Internal\ error | Call\ Trace: | Kernel\ panic
    # it hangs
  | blocked\ for\ more\ than | soft\ lockup | hard\ LOCKUP | rcu.*detected\ (expedited\ )?stalls | rcu.*self-detected\ stall
  | scheduling\ while\ atomic | sleeping\ function\ called
    # memory
  | \bKASAN: | \bKFENCE: | \bUBSAN: | unreferenced\ object | refcount_t: | list_(add|del)\ corruption | Bad\ page\ state | leak\ detector\ disabled
  | \bBUG\ .*\((Not\ t|T)ainted | Poison\ overwritten | Redzone\ overwritten | Objects\ remaining\ in | Slab\ corruption
    # a page that was granted and cannot be had back; "deferring" is what a peer may cause
  | leaking\ g\.e\. | g\.e\.\ \S+\ still\ in\ use
    # Xen
  | Domain\ \d+\ \(vcpu\#\d+\)\ crashed | Hardware\ Dom0\ crashed | domain_crash\ called | Xen\ (BUG|WARN)\ at | Assertion\ .*\ failed
  | \bPanic\ on\ CPU
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
