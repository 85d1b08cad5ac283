// SPDX-License-Identifier: GPL-2.0-only
///
/// Memory for I/O must not wait for I/O: swap may be on this very device.
/// GFP_NOIO where sleeping is allowed, GFP_ATOMIC where it is not.
///
// Confidence: High
// Comments: The I/O path is known by the names of its functions.
// Options: --no-includes --include-headers

virtual report

@r exists@
identifier fn =~ "(_queue_rq|_commit_rqs|_drain|_submit|_complete|_respond|_resubmit|_unmap|_decode)(_|$)";
identifier flag = {GFP_KERNEL, GFP_USER, GFP_NOFS};
position p;
@@

fn(...)
{
  ... when any
  flag@p
  ... when any
}

@script:python depends on report@
p << r.p;
fn << r.fn;
flag << r.flag;
@@
coccilib.report.print_report(p[0], "%s in %s, which is on the I/O path" % (flag, fn))
