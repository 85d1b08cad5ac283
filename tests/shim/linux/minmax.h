/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_MINMAX_H
#define TANDEM_SHIM_MINMAX_H

#ifndef __cplusplus
#ifndef min
#define min(a, b) ({			\
	__typeof__(a) __min_a = (a);	\
	__typeof__(b) __min_b = (b);	\
	(void)(&__min_a == &__min_b);	\
	__min_a < __min_b ? __min_a : __min_b; })
#define max(a, b) ({			\
	__typeof__(a) __max_a = (a);	\
	__typeof__(b) __max_b = (b);	\
	(void)(&__max_a == &__max_b);	\
	__max_a > __max_b ? __max_a : __max_b; })
#endif
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define clamp_t(type, v, lo, hi) \
	min_t(type, max_t(type, v, lo), hi)
#endif

#endif /* TANDEM_SHIM_MINMAX_H */
