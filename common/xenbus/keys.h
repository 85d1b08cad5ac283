/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys in xenstore, as tables.
 *
 * A driver lists the keys that it reads from a directory, with their type,
 * range and default, and gets a filled struct or one clear error. Text from the
 * store is the peer's, and is parsed strictly: decimal digits and nothing else.
 */
#ifndef TANDEM_XENBUS_KEYS_H
#define TANDEM_XENBUS_KEYS_H

#include <linux/stddef.h>
#include <linux/types.h>

/* Longest text of a number, in digits, leading zeros included. */
#define TANDEM_KEY_DIGITS	20

/* Room for a text made printable, and for a whole message about a key. */
#define TANDEM_KEY_SHOWN	48
#define TANDEM_KEY_MESSAGE	192

/**
 * enum tandem_key_type - how the text of a key reads
 * @TANDEM_KEY_U32: decimal number, at most 2^32 - 1
 * @TANDEM_KEY_U64: decimal number, at most 2^64 - 1
 * @TANDEM_KEY_BOOL: "0" or "1"
 * @TANDEM_KEY_STR: printable ASCII text
 */
enum tandem_key_type {
	TANDEM_KEY_U32,
	TANDEM_KEY_U64,
	TANDEM_KEY_BOOL,
	TANDEM_KEY_STR,
};

/**
 * enum tandem_key_err - what is wrong with a key
 * @TANDEM_KEY_OK: nothing
 * @TANDEM_KEY_ABSENT: required, and not there
 * @TANDEM_KEY_EMPTY: there, without text
 * @TANDEM_KEY_JUNK: a character that does not belong
 * @TANDEM_KEY_SIGN: a sign before the number
 * @TANDEM_KEY_RANGE: outside its range
 * @TANDEM_KEY_LONG: longer than any legal text
 * @TANDEM_KEY_ERRS: number of values
 */
enum tandem_key_err {
	TANDEM_KEY_OK,
	TANDEM_KEY_ABSENT,
	TANDEM_KEY_EMPTY,
	TANDEM_KEY_JUNK,
	TANDEM_KEY_SIGN,
	TANDEM_KEY_RANGE,
	TANDEM_KEY_LONG,
	TANDEM_KEY_ERRS,
};

/**
 * struct tandem_key - one row of a table
 * @name: name of the key, relative to the directory; may contain a slash
 * @type: one of enum tandem_key_type
 * @required: absence is an error
 * @min: least legal number; of a text, its least length
 * @max: greatest legal number; not used for a text, which @size bounds
 * @dflt: number stored if the key is absent, which may lie outside @min to @max
 *        and so tell "absent" from every value; an absent text is stored empty
 * @offset: place in the result struct
 * @size: bytes there: 1, 2, 4 or 8 for a number, and enough for @max and @dflt;
 *        of a text, the bytes of the array, with room for a NUL
 */
struct tandem_key {
	const char *name;
	u8 type;
	bool required;
	u64 min;
	u64 max;
	u64 dflt;
	u16 offset;
	u16 size;
};

/* Place and size of a member of the result struct. */
#define TANDEM_KEY_AT(s, member...)				\
	.offset = offsetof(s, member), .size = sizeof_field(s, member)

/* A required number. */
#define TANDEM_KEY_NEED(s, member, key, kind, lo, hi)		\
	{ .name = (key), .type = (kind), .required = true,	\
	  .min = (lo), .max = (hi), TANDEM_KEY_AT(s, member) }

/* An optional number. */
#define TANDEM_KEY_OPT(s, member, key, kind, lo, hi, def)	\
	{ .name = (key), .type = (kind), .min = (lo),		\
	  .max = (hi), .dflt = (def), TANDEM_KEY_AT(s, member) }

/* An optional "0" or "1". */
#define TANDEM_KEY_FLAG(s, member, key, def)			\
	TANDEM_KEY_OPT(s, member, key, TANDEM_KEY_BOOL, 0, 1, def)

/* An optional text. */
#define TANDEM_KEY_TEXT(s, member, key)				\
	{ .name = (key), .type = TANDEM_KEY_STR, .min = 1,	\
	  TANDEM_KEY_AT(s, member) }

int tandem_key_parse(const struct tandem_key *k, const char *text, size_t len,
		     void *result);
const char *tandem_key_err_str(enum tandem_key_err err);
size_t tandem_key_show(const char *text, size_t len, char *buf, size_t size);
int tandem_key_message(const struct tandem_key *k, enum tandem_key_err err,
		       const char *dir, const char *text, size_t len,
		       char *buf, size_t size);

#ifdef __KERNEL__
struct tandem_device;

int tandem_keys_read(struct tandem_device *dev, const char *dir,
		     const struct tandem_key *keys, unsigned int nr,
		     void *result);
#endif

#endif /* TANDEM_XENBUS_KEYS_H */
