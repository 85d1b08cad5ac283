/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_BUG_H
#define TANDEM_SHIM_BUG_H

#include <stdio.h>
#include <stdlib.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>

/*
 * A warning is a broken invariant of our own, so a test that meets one it did
 * not ask for must fail: by default it ends the program. A test that provokes
 * one on purpose counts them instead, by setting tandem_shim_warn_ok.
 */
static int tandem_shim_warn_ok __maybe_unused;
static unsigned int tandem_shim_warnings __maybe_unused;

static inline int tandem_shim_warn(const char *expr, const char *file, int line)
{
	tandem_shim_warnings++;
	if (!tandem_shim_warn_ok) {
		fprintf(stderr, "%s:%d: WARN_ON(%s)\n", file, line, expr);
		abort();
	}
	return 1;
}

#define WARN_ON(c)	(unlikely(c) ? tandem_shim_warn(#c, __FILE__, __LINE__) : 0)
#define WARN_ON_ONCE(c)	WARN_ON(c)

/* What a caller promised; production code does not check it, tests do. */
#define tandem_shim_assert(c) do {					\
		if (unlikely(!(c))) {					\
			fprintf(stderr, "%s:%d: broken promise: %s\n",	\
				__FILE__, __LINE__, #c);		\
			abort();					\
		}							\
	} while (0)

#endif /* TANDEM_SHIM_BUG_H */
