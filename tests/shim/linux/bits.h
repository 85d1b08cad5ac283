/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_BITS_H
#define TANDEM_SHIM_BITS_H

#define BITS_PER_BYTE		8
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK(h, l)		((~0UL << (l)) & (~0UL >> (63 - (h))))

#endif /* TANDEM_SHIM_BITS_H */
