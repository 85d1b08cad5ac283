// SPDX-License-Identifier: GPL-2.0-only
/*
 * redlog: a kernel that misbehaves on request, to see that the lab notices.
 *
 * A name written to its parameter `make` (or given when it is loaded) says how.
 * It is a thread that does so, since it may never return.
 */
#include <linux/bug.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

static unsigned int seconds = 4;
module_param(seconds, uint, 0644);
MODULE_PARM_DESC(seconds, "how long a processor hangs");

static void redlog_warn(void)
{
	WARN(1, "redlog was asked to warn\n");
}

static void redlog_oops(void)
{
	*(volatile int *)8 = 1;
}

static void redlog_bug(void)
{
	BUG();
}

static void redlog_hang(void)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule();
}

static void redlog_lockup(void)
{
	ktime_t end;
	int i;

	/* a grace period that has begun, and waits for us */
	start_poll_synchronize_rcu();
	for (i = 0; i < 10; i++)
		yield();
	preempt_disable();
	end = ktime_add_ms(ktime_get(), seconds * 1000);
	while (ktime_before(ktime_get(), end))
		for (i = 0; i < 100000; i++)
			barrier();
	preempt_enable();
}

/* Red only where the allocator looks: with slub_debug on the command line. */
static void redlog_slab(void)
{
	u8 *object = kmalloc(64, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(object);
	if (object)
		object[64] = 1;
	kfree(object);
}

static void redlog_free_twice(void)
{
	u8 *object = kmalloc(64, GFP_KERNEL);

	kfree(object);
	OPTIMIZER_HIDE_VAR(object);
	kfree(object);
}

/* The rest is seen by the debug kernel only. */
static void redlog_leak(void)
{
	u8 *object;
	int i;

	/* Of the last ones, a register or a stack may still know. */
	for (i = 0; i < 10; i++) {
		object = kmalloc(64, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(object);
	}
}

static DEFINE_MUTEX(redlog_first);
static DEFINE_MUTEX(redlog_second);

static void redlog_order(void)
{
	mutex_lock(&redlog_first);
	mutex_lock(&redlog_second);
	mutex_unlock(&redlog_second);
	mutex_unlock(&redlog_first);
	mutex_lock(&redlog_second);
	mutex_lock(&redlog_first);
	mutex_unlock(&redlog_first);
	mutex_unlock(&redlog_second);
}

static void redlog_bounds(void)
{
	static int array[16];
	unsigned int i = ARRAY_SIZE(array);

	/* Its neighbours are ours, too, mostly. */
	OPTIMIZER_HIDE_VAR(i);
	array[i]++;
	barrier_data(array);
}

static const struct {
	const char *name;
	void (*fn)(void);
} ways[] = {
	{ "warn", redlog_warn },
	{ "oops", redlog_oops },
	{ "bug", redlog_bug },
	{ "hang", redlog_hang },
	{ "lockup", redlog_lockup },
	{ "slab", redlog_slab },
	{ "free-twice", redlog_free_twice },
	{ "leak", redlog_leak },
	{ "order", redlog_order },
	{ "bounds", redlog_bounds },
};

static int redlog_thread(void *fn)
{
	((void (*)(void))fn)();
	return 0;
}

static int redlog_make(const char *name, const struct kernel_param *param)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		if (sysfs_streq(name, ways[i].name))
			return PTR_ERR_OR_ZERO(kthread_run(redlog_thread,
							   ways[i].fn,
							   "redlog"));
	return -EINVAL;
}

static const struct kernel_param_ops redlog_ops = { .set = redlog_make };

module_param_cb(make, &redlog_ops, NULL, 0200);
MODULE_PARM_DESC(make, "warn, oops, bug, hang, lockup, slab, free-twice, leak, order or bounds");

MODULE_DESCRIPTION("Misbehaves on request");
MODULE_LICENSE("GPL");
