// SPDX-License-Identifier: GPL-2.0-only
///
/// The state of a device is decided by the table in common/xenbus and written by
/// its glue. A driver says what happened; it never writes a state by itself.
///
// Confidence: High
// Options: --no-includes --include-headers

virtual report

@r@
identifier f =~ "^(xenbus_switch_state|xenbus_frontend_closed|xenbus_dev_fatal)$";
position p;
@@

  f@p(...)

@script:python depends on report@
p << r.p;
f << r.f;
@@
if "common/xenbus/" not in p[0].file:
    coccilib.report.print_report(p[0], "%s writes the state outside common/xenbus" % f)
