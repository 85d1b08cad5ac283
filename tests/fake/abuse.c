// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that no driver should make, such as ending a grant twice: said in the
 * log, and counted, which fails the life.
 */
#include <linux/atomic.h>
#include <linux/printk.h>

#include "fake.h"

static atomic_t abuse_count;

void fake_abuse(const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	pr_err("fake: abuse: %pV\n", &vaf);
	va_end(args);
	atomic_inc(&abuse_count);
}

/* Return: how many since the last call. */
unsigned int fake_abuse_take(void)
{
	return atomic_xchg(&abuse_count, 0);
}
