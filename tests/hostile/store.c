// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes in xenstore: reading, writing, waiting for them, and taking a device's
 * away.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer.h"

struct xs_handle *store(void)
{
	static __thread struct xs_handle *xs;
	static __thread pid_t owner;

	if (owner != getpid()) {
		xs = xs_open(0);
		owner = getpid();
		if (!xs) {
			perror("xenstore");
			exit(1);
		}
	}
	return xs;
}

/* Between these two, all that this thread writes appears at once. */
static __thread xs_transaction_t transaction;

void store_begin(void)
{
	transaction = xs_transaction_start(store());
}

bool store_commit(void)
{
	xs_transaction_t t = transaction;

	transaction = XBT_NULL;
	return xs_transaction_end(store(), t, false);
}

static const char *store_path(char *path, const char *dir, const char *key)
{
	snprintf(path, PATH_BYTES, key ? "%s/%s" : "%s", dir, key);
	return path;
}

bool store_put_raw(const char *dir, const char *key, const char *value,
		   unsigned int len)
{
	char path[PATH_BYTES];

	return xs_write(store(), transaction, store_path(path, dir, key),
			value, len);
}

void store_put(const char *dir, const char *key, const char *fmt, ...)
{
	char value[PATH_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (!store_put_raw(dir, key, value, strlen(value)))
		peer_note("xenstore: %s/%s: %s", dir, key, strerror(errno));
}

char *store_get(const char *dir, const char *key)
{
	char path[PATH_BYTES];
	unsigned int len;

	return xs_read(store(), XBT_NULL, store_path(path, dir, key), &len);
}

uint64_t store_num(const char *dir, const char *key, uint64_t otherwise)
{
	char *value = store_get(dir, key);
	uint64_t num = otherwise;

	if (value && *value)
		num = strtoull(value, NULL, 10);
	free(value);
	return num;
}

bool store_exists(const char *path)
{
	char *value = store_get(path, NULL);

	free(value);
	return value;
}

void store_rm(const char *dir, const char *key)
{
	char path[PATH_BYTES];

	xs_rm(store(), XBT_NULL, store_path(path, dir, key));
}

/* Wait until a number, such as a state, is one of those in @mask. */
bool store_wait(const char *dir, const char *key, unsigned int mask,
		unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	for (;;) {
		uint64_t value = store_num(dir, key, XB_UNKNOWN);

		if (value < 32 && mask & STATE(value))
			return true;
		if (now_ms() >= end)
			return false;
		sleep_ms(2);
	}
}

/* Is this a number as both ends write it: decimal digits, nothing else? */
bool is_number(const char *value)
{
	size_t len = strspn(value, "0123456789");

	if (!len || value[len] || len > 20)
		return false;
	errno = 0;
	strtoull(value, NULL, 10);
	return !errno;
}

/* A directory of one domain that another may read, with all that comes into it. */
void store_give(const char *dir, unsigned int owner, unsigned int reader)
{
	struct xs_permissions perms[2] = {
		{ .id = owner, .perms = XS_PERM_NONE },
		{ .id = reader, .perms = XS_PERM_READ },
	};

	if (!xs_mkdir(store(), transaction, dir) ||
	    !xs_set_permissions(store(), transaction, dir, perms, 2))
		peer_note("xenstore: %s: %s", dir, strerror(errno));
}

/* Is there an error of a device: where the bus puts it, or in its directory? */
bool store_has_error(const char *error, const char *dir)
{
	char *a = store_get(error, "error"), *b = store_get(dir, "error");

	free(a);
	free(b);
	return a || b;
}

/* By force: the driver's directory goes, then ours; and with them the device. */
bool store_device_gone(const char *driver, const char *rogue, const char *sysfs,
		       const char *debugfs)
{
	store_rm(driver, NULL);
	store_rm(rogue, NULL);
	if (wait_gone(sysfs, PATIENCE) && wait_gone(debugfs, PATIENCE))
		return true;
	peer_fail(__FILE__, __LINE__, "%s stays", sysfs);
	return false;
}

/* For each device below @dir, but one. */
void store_each(const char *dir, unsigned int but, void (*fn)(unsigned int id))
{
	unsigned int nr = 0, i;
	char **ids = xs_directory(store(), XBT_NULL, dir, &nr);

	for (i = 0; ids && i < nr; i++)
		if ((unsigned int)atoi(ids[i]) != but)
			fn(atoi(ids[i]));
	free(ids);
}
