// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel complains of, as a console that listens.
 */
#include <linux/atomic.h>
#include <linux/console.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "fake.h"

static atomic_t complaint_count;
static char complaint_first[120];

static const char *const complaint_words[] = {
	"BUG:", "WARNING:", "KASAN", "UBSAN", "INFO: ", "Oops", "possible ",
	"inconsistent lock", "invalid wait context", "refcount_t:",
	"ODEBUG", "Call Trace", "general protection", "page fault",
	"slab", "leaked", "DEBUG_LOCKS",
};

static bool complaint_is(const char *text, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(complaint_words); i++)
		if (strnstr(text, complaint_words[i], len))
			return true;
	return false;
}

static void complaint_write(struct console *con, const char *text,
			    unsigned int len)
{
	if (!complaint_is(text, len))
		return;
	if (atomic_inc_return(&complaint_count) == 1)
		scnprintf(complaint_first, sizeof(complaint_first), "%.*s",
			  (int)min(len, 110U), text);
}

static struct console complaint_console = {
	.name = "fake",
	.write = complaint_write,
	.flags = CON_ENABLED | CON_ANYTIME,
	.index = -1,
};

/**
 * fake_complaint_take() - has the kernel complained since the last call?
 * @text: filled with the first line
 * @size: of @text
 *
 * Return: lines of complaint.
 */
unsigned int fake_complaint_take(char *text, size_t size)
{
	unsigned int nr = atomic_xchg(&complaint_count, 0);

	text[0] = 0;
	if (nr)
		strscpy(text, complaint_first, size);
	strreplace(text, '\n', ' ');
	return nr;
}

void fake_complaint_init(void)
{
	register_console(&complaint_console);
}

void fake_complaint_exit(void)
{
	unregister_console(&complaint_console);
}
