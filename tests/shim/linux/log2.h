/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_LOG2_H
#define TANDEM_SHIM_LOG2_H

#include <linux/bitops.h>
#include <linux/types.h>

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

static inline int ilog2(unsigned long n)
{
	return fls64(n) - 1;
}

static inline unsigned long rounddown_pow_of_two(unsigned long n)
{
	return 1UL << (fls64(n) - 1);
}

static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	return 1UL << fls64(n - 1);
}

#endif /* TANDEM_SHIM_LOG2_H */
