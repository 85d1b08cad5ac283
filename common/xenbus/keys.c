// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strict parsing of keys, see keys.h. Pure: may be called in any context.
 */
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "keys.h"

static const char *const keys_err[TANDEM_KEY_ERRS] = {
	[TANDEM_KEY_OK] = "no error",
	[TANDEM_KEY_ABSENT] = "missing",
	[TANDEM_KEY_EMPTY] = "empty",
	[TANDEM_KEY_JUNK] = "stray character",
	[TANDEM_KEY_SIGN] = "signed",
	[TANDEM_KEY_RANGE] = "out of range",
	[TANDEM_KEY_LONG] = "too long",
};

static bool keys_printable(char c)
{
	return c >= 0x20 && c < 0x7f;
}

static bool keys_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Ahead of any arithmetic: is this text of the form of a number at all? */
static enum tandem_key_err keys_check_digits(const char *text, size_t len)
{
	size_t i;

	if (!len)
		return TANDEM_KEY_EMPTY;
	if (text[0] == '-' || text[0] == '+')
		return TANDEM_KEY_SIGN;
	if (len > TANDEM_KEY_DIGITS)
		return TANDEM_KEY_LONG;
	for (i = 0; i < len; i++)
		if (!keys_digit(text[i]))
			return TANDEM_KEY_JUNK;

	return TANDEM_KEY_OK;
}

static enum tandem_key_err keys_parse_number(const char *text, size_t len,
					     u64 *out)
{
	enum tandem_key_err err = keys_check_digits(text, len);
	u64 v = 0;
	size_t i;

	if (err)
		return err;

	for (i = 0; i < len; i++) {
		u64 digit = text[i] - '0';

		if (check_mul_overflow(v, (u64)10, &v) ||
		    check_add_overflow(v, digit, &v))
			return TANDEM_KEY_RANGE;
	}

	*out = v;
	return TANDEM_KEY_OK;
}

static u64 keys_max(const struct tandem_key *k)
{
	switch (k->type) {
	case TANDEM_KEY_BOOL:
		return 1;
	case TANDEM_KEY_U32:
		return min_t(u64, k->max, U32_MAX);
	default:
		return k->max;
	}
}

static void keys_store_number(const struct tandem_key *k, u64 v, void *result)
{
	void *at = (u8 *)result + k->offset;

	switch (k->size) {
	case 1:
		*(u8 *)at = v;
		break;
	case 2:
		*(u16 *)at = v;
		break;
	case 4:
		*(u32 *)at = v;
		break;
	default:
		*(u64 *)at = v;
		break;
	}
}

static enum tandem_key_err keys_number(const struct tandem_key *k,
				       const char *text, size_t len,
				       void *result)
{
	enum tandem_key_err err;
	u64 v;

	err = keys_parse_number(text, len, &v);
	if (err)
		return err;
	if (v < k->min || v > keys_max(k))
		return TANDEM_KEY_RANGE;

	keys_store_number(k, v, result);
	return TANDEM_KEY_OK;
}

static enum tandem_key_err keys_text(const struct tandem_key *k,
				     const char *text, size_t len, void *result)
{
	char *at = (char *)result + k->offset;
	size_t i;

	if (!len && k->min)
		return TANDEM_KEY_EMPTY;
	if (len < k->min)
		return TANDEM_KEY_RANGE;
	if (len >= k->size)
		return TANDEM_KEY_LONG;
	for (i = 0; i < len; i++)
		if (!keys_printable(text[i]))
			return TANDEM_KEY_JUNK;

	memcpy(at, text, len);
	memset(at + len, 0, k->size - len);
	return TANDEM_KEY_OK;
}

static enum tandem_key_err keys_absent(const struct tandem_key *k, void *result)
{
	if (k->required)
		return TANDEM_KEY_ABSENT;
	if (k->type == TANDEM_KEY_STR)
		memset((char *)result + k->offset, 0, k->size);
	else
		keys_store_number(k, k->dflt, result);

	return TANDEM_KEY_OK;
}

/**
 * tandem_key_parse() - check the text of a key and store what it says
 * @k: the key
 * @text: its text, need not be terminated; NULL if the key is absent
 * @len: bytes of @text; a NUL among them is a stray character
 * @result: the struct that @k->offset refers to
 *
 * A number is decimal digits, at most TANDEM_KEY_DIGITS: no sign, no space, no
 * newline, no prefix. Leading zeros are allowed and do not make it octal.
 *
 * Return: one of enum tandem_key_err; unless it is TANDEM_KEY_OK, the result is
 * untouched.
 */
