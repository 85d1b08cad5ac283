// SPDX-License-Identifier: GPL-2.0-only
///
/// Grants go through common/grant, which batches them and which a fake Xen can
/// take the place of.
///
// Confidence: High
// Options: --no-includes --include-headers

virtual report

@r@
identifier f =~ "^(gnttab_|HYPERVISOR_grant_table_op$)";
position p;
@@

  f@p(...)

@script:python depends on report@
p << r.p;
f << r.f;
@@
if "common/grant/" not in p[0].file:
    coccilib.report.print_report(p[0], "%s called outside common/grant" % f)
