// SPDX-License-Identifier: GPL-2.0-only
/*
 * Xenstore, in memory: a list of paths with values, and transactions as lists
 * of what is to be written at their end.
 */
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "fake.h"

/**
 * struct store_node - a path and its value
 * @node: on the store's list, or a transaction's
 * @path: the path
 * @value: what is there; in a transaction, NULL means that it is removed
 */
struct store_node {
	struct list_head node;
	char *path;
	char *value;
};

/**
 * struct store_tx - a transaction
 * @node: on the list of all
 * @id: not zero
 * @writes: in the order in which they were made
 */
struct store_tx {
	struct list_head node;
	u32 id;
	struct list_head writes;
};

/* Guards all lists; nothing but the watches' lock is taken inside. */
static DEFINE_MUTEX(store_lock);
static LIST_HEAD(store_nodes);
static LIST_HEAD(store_txs);
static u32 store_last_id;

/* Long beside all that happens meanwhile. */
#define STORE_SLOW_MS	500
static bool store_slow, store_slowed;

static char *store_path(const char *dir, const char *node)
{
	return kasprintf(GFP_KERNEL | __GFP_NOFAIL, "%s%s%s", dir,
			 *node ? "/" : "", node);
}

static bool store_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

static void store_free(struct store_node *node)
{
	list_del(&node->node);
	kfree(node->path);
	kfree(node->value);
	kfree(node);
}

static void store_add(struct list_head *list, const char *path,
		      const char *value)
{
	struct store_node *node = kzalloc(sizeof(*node),
					  GFP_KERNEL | __GFP_NOFAIL);

	node->path = kstrdup(path, GFP_KERNEL | __GFP_NOFAIL);
	if (value)
		node->value = kstrdup(value, GFP_KERNEL | __GFP_NOFAIL);
	list_add_tail(&node->node, list);
}

static struct store_node *store_find(const char *path)
{
	struct store_node *node;

	list_for_each_entry(node, &store_nodes, node)
		if (!strcmp(node->path, path))
			return node;
	return NULL;
}

static void store_apply_remove(const char *path)
{
	struct store_node *node, *next;

	list_for_each_entry_safe(node, next, &store_nodes, node)
		if (store_below(node->path, path))
			store_free(node);
}

static void store_apply(const char *path, const char *value)
{
	struct store_node *node = store_find(path);

	if (!value) {
		store_apply_remove(path);
	} else if (node) {
		kfree(node->value);
		node->value = kstrdup(value, GFP_KERNEL | __GFP_NOFAIL);
	} else {
		store_add(&store_nodes, path, value);
	}
	fake_watch_fire(path);
}

static struct store_tx *store_tx(struct xenbus_transaction t)
{
	struct store_tx *tx;

	list_for_each_entry(tx, &store_txs, node)
		if (tx->id == t.id)
			return tx;
	if (t.id)
		fake_abuse("transaction %u is over", t.id);
	return NULL;
}

/* The value as the transaction sees it; of the store. */
static const char *store_look(const struct store_tx *tx, const char *path)
{
	struct store_node *node;

	if (tx)
		list_for_each_entry_reverse(node, &tx->writes, node)
			if (!strcmp(node->path, path) ||
			    (!node->value && store_below(path, node->path)))
				return node->value;
	node = store_find(path);
	return node ? node->value : NULL;
}

/* Is there anything at or below a path? A removal hides what was below. */
static bool store_has(const struct store_tx *tx, const char *path)
{
	struct store_node *node;

	if (tx)
		list_for_each_entry_reverse(node, &tx->writes, node)
			if (store_below(node->path, path))
				return node->value;
	list_for_each_entry(node, &store_nodes, node)
		if (store_below(node->path, path))
			return true;
	return false;
}

static int store_change(struct xenbus_transaction t, const char *dir,
			const char *name, const char *value)
{
	char *path = store_path(dir, name);
	struct store_tx *tx;

	mutex_lock(&store_lock);
	tx = store_tx(t);
	if (tx)
		store_add(&tx->writes, path, value);
	else
		store_apply(path, value);
	mutex_unlock(&store_lock);
	kfree(path);
	return 0;
}

static char *store_copy(struct xenbus_transaction t, const char *dir,
			const char *name)
{
	char *path = store_path(dir, name);
	const char *value;
	char *copy = NULL;

	mutex_lock(&store_lock);
	value = store_look(store_tx(t), path);
	if (value)
		copy = kstrdup(value, GFP_KERNEL | __GFP_NOFAIL);
	mutex_unlock(&store_lock);
	kfree(path);
	return copy;
}

/**
 * fake_store_get() - read, without fail
 * @dir: directory
 * @node: name in it, or ""
 *
 * Return: a copy, to be freed, or NULL.
 */
char *fake_store_get(const char *dir, const char *node)
{
	return store_copy(XBT_NIL, dir, node);
}

/* Return: the state that a directory says; 0 for none. */
int fake_store_state(const char *dir)
{
	char *text = fake_store_get(dir, "state");
	int state;

	if (!text || kstrtoint(text, 10, &state))
		state = XenbusStateUnknown;
	kfree(text);
	return state;
}

int fake_store_set(const char *dir, const char *node, const char *value)
{
	return store_change(XBT_NIL, dir, node, value);
}

void fake_store_remove(const char *path)
{
	store_change(XBT_NIL, path, "", NULL);
}