int tandem_key_parse(const struct tandem_key *k, const char *text, size_t len,
		     void *result)
{
	if (!text)
		return keys_absent(k, result);
	if (k->type == TANDEM_KEY_STR)
		return keys_text(k, text, len, result);

	return keys_number(k, text, len, result);
}
EXPORT_SYMBOL_GPL(tandem_key_parse);

/**
 * tandem_key_err_str() - name an error
 * @err: the error
 *
 * Return: a word or two of English.
 */
const char *tandem_key_err_str(enum tandem_key_err err)
{
	return (unsigned int)err < ARRAY_SIZE(keys_err) ? keys_err[err] : "?";
}
EXPORT_SYMBOL_GPL(tandem_key_err_str);

/* One character as shown: itself, or \xNN. Returns the number of bytes. */
static size_t keys_show_char(char c, char *out)
{
	static const char hex[] = "0123456789abcdef";

	if (keys_printable(c) && c != '\\' && c != '\'') {
		out[0] = c;
		return 1;
	}

	out[0] = '\\';
	out[1] = 'x';
	out[2] = hex[(u8)c >> 4];
	out[3] = hex[(u8)c & 15];
	return 4;
}

/**
 * tandem_key_show() - make text of a peer fit for a log
 * @text: the text, need not be terminated
 * @len: bytes of @text
 * @buf: receives it, terminated
 * @size: bytes at @buf, at least 8
 *
 * What is not printable ASCII, and quotes and backslashes, come out as \xNN, so
 * that text cannot pose as anything else. What does not fit is replaced by dots.
 *
 * Return: length of the result.
 */
size_t tandem_key_show(const char *text, size_t len, char *buf, size_t size)
{
	static const char dots[] = "...";
	size_t room = size - sizeof(dots);
	size_t at = 0, i, n;
	char shown[4];

	for (i = 0; i < len; i++) {
		n = keys_show_char(text[i], shown);
		if (at + n > room)
			break;
		memcpy(buf + at, shown, n);
		at += n;
	}

	if (i < len) {
		memcpy(buf + at, dots, sizeof(dots) - 1);
		at += sizeof(dots) - 1;
	}

	buf[at] = '\0';
	return at;
}
EXPORT_SYMBOL_GPL(tandem_key_show);

/* What the text should have been. */
static void keys_wanted(const struct tandem_key *k, char *buf, size_t size)
{
	switch (k->type) {
	case TANDEM_KEY_BOOL:
		snprintf(buf, size, "0 or 1");
		break;
	case TANDEM_KEY_STR:
		snprintf(buf, size, "a plain text of at most %u characters",
			 k->size - 1U);
		break;
	default:
		snprintf(buf, size, "a number between %llu and %llu",
			 (unsigned long long)k->min,
			 (unsigned long long)keys_max(k));
		break;
	}
}

/**
 * tandem_key_message() - say in one line what is wrong with a key
 * @k: the key
 * @err: what tandem_key_parse() returned
 * @dir: directory of the key, in the store
 * @text: text of the key; may be NULL if it is absent
 * @len: bytes of @text
 * @buf: receives the line, without a newline, terminated, cut if too long
 * @size: bytes at @buf; TANDEM_KEY_MESSAGE is right
 *
 * Return: length of the line, uncut, as snprintf() does.
 */
int tandem_key_message(const struct tandem_key *k, enum tandem_key_err err,
		       const char *dir, const char *text, size_t len,
		       char *buf, size_t size)
{
	char shown[TANDEM_KEY_SHOWN];
	char wanted[64];

	if (err == TANDEM_KEY_ABSENT || err == TANDEM_KEY_EMPTY)
		return snprintf(buf, size, "%s/%s: is %s", dir, k->name,
				tandem_key_err_str(err));

	tandem_key_show(text, len, shown, sizeof(shown));
	keys_wanted(k, wanted, sizeof(wanted));
	return snprintf(buf, size, "%s/%s: '%s' is not %s (%s)", dir, k->name,
			shown, wanted, tandem_key_err_str(err));
}
EXPORT_SYMBOL_GPL(tandem_key_message);
