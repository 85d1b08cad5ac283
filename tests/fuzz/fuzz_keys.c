// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arbitrary text for every key of the block protocol; then what came of it
 * through the negotiations, whose results must be within what was offered.
 *
 * The first byte chooses a table. The rest is texts, one for each row in turn,
 * separated by newlines; a row beyond the last text is absent, and a text of
 * one tilde means so too.
 */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/string.h>
#include <linux/types.h>
#include <errno.h>
#include <stdlib.h>

#include "blkif/keys.h"

static const struct table {
	const struct tandem_key *rows;
	unsigned int nr;
	size_t size;
} tables[] = {
	{ tandem_blkif_front_table, TANDEM_BLKIF_NR_FRONT_KEYS,
	  sizeof(struct tandem_blkif_front_keys) },
	{ tandem_blkif_queue_table, TANDEM_BLKIF_NR_QUEUE_KEYS,
	  sizeof(struct tandem_blkif_queue_keys) },
	{ tandem_blkif_offer_table, TANDEM_BLKIF_NR_OFFER_KEYS,
	  sizeof(struct tandem_blkif_back_keys) },
	{ tandem_blkif_device_table, TANDEM_BLKIF_NR_DEVICE_KEYS,
	  sizeof(struct tandem_blkif_back_keys) },
	{ tandem_blkif_tool_table, TANDEM_BLKIF_NR_TOOL_KEYS,
	  sizeof(struct tandem_blkif_tool_keys) },
	{ tandem_blkif_own_table, TANDEM_BLKIF_NR_OWN_KEYS,
	  sizeof(struct tandem_blkif_own_keys) },
};

