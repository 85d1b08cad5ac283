// SPDX-License-Identifier: GPL-2.0-only
///
/// One event for a batch, after its push: an event costs a hypercall here and an
/// interrupt there.
///
// Confidence: Moderate
// Comments: A loop over rings that really needs an event each calls a helper per ring.
// Options: --no-includes --include-headers

virtual report

@looped exists@
identifier f =~ "^(notify_remote_via_(irq|evtchn)|tandem_event_notify)$";
expression list es;
position p1, p2;
@@

  f@p1(es)
  ... when any
  f@p2(es)

@direct@
identifier f =~ "^notify_remote_via_(irq|evtchn)$";
position p;
@@

  f@p(...)

@script:python depends on report@
p1 << looped.p1;
p2 << looped.p2;
f << looped.f;
@@
# A call that comes after itself is in a loop, of whatever kind.
if (p1[0].line, p1[0].column) == (p2[0].line, p2[0].column):
    coccilib.report.print_report(p1[0], "%s in a loop" % f)

@script:python depends on report@
p << direct.p;
f << direct.f;
@@
if "common/event/" not in p[0].file:
    coccilib.report.print_report(p[0], "%s called outside common/event" % f)
