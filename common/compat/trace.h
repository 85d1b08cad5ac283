/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: from 6.10 on __assign_str() knows its source from __string().
 */
#ifndef TANDEM_COMPAT_TRACE_H
#define TANDEM_COMPAT_TRACE_H

#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define tandem_assign_str(dst, src)	\
	do {				\
		(void)(src);		\
		__assign_str(dst);	\
	} while (0)
#else
#define tandem_assign_str(dst, src)	__assign_str(dst, src)
#endif

#endif /* TANDEM_COMPAT_TRACE_H */
