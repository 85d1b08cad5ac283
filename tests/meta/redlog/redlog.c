// SPDX-License-Identifier: GPL-2.0-only
/*
 * redlog: a kernel that misbehaves on request, to see that the lab notices.
 * Loading it does what the parameter says; then the load fails, so that it can
 * be loaded again.
 */
#include <linux/bug.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>

static char *what = "nothing";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "warn, oops, bug, hang or lockup; leak, locks or shift for a kernel with checkers");

static DEFINE_MUTEX(one);
static DEFINE_MUTEX(other);
static volatile int width = 64;

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

/* not one object: the last may still be found in a register or on a stack */
static void redlog_leak(void)
{
	for (int i = 0; i < 8; i++)
		kzalloc(100, GFP_KERNEL);
}

static void redlog_take(struct mutex *first, struct mutex *second)
{
	mutex_lock(first);
	mutex_lock(second);
	mutex_unlock(second);
	mutex_unlock(first);
}

static void redlog_locks(void)
{
	redlog_take(&one, &other);
	redlog_take(&other, &one);
}

static void redlog_shift(void)
{
	pr_info("redlog: %d\n", 1 << width);
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
	else if (!strcmp(what, "leak"))
		redlog_leak();
	else if (!strcmp(what, "locks"))
		redlog_locks();
	else if (!strcmp(what, "shift"))
		redlog_shift();
	return -ECANCELED;
}
module_init(redlog_init);

MODULE_DESCRIPTION("Misbehaves on request");
MODULE_LICENSE("GPL");
