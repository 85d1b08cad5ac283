/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_ALIGN_H
#define TANDEM_SHIM_ALIGN_H

#ifndef ALIGN
#define ALIGN(x, a)		(((x) + (__typeof__(x))((a) - 1)) & ~((__typeof__(x))((a) - 1)))
#define IS_ALIGNED(x, a)	(((x) & ((__typeof__(x))(a) - 1)) == 0)
#endif

#endif /* TANDEM_SHIM_ALIGN_H */
