// SPDX-License-Identifier: GPL-2.0-only
///
/// A reference that was revoked belongs to nobody: a second revoke of the same
/// number hits whoever claimed it since. So the place that held it is cleared, or
/// freed, or goes out of scope; and whether the peer has let go is always asked.
///
// Confidence: Moderate
// Comments: Only references kept in a struct or an array are looked at for clearing,
// Comments: and one path that clears is enough: what the peer still has stays noted.
// Options: --no-includes --include-headers

virtual report

@unasked@
identifier f =~ "^(gnttab_try_end_foreign_access|gnttab_end_foreign_access_ref|tandem_lend_revoke)$";
position p;
@@

  f(...)@p;

@script:python depends on report@
p << unasked.p;
f << unasked.f;
@@
coccilib.report.print_report(p[0], "%s: whether the peer let go is not asked" % f)

@arrow exists@
expression X, V;
identifier m;
identifier f =~ "^(gnttab_(try_)?end_foreign_access|tandem_lend_revoke)";
position p;
@@

  f@p(X->m,...)
  ... when any
  X->m = V

@dot exists@
expression X, V;
identifier m;
identifier f =~ "^(gnttab_(try_)?end_foreign_access|tandem_lend_revoke)";
position p;
@@

  f@p(X.m,...)
  ... when any
  X.m = V

@slot exists@
expression X, V, I;
identifier f =~ "^(gnttab_(try_)?end_foreign_access|tandem_lend_revoke)";
position p;
@@

  f@p(X[I],...)
  ... when any
  X[I] = V

@counted exists@
expression X, V, I;
identifier m, count;
identifier f =~ "^(gnttab_(try_)?end_foreign_access|tandem_lend_revoke)";
position p;
@@

  f@p(X->m[I],...)
  ... when any
  X->count = V

@freed exists@
expression X;
identifier m;
identifier f =~ "^(gnttab_(try_)?end_foreign_access|tandem_lend_revoke)";
position p;
@@

  f@p(X->m,...)
  ... when any
  \(kfree\|kvfree\)(X)

@stale@
expression X, I;
identifier m;
identifier f =~ "^(gnttab_(try_)?end_foreign_access|tandem_lend_revoke)";
position p != {arrow.p, dot.p, slot.p, counted.p, freed.p};
@@

(
  f@p(X->m,...)
|
  f@p(X.m,...)
|
  f@p(X[I],...)
)

@script:python depends on report@
p << stale.p;
f << stale.f;
@@
coccilib.report.print_report(p[0], "%s: the reference stays where it was" % f)
