// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a table of keys from xenstore, see keys.h.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/slab.h>
#include <xen/xenbus.h>

#include "common/xenbus/device.h"
#include "common/xenbus/keys.h"

/* A peer that keeps writing can spoil a transaction; not for ever, though. */
#define READ_TRIES	8

static int read_errno(enum tandem_key_err err)
{
	switch (err) {
	case TANDEM_KEY_OK:
		return 0;
	case TANDEM_KEY_ABSENT:
		return -ENOENT;
	case TANDEM_KEY_RANGE:
		return -ERANGE;
	default:
		return -EINVAL;
	}
}

/* Fills @message if the store was read but what it says is wrong. */
static int read_key(struct xenbus_transaction xbt, const char *dir,
		    const struct tandem_key *k, void *result, char *message)
{
	enum tandem_key_err err;
	unsigned int len = 0;
	char *text;

	text = xenbus_read(xbt, dir, k->name, &len);
	if (IS_ERR(text)) {
		if (PTR_ERR(text) != -ENOENT)
			return PTR_ERR(text);
		text = NULL;
	}

	err = tandem_key_parse(k, text, len, result);
	if (err)
		tandem_key_message(k, err, dir, text, len, message,
				   TANDEM_KEY_MESSAGE);
	kfree(text);
	return read_errno(err);
}

static int read_table(const char *dir, const struct tandem_key *keys,
		      unsigned int nr, void *result, char *message)
{
	struct xenbus_transaction xbt;
	unsigned int i;
	int err, end;

	err = xenbus_transaction_start(&xbt);
	if (err)
		return err;

	for (i = 0; i < nr && !err; i++)
		err = read_key(xbt, dir, &keys[i], result, message);

	end = xenbus_transaction_end(xbt, err);
	return err ?: end;
}

static void read_report(struct tandem_device *dev, int err, const char *dir,
			const char *message)
{
	if (*message)
		tandem_device_error(dev, err, "%s", message);
	else
		tandem_device_error(dev, err, "reading %s", dir);
}

/**
 * tandem_keys_read() - read a table of keys from one directory
 * @dev: the device on whose behalf, for messages
 * @dir: directory in the store, of either end
 * @keys: the table
 * @nr: number of rows
 * @result: the struct that the rows refer to; partly filled on an error
 *
 * All keys are read in one transaction, so they are of one moment; if the peer
 * keeps changing the directory, a few attempts are made. The first error is
 * reported by tandem_device_error().
 *
 * Context: sleeps; not inside a transaction.
 *
 * Return: 0; -ENOENT for a required key that is absent; -ERANGE for a number
 * outside its range; -EINVAL for other text that is wrong; -EAGAIN if the
 * directory did not hold still; or what the store returned.
 */
int tandem_keys_read(struct tandem_device *dev, const char *dir,
		     const struct tandem_key *keys, unsigned int nr,
		     void *result)
{
	char message[TANDEM_KEY_MESSAGE] = "";
	unsigned int tries;
	int err;

	for (tries = 0; tries < READ_TRIES; tries++) {
		err = read_table(dir, keys, nr, result, message);
		if (err != -EAGAIN)
			break;
	}
	if (err)
		read_report(dev, err, dir, message);

	return err;
}
EXPORT_SYMBOL_GPL(tandem_keys_read);