static const struct tandem_blkif_host host = {
	.max_queues = 4, .max_order = 3, .max_indirect = 256, .persistent = true,
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static u64 stored(const struct tandem_key *k, const u8 *result)
{
	u64 v = 0;

	memcpy(&v, result + k->offset, k->size);
	return v;
}

/* The C library's idea of a number, made strict by looking at it first. */
static bool oracle(const struct tandem_key *k, const char *text, size_t len,
		   u64 *out)
{
	char copy[32];
	size_t i;

	if (!len || len > 20)
		return false;
	for (i = 0; i < len; i++)
		if (!strchr("0123456789", text[i]) || !text[i])
			return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	errno = 0;
	*out = strtoull(copy, NULL, 10);
	if (errno || (k->type == TANDEM_KEY_U32 && *out > UINT32_MAX) ||
	    (k->type == TANDEM_KEY_BOOL && *out > 1))
		return false;
	return *out >= k->min && *out <= k->max;
}

static void check_message(const struct tandem_key *k, int err, const char *text,
			  size_t len)
{
	char buf[TANDEM_KEY_MESSAGE];
	size_t i;

	must(err > 0 && err < TANDEM_KEY_ERRS);
	must(tandem_key_message(k, err, "/local/domain/0/backend/vbd/1/51712",
				text, len, buf, sizeof(buf)) <
	     (int)sizeof(buf));
	for (i = 0; buf[i]; i++)
		must(buf[i] >= 0x20 && buf[i] < 0x7f);
}

static int parse(const struct tandem_key *k, const char *text, size_t len,
		 u8 *result, size_t size)
{
	u8 was[256];
	u64 want;
	size_t i;
	int err;

	memcpy(was, result, size);
	err = tandem_key_parse(k, text, len, result);
	for (i = 0; i < size; i++)
		if (err || i < k->offset || i >= (size_t)k->offset + k->size)
			must(was[i] == result[i]);
	if (err)
		check_message(k, err, text, len);
	if (k->type == TANDEM_KEY_STR) {
		must(err || memchr(result + k->offset, 0, k->size));
	} else if (text) {
		must(!err == oracle(k, text, len, &want));
		must(err || stored(k, result) == want);
	} else {
		must(err ? k->required : stored(k, result) == k->dflt);
	}
	return err;
}

static void agree_front(const struct tandem_blkif_front_keys *k)
{
	struct tandem_blkif_transport t;
	enum tandem_blkif_nego why;

	if (tandem_blkif_accept(k, &host, &t, &why)) {
		must(why > 0 && why < TANDEM_BLKIF_NEGO_COUNT);
		return;
	}
	must(t.nr_queues >= 1 && t.nr_queues <= host.max_queues);
	must(t.ring_order <= host.max_order);
	must(t.abi <= TANDEM_BLKIF_X86_64);
}

static void agree_queue(struct tandem_blkif_queue_keys *k)
{
	struct tandem_blkif_queue_keys copy;
	enum tandem_blkif_nego why;
	unsigned int order, i;

	must(k->event_channel && k->event_channel < 1 << 17);
	for (order = 0; order <= TANDEM_BLKIF_MAX_ORDER; order++) {
		copy = *k;
		if (tandem_blkif_queue_check(&copy, order, &why))
			continue;
		for (i = 0; i < 1U << order; i++)
			must(copy.ring_refs[i] != TANDEM_BLKIF_ABSENT);
	}
}

static void agree_back(const struct tandem_blkif_back_keys *k, bool device)
{
	struct tandem_blkif_transport t;
	struct tandem_blkif_device d;
	enum tandem_blkif_nego why;

	tandem_blkif_choose(k, &host, &t);
	must(t.nr_queues >= 1 && t.nr_queues <= host.max_queues);
	must(t.ring_order <= host.max_order);
	must(t.max_indirect <= host.max_indirect);
	must(!t.max_indirect || t.max_indirect > TANDEM_BLKIF_MAX_SEGS);

	if (!device || tandem_blkif_device_check(k, &d, &why))
		return;
	must(d.sector_size >= 512 && d.sector_size <= 4096);
	must(is_power_of_2(d.sector_size) && is_power_of_2(d.phys_size));
	must(d.phys_size >= d.sector_size);
	must(d.sectors <= S64_MAX / 512 && !(d.sectors % (d.sector_size / 512)));
	must(d.discard == !!d.granularity);
	must(!(d.granularity % d.sector_size) && !(d.alignment % d.sector_size));
	must(d.alignment < d.granularity || !d.alignment);
	must(!d.secure || d.discard);
}

static void agree(unsigned int table, void *result)
{
	switch (table) {
	case 0:
		agree_front(result);
		break;
	case 1:
		agree_queue(result);
		break;
	case 2:
		agree_back(result, false);
		break;
	case 3:
		agree_back(result, true);
		break;
	default:
		break;
	}
}

/* Takes the next text, in memory of its own so that ASan sees a step off. */
static char *next_text(const u8 **data, size_t *left, size_t *len)
{
	const u8 *end;
	char *text;

	*len = 0;
	if (!*left)
		return NULL;
	end = memchr(*data, '\n', *left);
	*len = end ? (size_t)(end - *data) : *left;
	text = malloc(*len ? *len : 1);
	must(text);
	memcpy(text, *data, *len);
	*data += *len + !!end;
	*left -= *len + !!end;
	if (*len == 1 && *text == '~') {
		free(text);
		*len = 0;
		return NULL;
	}
	return text;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u64 space[32];
	const struct table *t;
	unsigned int table, i;
	u8 *result = (u8 *)space;
	int err = 0;

	if (!size)
		return 0;
	table = data[0] % ARRAY_SIZE(tables);
	t = &tables[table];
	must(t->size <= sizeof(space));
	memset(space, 0, sizeof(space));
	data++;
	size--;

	for (i = 0; i < t->nr; i++) {
		size_t len;
		char *text = next_text(&data, &size, &len);

		err |= parse(&t->rows[i], text, len, result, t->size);
		free(text);
	}
	if (!err)
		agree(table, result);
	return 0;
}