/* Return: transactions that were begun and not ended. */
unsigned int fake_store_transactions(void)
{
	unsigned int nr;

	mutex_lock(&store_lock);
	nr = list_count_nodes(&store_txs);
	mutex_unlock(&store_lock);
	return nr;
}

/* Some answers take long, if they are to: those between what may be changed by others. */
static void store_dawdle(void)
{
	if (!READ_ONCE(store_slow))
		return;
	WRITE_ONCE(store_slowed, true);
	msleep(STORE_SLOW_MS);
}

FAKED(xenbus_transaction_start);
int fake_xenbus_transaction_start(struct xenbus_transaction *t)
{
	struct store_tx *tx;

	if (fake_fails(1))
		return -ENOMEM;
	store_dawdle();
	tx = kzalloc(sizeof(*tx), GFP_KERNEL | __GFP_NOFAIL);
	INIT_LIST_HEAD(&tx->writes);
	mutex_lock(&store_lock);
	tx->id = ++store_last_id;
	list_add(&tx->node, &store_txs);
	mutex_unlock(&store_lock);
	t->id = tx->id;
	return 0;
}

static void store_end(struct store_tx *tx, bool commit)
{
	struct store_node *node, *next;

	list_for_each_entry_safe(node, next, &tx->writes, node) {
		if (commit)
			store_apply(node->path, node->value);
		store_free(node);
	}
	list_del(&tx->node);
	kfree(tx);
}

/* Somebody else wrote meanwhile; or the store has no room for what we wrote. */
static int store_end_error(unsigned int way)
{
	switch (way) {
	case 1:
		return -EAGAIN;
	case 2:
		return -ENOSPC;
	default:
		return 0;
	}
}

FAKED(xenbus_transaction_end);
int fake_xenbus_transaction_end(struct xenbus_transaction t, int abort)
{
	int err = store_end_error(fake_fails(2));
	struct store_tx *tx;

	mutex_lock(&store_lock);
	tx = store_tx(t);
	if (tx)
		store_end(tx, !abort && !err);
	mutex_unlock(&store_lock);
	return err;
}

FAKED(xenbus_read);
void *fake_xenbus_read(struct xenbus_transaction t, const char *dir,
		       const char *node, unsigned int *len)
{
	char *value;

	if (fake_fails(1))
		return ERR_PTR(-ENOMEM);
	value = store_copy(t, dir, node);
	if (!value)
		return ERR_PTR(-ENOENT);
	fake_memory_note(value, _RET_IP_);
	if (len)
		*len = strlen(value);
	return value;
}

FAKED(xenbus_scanf);
int fake_xenbus_scanf(struct xenbus_transaction t, const char *dir,
		      const char *node, const char *fmt, ...)
{
	va_list args;
	char *value;
	int n;

	if (fake_fails(1))
		return -ENOMEM;
	value = store_copy(t, dir, node);
	if (!value)
		return -ENOENT;
	va_start(args, fmt);
	n = vsscanf(value, fmt, args);
	va_end(args);
	kfree(value);
	return n ?: -ERANGE;
}

FAKED(xenbus_read_unsigned);
unsigned int fake_xenbus_read_unsigned(const char *dir, const char *node,
				       unsigned int def)
{
	unsigned int number;
	char *value;

	if (fake_fails(1))
		return def;
	value = fake_store_get(dir, node);
	if (!value || kstrtouint(value, 10, &number))
		number = def;
	kfree(value);
	return number;
}

FAKED(xenbus_read_driver_state);
enum xenbus_state fake_xenbus_read_driver_state(const char *path)
{
	enum xenbus_state state;

	if (fake_fails(1))
		return XenbusStateUnknown;
	state = fake_store_state(path);
	store_dawdle();
	return state;
}

/**
 * fake_store_slow() - answers take long
 * @slow: from now on, or no longer
 */
void fake_store_slow(bool slow)
{
	WRITE_ONCE(store_slowed, false);
	WRITE_ONCE(store_slow, slow);
}

/* Return: does somebody wait, or has waited, for a slow answer. */
bool fake_store_slowed(void)
{
	return READ_ONCE(store_slowed);
}

FAKED(xenbus_exists);
int fake_xenbus_exists(struct xenbus_transaction t, const char *dir,
		       const char *node)
{
	char *path;
	bool there;

	if (fake_fails(1))
		return 0;
	path = store_path(dir, node);
	mutex_lock(&store_lock);
	there = store_has(store_tx(t), path);
	mutex_unlock(&store_lock);
	kfree(path);
	return there;
}

FAKED(xenbus_rm);
int fake_xenbus_rm(struct xenbus_transaction t, const char *dir,
		   const char *node)
{
	if (fake_fails(1))
		return -ENOMEM;
	return store_change(t, dir, node, NULL);
}

FAKED(xenbus_write);
int fake_xenbus_write(struct xenbus_transaction t, const char *dir,
		      const char *node, const char *string)
{
	if (fake_fails(1))
		return -ENOSPC;
	return store_change(t, dir, node, string);
}

FAKED(xenbus_printf);
int fake_xenbus_printf(struct xenbus_transaction t, const char *dir,
		       const char *node, const char *fmt, ...)
{
	unsigned int way = fake_fails(2);
	va_list args;
	char *value;
	int err;

	if (way)
		return way == 1 ? -ENOSPC : -ENOMEM;
	va_start(args, fmt);
	value = kvasprintf(GFP_KERNEL | __GFP_NOFAIL, fmt, args);
	va_end(args);
	err = store_change(t, dir, node, value);
	kfree(value);
	return err;
}
