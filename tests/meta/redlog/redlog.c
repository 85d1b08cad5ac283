// SPDX-License-Identifier: GPL-2.0-only
/*
 * redlog: a kernel that misbehaves on request, to see that the lab notices.
 * Loading it does what the parameter says; then the load fails, so that it can
 * be loaded again.
 */
#include <linux/bug.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/sched.h>

static char *what = "nothing";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "warn, oops, bug, hang or lockup");

static void redlog_oops(void)
{
	*(volatile int *)8 = 1;
}

static void redlog_hang(void)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule();
}

static void redlog_lockup(void)
{
	preempt_disable();
	for (;;)
		cpu_relax();
}

static int __init redlog_init(void)
{
	if (!strcmp(what, "warn"))
		WARN(1, "redlog was asked to warn\n");
	else if (!strcmp(what, "oops"))
		redlog_oops();
	else if (!strcmp(what, "bug"))
		BUG();
	else if (!strcmp(what, "hang"))
		redlog_hang();
	else if (!strcmp(what, "lockup"))
		redlog_lockup();
	return -ECANCELED;
}
module_init(redlog_init);

MODULE_DESCRIPTION("Misbehaves on request");
MODULE_LICENSE("GPL");
