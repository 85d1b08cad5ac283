/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ending a timer for good, which has another name since 6.2.
 */
#ifndef TANDEM_COMPAT_TIMER_H
#define TANDEM_COMPAT_TIMER_H

#include <linux/timer.h>
#include <linux/version.h>

static inline void tandem_timer_end(struct timer_list *timer)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	timer_delete_sync(timer);
#else
	del_timer_sync(timer);
#endif
}

#endif /* TANDEM_COMPAT_TIMER_H */
