// SPDX-License-Identifier: GPL-2.0-only
///
/// A peer may rewrite its keys for ever: what it makes us print is rate-limited.
///
// Confidence: Moderate
// Comments: Follows a string from xenbus_read() within one function.
// Options: --no-includes --include-headers

virtual report

@r exists@
expression s;
identifier f =~ "^((pr|dev)_(emerg|alert|crit|err|warn|notice|info)|printk)$";
position p;
@@

(
  s = xenbus_read(...)
|
  s = kasprintf(...)
|
  s = kstrdup(...)
)
  ... when any
  f@p(..., s, ...)

@script:python depends on report@
p << r.p;
f << r.f;
@@
coccilib.report.print_report(p[0], "%s of a peer's string is not rate-limited" % f)
