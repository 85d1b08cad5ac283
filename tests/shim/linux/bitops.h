/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_BITOPS_H
#define TANDEM_SHIM_BITOPS_H

#include <linux/bits.h>

static inline int fls(unsigned int x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline int fls64(unsigned long long x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

#endif /* TANDEM_SHIM_BITOPS_H */
