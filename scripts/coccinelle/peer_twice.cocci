// SPDX-License-Identifier: GPL-2.0-only
///
/// What the peer can write is read once: the second look may see something else
/// than the check did. Copy to private memory, then use only the copy.
///
// Confidence: Moderate
// Comments: Of reads from a ring, those with the same offset count as overlapping,
// Comments: and those with constant offsets and lengths that do overlap.
// Options: --no-includes --include-headers

virtual report

@ring exists@
expression r, off1, off2, len1, len2, d1, d2;
identifier read =~ "^tandem_(back|front)_ring_read$";
position p1, p2;
@@

  read(r, d1, off1, len1)@p1
  ... when != tandem_back_ring_next(r)
      when != tandem_front_ring_next(r)
  read(r, d2, off2, len2)@p2

@script:python depends on report@
p1 << ring.p1;
p2 << ring.p2;
off1 << ring.off1;
off2 << ring.off2;
len1 << ring.len1;
len2 << ring.len2;
@@
def overlap(off1, len1, off2, len2):
    if off1 == off2:
        return True
    try:
        a, n, b, m = (int(x, 0) for x in (off1, len1, off2, len2))
    except ValueError:
        return False
    return a < b + m and b < a + n

if overlap(off1, len1, off2, len2):
    coccilib.report.print_report(p2[0], "read from the ring again, first on line %s" % p1[0].line)

@value exists@
typedef tandem_peer8, tandem_peer16, tandem_peer32, tandem_peer64;
{tandem_peer8, tandem_peer16, tandem_peer32, tandem_peer64} x;
position p1, p2;
@@

  READ_ONCE(x)@p1
  ... when any
  READ_ONCE(x)@p2

@script:python depends on report@
p1 << value.p1;
p2 << value.p2;
@@
if p1[0].line != p2[0].line:
    coccilib.report.print_report(p2[0], "peer's value read again, first on line %s" % p1[0].line)

@pointer exists@
typedef tandem_peer8, tandem_peer16, tandem_peer32, tandem_peer64;
{tandem_peer8 *, tandem_peer16 *, tandem_peer32 *, tandem_peer64 *} x;
expression E;
position p1, p2;
@@

  *x@p1
  ... when != x = E
  *x@p2

@script:python depends on report@
p1 << pointer.p1;
p2 << pointer.p2;
@@
if p1[0].line != p2[0].line:
    coccilib.report.print_report(p2[0], "peer's value fetched again, first on line %s" % p1[0].line)
