// SPDX-License-Identifier: GPL-2.0-only
///
/// A shared ring's indices change under our eyes. Only common/ring loads or
/// stores them; everyone else calls its functions, which load once and check.
///
// Confidence: High
// Comments: The macros of the kernel's xen/interface/io/ring.h count as touching.
// Options: --no-includes --include-headers

virtual report

@shared@
struct tandem_sring *s;
expression E;
identifier f =~ "^(req|rsp)_(prod|event)$";
position p;
@@

(
  s->f@p
|
  E->sring->f@p
|
  E.sring->f@p
)

@macro@
identifier m =~ "^(RING_(GET|COPY|PUSH|HAS|FINAL|SIZE|FULL|REQUEST|RESPONSE)|(SHARED|FRONT|BACK)_RING_|XEN_(FRONT|BACK)_RING_)";
position p;
@@

  m@p(...)

@script:python depends on report@
p << shared.p;
f << shared.f;
@@
if "common/ring/" not in p[0].file:
    coccilib.report.print_report(p[0], "shared index %s touched outside common/ring" % f)

@script:python depends on report@
p << macro.p;
m << macro.m;
@@
if "common/ring/" not in p[0].file:
    coccilib.report.print_report(p[0], "%s touches a shared ring outside common/ring" % m)
