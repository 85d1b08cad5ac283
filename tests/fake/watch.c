// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watches, and the one thread that serves them all: devices come and go in it
 * too, as on the real bus.
 */
#include <linux/completion.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "fake.h"

/**
 * struct watch_event - a path was written that a watch is for
 * @node: on the list of those to be told
 * @watch: the watch
 * @path: the path
 */
struct watch_event {
	struct list_head node;
	struct xenbus_watch *watch;
	char *path;
};

static struct workqueue_struct *watch_queue;
static void watch_work_fn(struct work_struct *work);
static DECLARE_WORK(watch_work, watch_work_fn);

/* Guards both lists. */
static DEFINE_SPINLOCK(watch_lock);
static LIST_HEAD(watch_list);
static LIST_HEAD(watch_events);

/* Held while a callback runs. */
static DEFINE_MUTEX(watch_running);
static struct task_struct *watch_task;

static void watch_event_free(struct watch_event *event)
{
	kfree(event->path);
	kfree(event);
}

static struct watch_event *watch_next(void)
{
	struct watch_event *event;

	spin_lock(&watch_lock);
	event = list_first_entry_or_null(&watch_events, struct watch_event,
					 node);
	if (event)
		list_del(&event->node);
	spin_unlock(&watch_lock);
	return event;
}

static void watch_work_fn(struct work_struct *work)
{
	struct watch_event *event;

	mutex_lock(&watch_running);
	watch_task = current;
	while ((event = watch_next())) {
		event->watch->callback(event->watch, event->path, "");
		watch_event_free(event);
	}
	watch_task = NULL;
	mutex_unlock(&watch_running);
}

static void watch_queue_event(struct xenbus_watch *watch, const char *path)
{
	struct watch_event *event = kzalloc(sizeof(*event),
					    GFP_ATOMIC | __GFP_NOFAIL);

	event->watch = watch;
	event->path = kstrdup(path, GFP_ATOMIC | __GFP_NOFAIL);
	list_add_tail(&event->node, &watch_events);
	queue_work(watch_queue, &watch_work);
}

/* A watch is told of what is written at its path and below it, or removed above. */
static bool watch_wants(const struct xenbus_watch *watch, const char *path)
{
	size_t at = strlen(watch->node), len = strlen(path);
	size_t n = min(at, len);

	return !strncmp(watch->node, path, n) &&
	       (at == len || (at > len ? watch->node[n] : path[n]) == '/');
}

void fake_watch_fire(const char *path)
{
	struct xenbus_watch *watch;

	spin_lock(&watch_lock);
	list_for_each_entry(watch, &watch_list, list)
		if (watch_wants(watch, path))
			watch_queue_event(watch, path);
	spin_unlock(&watch_lock);
}

/* A new watch is told at once, as the store does. */
int fake_watch_add(struct xenbus_watch *watch)
{
	spin_lock(&watch_lock);
	list_add(&watch->list, &watch_list);
	watch_queue_event(watch, watch->node);
	spin_unlock(&watch_lock);
	return 0;
}

static void watch_drop_events(struct xenbus_watch *watch)
{
	struct watch_event *event, *next;

	list_for_each_entry_safe(event, next, &watch_events, node) {
		if (event->watch != watch)
			continue;
		list_del(&event->node);
		watch_event_free(event);
	}
}

static bool watch_known(const struct xenbus_watch *watch)
{
	struct xenbus_watch *other;

	list_for_each_entry(other, &watch_list, list)
		if (other == watch)
			return true;
	return false;
}

void fake_watch_remove(struct xenbus_watch *watch)
{
	bool known;

	spin_lock(&watch_lock);
	known = watch_known(watch);
	if (known)
		list_del(&watch->list);
	watch_drop_events(watch);
	spin_unlock(&watch_lock);
	if (!known)
		fake_abuse("a watch is removed that is not there");
	/* Wait for one that runs, unless it is the caller. */
	if (READ_ONCE(watch_task) == current)
		return;
	mutex_lock(&watch_running);
	mutex_unlock(&watch_running);
}

/* Return: how many watches there are. */
unsigned int fake_watch_count(void)
{
	unsigned int nr;

	spin_lock(&watch_lock);
	nr = list_count_nodes(&watch_list);
	spin_unlock(&watch_lock);
	return nr;
}

FAKED(xenbus_watch_pathfmt);
__printf(5, 6)
int fake_xenbus_watch_pathfmt(struct xenbus_device *dev,
			      struct xenbus_watch *watch,
			      bool (*will_handle)(struct xenbus_watch *,
						  const char *, const char *),
			      void (*callback)(struct xenbus_watch *,
					       const char *, const char *),
			      const char *fmt, ...)
{
	va_list args;

	if (fake_fails(1))
		return -ENOMEM;
	va_start(args, fmt);
	watch->node = kvasprintf(GFP_KERNEL | __GFP_NOFAIL, fmt, args);
	va_end(args);
	fake_memory_note(watch->node, _RET_IP_);
	watch->will_handle = will_handle;
	watch->callback = callback;
	return fake_watch_add(watch);
}

FAKED(unregister_xenbus_watch);
void fake_unregister_xenbus_watch(struct xenbus_watch *watch)
{
	fake_watch_remove(watch);
}

/**
 * struct watch_call - a call to be made in the thread of the watches
 * @work: on its queue
 * @done: it has been made
 * @fn: the function
 * @arg: its argument
 */
struct watch_call {
	struct work_struct work;
	struct completion done;
	void (*fn)(void *arg);
	void *arg;
};

static void watch_call_fn(struct work_struct *work)
{
	struct watch_call *call = container_of(work, struct watch_call, work);

	mutex_lock(&watch_running);
	watch_task = current;
	call->fn(call->arg);
	watch_task = NULL;
	mutex_unlock(&watch_running);
	complete(&call->done);
}

void fake_watch_run(void (*fn)(void *arg), void *arg)
{
	struct watch_call call = { .fn = fn, .arg = arg };

	INIT_WORK_ONSTACK(&call.work, watch_call_fn);
	init_completion(&call.done);
	queue_work(watch_queue, &call.work);
	wait_for_completion(&call.done);
	destroy_work_on_stack(&call.work);
}

int fake_watch_init(void)
{
	watch_queue = alloc_ordered_workqueue("fake_xenwatch", 0);
	return watch_queue ? 0 : -ENOMEM;
}

void fake_watch_exit(void)
{
	destroy_workqueue(watch_queue);
}
