// SPDX-License-Identifier: GPL-2.0-only
///
/// A peer that breaks the protocol loses its device, not the machine. An invariant
/// of our own is a WARN_ON_ONCE, and the code goes on in some safe way.
///
// Confidence: High
// Options: --no-includes --include-headers

virtual report

@r@
identifier f =~ "^(BUG|BUG_ON|panic|VM_BUG_ON|VM_BUG_ON_PAGE)$";
position p;
@@

  f@p(...)

@script:python depends on report@
p << r.p;
f << r.f;
@@
coccilib.report.print_report(p[0], "%s stops the machine" % f)
