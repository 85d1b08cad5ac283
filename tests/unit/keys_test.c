// SPDX-License-Identifier: GPL-2.0-only
/*
 * common/xenbus/keys and blkif/keys: strict parsing, messages, the block
 * protocol's tables and what the two ends make of them.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/types.h>
#include <stdlib.h>

#include "kselftest_harness.h"

#include "blkif/keys.c"

struct result {
	u8 before;
	bool flag;
	u8 byte;
	u16 half;
	u32 word;
	u64 wide;
	char text[8];
	u8 after;
};

#define R	struct result
#define KEY(x)	TANDEM_KEY_##x

static const struct tandem_key key_flag = TANDEM_KEY_FLAG(R, flag, "flag", 1);
static const struct tandem_key key_word =
	TANDEM_KEY_NEED(R, word, "word", TANDEM_KEY_U32, 0, U32_MAX);
static const struct tandem_key key_wide =
	TANDEM_KEY_NEED(R, wide, "wide", TANDEM_KEY_U64, 0, U64_MAX);
static const struct tandem_key key_small =
	TANDEM_KEY_OPT(R, byte, "small", TANDEM_KEY_U32, 1, 16, 200);
static const struct tandem_key key_half =
	TANDEM_KEY_OPT(R, half, "half", TANDEM_KEY_U32, 1, 65535, 0);
static const struct tandem_key key_text = TANDEM_KEY_TEXT(R, text, "text");

static int parse(const struct tandem_key *k, const char *text, R *r)
{
	return tandem_key_parse(k, text, text ? strlen(text) : 0, r);
}

/* What is wrong with a number whatever its key, and that nothing is stored. */
TEST(numbers_refused)
{
	static const struct {
		const char *text;
		int err;
	} rows[] = {
		{ "", KEY(EMPTY) },
		{ "-1", KEY(SIGN) }, { "+1", KEY(SIGN) }, { "-", KEY(SIGN) },
		{ "-0", KEY(SIGN) },
		{ "8 ", KEY(JUNK) }, { " 8", KEY(JUNK) }, { "8\n", KEY(JUNK) },
		{ "0x10", KEY(JUNK) }, { "1e3", KEY(JUNK) }, { "1.0", KEY(JUNK) },
		{ "1,000", KEY(JUNK) }, { "one", KEY(JUNK) }, { "/", KEY(JUNK) },
		{ ":", KEY(JUNK) }, { "1-", KEY(JUNK) }, { "\xb2", KEY(JUNK) },
		{ "18446744073709551616", KEY(RANGE) },
		{ "18446744073709551620", KEY(RANGE) },
		{ "99999999999999999999", KEY(RANGE) },
		{ "184467440737095516150", KEY(LONG) },
		{ "000000000000000000001", KEY(LONG) },
	};
	static const struct tandem_key *keys[] = {
		&key_flag, &key_word, &key_wide, &key_small, &key_half,
	};
	unsigned int i, j;
	R r, was;

	memset(&was, 0x5a, sizeof(was));
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (j = 0; j < ARRAY_SIZE(keys); j++) {
			r = was;
			EXPECT_EQ(rows[i].err, parse(keys[j], rows[i].text, &r))
				TH_LOG("'%s'", rows[i].text);
			EXPECT_EQ(0, memcmp(&r, &was, sizeof(r)));
		}
}

TEST(numbers_accepted)
{
	static const struct {
		const char *text;
		u64 v;
	} rows[] = {
		{ "0", 0 }, { "1", 1 }, { "9", 9 }, { "10", 10 }, { "007", 7 },
		{ "4294967295", U32_MAX },
		{ "4294967296", 1ULL << 32 },
		{ "18446744073709551615", U64_MAX },
		{ "18446744073709551609", U64_MAX - 6 },
		{ "00000000000000000001", 1 },
	};
	unsigned int i;
	R r;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(0, parse(&key_wide, rows[i].text, &r));
		EXPECT_EQ(rows[i].v, r.wide);
		EXPECT_EQ(rows[i].v > U32_MAX ? KEY(RANGE) : KEY(OK),
			  parse(&key_word, rows[i].text, &r));
		if (rows[i].v <= U32_MAX)
			EXPECT_EQ(rows[i].v, r.word);
	}
}

TEST(ranges)
{
	char text[24];
	unsigned int v;
	R r;

	for (v = 0; v < 70000; v++) {
		snprintf(text, sizeof(text), "%u", v);
		ASSERT_EQ(v >= 1 && v <= 16 ? KEY(OK) : KEY(RANGE),
			  parse(&key_small, text, &r));
		ASSERT_EQ(v >= 1 && v <= 65535 ? KEY(OK) : KEY(RANGE),
			  parse(&key_half, text, &r));
		ASSERT_EQ(v <= 1 ? KEY(OK) : KEY(RANGE),
			  parse(&key_flag, text, &r));
		if (v >= 1 && v <= 65535)
			ASSERT_EQ(v, r.half);
	}
}

/* A table that asks for more than the type has is held to the type. */
TEST(type_bounds_the_range)
{
	struct tandem_key k = key_word;
	R r;

	k.max = U64_MAX;
	EXPECT_EQ(KEY(OK), parse(&k, "4294967295", &r));
	EXPECT_EQ(KEY(RANGE), parse(&k, "4294967296", &r));
	k = key_flag;
	k.max = 7;
	EXPECT_EQ(KEY(RANGE), parse(&k, "2", &r));
}

TEST(only_the_member_is_written)
{
	static const struct tandem_key *keys[] = {
		&key_flag, &key_word, &key_wide, &key_small, &key_half, &key_text,
	};
	unsigned int i, at;
	R r, was;

	memset(&was, 0x5a, sizeof(was));
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		r = was;
		ASSERT_EQ(0, parse(keys[i], "1", &r));
		for (at = 0; at < sizeof(r); at++)
			if (at < keys[i]->offset ||
			    at >= keys[i]->offset + keys[i]->size)
				EXPECT_EQ(0x5a, ((u8 *)&r)[at]);
	}
}

TEST(four_kilobytes)
{
	static char text[4096];
	static const char fill[] = { '1', '0', ' ', 'a', '\0', '\xff' };
	unsigned int i;
	R r;

	for (i = 0; i < sizeof(fill); i++) {
		memset(text, fill[i], sizeof(text));
		EXPECT_EQ(KEY(LONG), tandem_key_parse(&key_wide, text, 4096, &r));
		EXPECT_EQ(KEY(LONG), tandem_key_parse(&key_text, text, 4096, &r));
	}
}

/* The length counts, not a NUL. */
TEST(embedded_nul)
{
	R r;

	EXPECT_EQ(KEY(JUNK), tandem_key_parse(&key_word, "1\0", 2, &r));
	EXPECT_EQ(KEY(JUNK), tandem_key_parse(&key_word, "\0", 1, &r));
	EXPECT_EQ(KEY(JUNK), tandem_key_parse(&key_text, "a\0b", 3, &r));
	EXPECT_EQ(KEY(OK), tandem_key_parse(&key_word, "123", 2, &r));
	EXPECT_EQ(12, r.word);
}

TEST(absent)
{
	R r;

	memset(&r, 0x5a, sizeof(r));
	EXPECT_EQ(KEY(ABSENT), parse(&key_word, NULL, &r));
	EXPECT_EQ(0x5a5a5a5a, r.word);
	EXPECT_EQ(KEY(OK), parse(&key_small, NULL, &r));
	EXPECT_EQ(200, r.byte);
	EXPECT_EQ(KEY(OK), parse(&key_flag, NULL, &r));
	EXPECT_EQ(true, r.flag);
	EXPECT_EQ(KEY(OK), parse(&key_text, NULL, &r));
	EXPECT_TRUE(mem_is_zero(r.text, sizeof(r.text)));
}

TEST(texts)
{
	struct tandem_key k = key_text;
	char one[2] = "";
	unsigned int c;
	R r;

	memset(&r, 0x5a, sizeof(r));
	EXPECT_EQ(KEY(OK), parse(&k, "seven77", &r));
	EXPECT_STREQ("seven77", r.text);
	EXPECT_EQ(KEY(LONG), parse(&k, "eight888", &r));
	EXPECT_STREQ("seven77", r.text);
	EXPECT_EQ(KEY(OK), parse(&k, "w", &r));
	EXPECT_TRUE(mem_is_zero(r.text + 1, 7));
	EXPECT_EQ(KEY(EMPTY), parse(&k, "", &r));
	k.min = 0;
	EXPECT_EQ(KEY(OK), parse(&k, "", &r));
	EXPECT_STREQ("", r.text);
	k.min = 3;
	EXPECT_EQ(KEY(RANGE), parse(&k, "ab", &r));
	k.min = 1;
	for (c = 0; c < 256; c++) {
		one[0] = c;
		EXPECT_EQ(c >= 0x20 && c < 0x7f ? KEY(OK) : KEY(JUNK),
			  tandem_key_parse(&k, one, 1, &r));
	}
}

TEST(texts_are_shown_safely)
{
	static char all[256];
	char buf[64];
	unsigned int i, size;

	tandem_key_show("plain", 5, buf, sizeof(buf));
	EXPECT_STREQ("plain", buf);
	tandem_key_show("", 0, buf, sizeof(buf));
	EXPECT_STREQ("", buf);
	tandem_key_show("a\n'\\\x1b\xff", 6, buf, sizeof(buf));
	EXPECT_STREQ("a\\x0a\\x27\\x5c\\x1b\\xff", buf);

	/* of any size, terminated, printable, cut only at a whole character */
	for (i = 0; i < 256; i++)
		all[i] = i * 37;
	for (size = 8; size <= sizeof(buf); size++) {
		size_t len;

		memset(buf, 0x5a, sizeof(buf));
		len = tandem_key_show(all, sizeof(all), buf, size);
		ASSERT_LT(len, size);
		ASSERT_EQ(len, strlen(buf));
		for (i = 0; i < len; i++)
			ASSERT_TRUE(buf[i] >= 0x20 && buf[i] < 0x7f);
		ASSERT_STREQ("...", buf + len - 3);
		for (i = size; i < sizeof(buf); i++)
			ASSERT_EQ(0x5a, buf[i]);
	}
}

TEST(messages)
{
	char buf[TANDEM_KEY_MESSAGE];
	static char junk[4096];

#define MESSAGE(want, k, err, text) do {				\
		tandem_key_message(k, err, "/dir", text, strlen(text),	\
				   buf, sizeof(buf));			\
		EXPECT_STREQ(want, buf);				\
	} while (0)

	MESSAGE("/dir/small: '17' is not a number between 1 and 16 (out of range)",
		&key_small, KEY(RANGE), "17");
	MESSAGE("/dir/small: '8 ' is not a number between 1 and 16 (stray character)",
		&key_small, KEY(JUNK), "8 ");
	MESSAGE("/dir/small: '-1' is not a number between 1 and 16 (signed)",
		&key_small, KEY(SIGN), "-1");
	MESSAGE("/dir/flag: '2' is not 0 or 1 (out of range)",
		&key_flag, KEY(RANGE), "2");
	MESSAGE("/dir/text: 'much too long' is not a plain text of at most 7 characters (too long)",
		&key_text, KEY(LONG), "much too long");
	MESSAGE("/dir/word: is empty", &key_word, KEY(EMPTY), "");
	MESSAGE("/dir/wide: 'x' is not a number between 0 and 18446744073709551615 (stray character)",
		&key_wide, KEY(JUNK), "x");
	MESSAGE("/dir/word: 'x' is not a number between 0 and 4294967295 (stray character)",
		&key_word, KEY(JUNK), "x");
#undef MESSAGE

	tandem_key_message(&key_word, KEY(ABSENT), "/dir", NULL, 0, buf,
			   sizeof(buf));
	EXPECT_STREQ("/dir/word: is missing", buf);

	memset(junk, '\n', sizeof(junk));
	tandem_key_message(&key_word, KEY(LONG), "/dir", junk, sizeof(junk), buf,
			   sizeof(buf));
	EXPECT_EQ(NULL, strchr(buf, '\n'));
	EXPECT_NE(NULL, strstr(buf, "...' is not a number"));
	EXPECT_NE(NULL, strstr(buf, "(too long)"));
}

TEST(errors_have_names)
{
	unsigned int i;

	for (i = 0; i < TANDEM_KEY_ERRS; i++)
		EXPECT_STRNE("?", tandem_key_err_str(i));
	EXPECT_STREQ("?", tandem_key_err_str(TANDEM_KEY_ERRS));
	for (i = 0; i < TANDEM_BLKIF_NEGO_COUNT; i++)
		EXPECT_STRNE("?", tandem_blkif_nego_str(i));
	EXPECT_STREQ("?", tandem_blkif_nego_str(TANDEM_BLKIF_NEGO_COUNT));
}

/* Each row fits its member, and no two rows of a table are of one name. */
static const struct {
	const char *name;
	const struct tandem_key *rows;
	unsigned int nr;
	size_t size;
} tables[] = {
	{ "front", tandem_blkif_front_table, TANDEM_BLKIF_NR_FRONT_KEYS,
	  sizeof(struct tandem_blkif_front_keys) },
	{ "queue", tandem_blkif_queue_table, TANDEM_BLKIF_NR_QUEUE_KEYS,
	  sizeof(struct tandem_blkif_queue_keys) },
	{ "offer", tandem_blkif_offer_table, TANDEM_BLKIF_NR_OFFER_KEYS,
	  sizeof(struct tandem_blkif_back_keys) },
	{ "device", tandem_blkif_device_table, TANDEM_BLKIF_NR_DEVICE_KEYS,
	  sizeof(struct tandem_blkif_back_keys) },
	{ "tool", tandem_blkif_tool_table, TANDEM_BLKIF_NR_TOOL_KEYS,
	  sizeof(struct tandem_blkif_tool_keys) },
	{ "own", tandem_blkif_own_table, TANDEM_BLKIF_NR_OWN_KEYS,
	  sizeof(struct tandem_blkif_own_keys) },
};

TEST(tables_are_sound)
{
	unsigned int t, i, j;

	for (t = 0; t < ARRAY_SIZE(tables); t++)
		for (i = 0; i < tables[t].nr; i++) {
			const struct tandem_key *k = &tables[t].rows[i];
			u64 room = k->size >= 8 ? U64_MAX :
						  (1ULL << 8 * k->size) - 1;

			ASSERT_NE(NULL, k->name) TH_LOG("%s", tables[t].name);
			ASSERT_LE(k->offset + k->size, tables[t].size);
			for (j = 0; j < i; j++)
				ASSERT_STRNE(k->name, tables[t].rows[j].name);
			if (k->type == TANDEM_KEY_STR)
				continue;
			EXPECT_TRUE(k->size == 1 || k->size == 2 ||
				    k->size == 4 || k->size == 8);
			EXPECT_LE(k->min, k->max);
			EXPECT_LE(k->max, room);
			EXPECT_LE(k->dflt, room);
		}
}

/* The texts that rogue peers write, for each numeric key of each table. */
TEST(rogue_texts_for_every_key)
{
	static const char *const texts[] = {
		"", "-1", "+1", "0x10", "8 ", " 8", "8\n", "1.5", "junk",
		"99999999999999999999", "340282366920938463463374607431768211456",
	};
	unsigned int t, i, j;
	u8 result[256];

	for (t = 0; t < ARRAY_SIZE(tables); t++)
		for (i = 0; i < tables[t].nr; i++) {
			const struct tandem_key *k = &tables[t].rows[i];

			if (k->type == TANDEM_KEY_STR)
				continue;
			for (j = 0; j < ARRAY_SIZE(texts); j++)
				EXPECT_NE(0, tandem_key_parse(k, texts[j],
							      strlen(texts[j]),
							      result))
					TH_LOG("row %u, text %u", i, j);
		}
}

/* A small store: pairs of name and text, ended by NULL. */
static int load(const struct tandem_key *rows, unsigned int nr,
		const char *const *store, void *result)
{
	const char *text;
	unsigned int i, j;
	int err;

	for (i = 0; i < nr; i++) {
		text = NULL;
		for (j = 0; store && store[j]; j += 2)
			if (!strcmp(store[j], rows[i].name))
				text = store[j + 1];
		err = tandem_key_parse(&rows[i], text, text ? strlen(text) : 0,
				       result);
		if (err)
			return err;
	}
	return 0;
}

#define STORE(...)	((const char *const []){ __VA_ARGS__, NULL })

static const struct tandem_blkif_host host = {
	.max_queues = 4, .max_order = 3, .max_indirect = 256, .persistent = true,
	.dflt_abi = TANDEM_BLKIF_NATIVE,
};

static int accept_front(const char *const *store,
			struct tandem_blkif_transport *out,
			enum tandem_blkif_nego *why)
{
	struct tandem_blkif_front_keys k;
	int err;

	err = load(tandem_blkif_front_table, TANDEM_BLKIF_NR_FRONT_KEYS, store, &k);
	return err ?: tandem_blkif_accept(&k, &host, out, why);
}

TEST(frontend_that_says_nothing)
{
	struct tandem_blkif_transport t;
	enum tandem_blkif_nego why;

	ASSERT_EQ(0, accept_front(NULL, &t, &why));
	EXPECT_EQ(1, t.nr_queues);
	EXPECT_EQ(0, t.ring_order);
	EXPECT_EQ(TANDEM_BLKIF_NATIVE, t.abi);
	EXPECT_FALSE(t.persistent);
}

TEST(default_abi_is_the_hosts)
{
	struct tandem_blkif_front_keys k = { .num_queues = 1,
		.ring_order = 0, .ring_pages = TANDEM_BLKIF_ABSENT };
	struct tandem_blkif_host h = host;
	struct tandem_blkif_transport t;
	enum tandem_blkif_nego why;

	h.dflt_abi = TANDEM_BLKIF_X86_32;
	ASSERT_EQ(0, tandem_blkif_accept(&k, &h, &t, &why));
	EXPECT_EQ(TANDEM_BLKIF_X86_32, t.abi);
	memcpy(k.protocol, "x86_64-abi", 11);
	ASSERT_EQ(0, tandem_blkif_accept(&k, &h, &t, &why));
	EXPECT_EQ(TANDEM_BLKIF_X86_64, t.abi);
}

TEST(frontend_that_says_all)
{
	struct tandem_blkif_transport t;
	enum tandem_blkif_nego why;

	ASSERT_EQ(0, accept_front(STORE("protocol", "x86_32-abi",
					"multi-queue-num-queues", "4",
					"ring-page-order", "3",
					"num-ring-pages", "8",
					"feature-persistent", "1"), &t, &why));
	EXPECT_EQ(TANDEM_BLKIF_NEGO_OK, why);
	EXPECT_EQ(TANDEM_BLKIF_X86_32, t.abi);
	EXPECT_EQ(4, t.nr_queues);
	EXPECT_EQ(3, t.ring_order);
	EXPECT_TRUE(t.persistent);
}

TEST(frontends_refused)
{
	static const struct {
		const char *store[7];
		int why;
	} rows[] = {
		{ { "protocol", "arm-abi" }, TANDEM_BLKIF_NEGO_PROTOCOL },
		{ { "protocol", "x86_64" }, TANDEM_BLKIF_NEGO_PROTOCOL },
		{ { "protocol", "x86_64-abi " }, TANDEM_BLKIF_NEGO_PROTOCOL },
		{ { "multi-queue-num-queues", "5" }, TANDEM_BLKIF_NEGO_QUEUES },
		{ { "multi-queue-num-queues", "64" }, TANDEM_BLKIF_NEGO_QUEUES },
		{ { "ring-page-order", "4" }, TANDEM_BLKIF_NEGO_ORDER },
		{ { "num-ring-pages", "16" }, TANDEM_BLKIF_NEGO_ORDER },
		{ { "num-ring-pages", "3" }, TANDEM_BLKIF_NEGO_PAGES },
		{ { "num-ring-pages", "7" }, TANDEM_BLKIF_NEGO_PAGES },
		{ { "num-ring-pages", "4", "ring-page-order", "3" },
		  TANDEM_BLKIF_NEGO_SPELLINGS },
		{ { "num-ring-pages", "1", "ring-page-order", "1" },
		  TANDEM_BLKIF_NEGO_SPELLINGS },
	};
	struct tandem_blkif_transport t;
	enum tandem_blkif_nego why;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(-EINVAL, accept_front(rows[i].store, &t, &why));
		EXPECT_EQ(rows[i].why, why)
			TH_LOG("%s=%s", rows[i].store[0], rows[i].store[1]);
	}

	/* these do not even parse */
	EXPECT_EQ(KEY(RANGE), accept_front(STORE("multi-queue-num-queues", "0"),
					   &t, &why));
	EXPECT_EQ(KEY(RANGE), accept_front(STORE("multi-queue-num-queues", "65"),
					   &t, &why));
	EXPECT_EQ(KEY(RANGE), accept_front(STORE("ring-page-order", "5"), &t,
					   &why));
	EXPECT_EQ(KEY(RANGE), accept_front(STORE("num-ring-pages", "0"), &t,
					   &why));
	EXPECT_EQ(KEY(RANGE), accept_front(STORE("num-ring-pages", "32"), &t,
					   &why));
	EXPECT_EQ(KEY(EMPTY), accept_front(STORE("protocol", ""), &t, &why));
	EXPECT_EQ(KEY(RANGE), accept_front(STORE("feature-persistent", "2"), &t,
					   &why));
}

TEST(either_spelling_of_the_ring_size)
{
	struct tandem_blkif_transport t;
	enum tandem_blkif_nego why;

	ASSERT_EQ(0, accept_front(STORE("num-ring-pages", "8"), &t, &why));
	EXPECT_EQ(3, t.ring_order);
	ASSERT_EQ(0, accept_front(STORE("num-ring-pages", "1"), &t, &why));
	EXPECT_EQ(0, t.ring_order);
	ASSERT_EQ(0, accept_front(STORE("ring-page-order", "2"), &t, &why));
	EXPECT_EQ(2, t.ring_order);
}

/* Values that no parser lets through are refused here too. */
TEST(accept_by_itself)
{
	struct tandem_blkif_front_keys k = {
		.num_queues = 1, .ring_order = TANDEM_BLKIF_ABSENT,
		.ring_pages = TANDEM_BLKIF_ABSENT,
	};
	struct tandem_blkif_host h = host;
	struct tandem_blkif_transport t;
	enum tandem_blkif_nego why;

	k.num_queues = 0;
	EXPECT_EQ(-EINVAL, tandem_blkif_accept(&k, &h, &t, &why));
	k.num_queues = U32_MAX;
	EXPECT_EQ(-EINVAL, tandem_blkif_accept(&k, &h, &t, &why));
	k.num_queues = 65536 + 1;
	EXPECT_EQ(-EINVAL, tandem_blkif_accept(&k, &h, &t, &why));
	k.num_queues = 1;
	k.ring_pages = 0;
	EXPECT_EQ(-EINVAL, tandem_blkif_accept(&k, &h, &t, &why));
	k.ring_pages = 1U << 31;
	EXPECT_EQ(-EINVAL, tandem_blkif_accept(&k, &h, &t, &why));
	k.ring_pages = TANDEM_BLKIF_ABSENT;
	h.max_order = 9;
	k.ring_order = 5;
	EXPECT_EQ(-EINVAL, tandem_blkif_accept(&k, &h, &t, &why));
	EXPECT_EQ(TANDEM_BLKIF_NEGO_ORDER, why);
	k.ring_order = 4;
	EXPECT_EQ(0, tandem_blkif_accept(&k, &h, &t, &why));
	h.persistent = false;
	k.persistent = true;
	EXPECT_EQ(0, tandem_blkif_accept(&k, &h, &t, &why));
	EXPECT_FALSE(t.persistent);
}

static int load_queue(const char *const *store, u16 order,
		      struct tandem_blkif_queue_keys *k,
		      enum tandem_blkif_nego *why)
{
	int err;

	memset(k, 0x5a, sizeof(*k));
	err = load(tandem_blkif_queue_table, tandem_blkif_queue_rows(order),
		   store, k);
	return err ?: tandem_blkif_queue_check(k, order, why);
}

TEST(ring_of_one_page)
{
	struct tandem_blkif_queue_keys k;
	enum tandem_blkif_nego why;

	EXPECT_EQ(3, tandem_blkif_queue_rows(0));
	ASSERT_EQ(0, load_queue(STORE("event-channel", "9", "ring-ref", "77"), 0,
				&k, &why));
	EXPECT_EQ(9, k.event_channel);
	EXPECT_EQ(77, k.ring_refs[0]);
	ASSERT_EQ(0, load_queue(STORE("event-channel", "9", "ring-ref0", "78"),
				0, &k, &why));
	EXPECT_EQ(78, k.ring_refs[0]);
	ASSERT_EQ(0, load_queue(STORE("event-channel", "9", "ring-ref", "77",
				      "ring-ref0", "78"), 0, &k, &why));
	EXPECT_EQ(77, k.ring_refs[0]);
	EXPECT_EQ(-EINVAL, load_queue(STORE("event-channel", "9"), 0, &k, &why));
	EXPECT_EQ(TANDEM_BLKIF_NEGO_RING_REF, why);
	EXPECT_EQ(KEY(ABSENT), load_queue(STORE("ring-ref", "77"), 0, &k, &why));
	EXPECT_EQ(KEY(RANGE), load_queue(STORE("event-channel", "0",
					       "ring-ref", "77"), 0, &k, &why));
	EXPECT_EQ(KEY(RANGE), load_queue(STORE("event-channel", "131072",
					       "ring-ref", "77"), 0, &k, &why));
	EXPECT_EQ(KEY(RANGE), load_queue(STORE("event-channel", "9", "ring-ref",
					       "4294967295"), 0, &k, &why));
	EXPECT_EQ(0, load_queue(STORE("event-channel", "131071", "ring-ref",
				      "4294967294"), 0, &k, &why));
}

TEST(ring_of_many_pages)
{
	static char names[16][20], texts[16][20];
	const char *store[36] = { "event-channel", "9" };
	struct tandem_blkif_queue_keys k;
	enum tandem_blkif_nego why;
	unsigned int order, i;

	EXPECT_EQ(18, tandem_blkif_queue_rows(4));
	EXPECT_EQ(18, tandem_blkif_queue_rows(65535));
	for (order = 1; order <= 4; order++) {
		unsigned int nr = 1 << order;

		EXPECT_EQ(2 + nr, tandem_blkif_queue_rows(order));
		for (i = 0; i < nr; i++) {
			snprintf(names[i], 20, TANDEM_BLKIF_KEY_RING_REF_N, i);
			snprintf(texts[i], 20, "%u", 500 + i);
			store[2 + 2 * i] = names[i];
			store[3 + 2 * i] = texts[i];
		}
		store[2 + 2 * nr] = NULL;
		ASSERT_EQ(0, load_queue(store, order, &k, &why));
		for (i = 0; i < nr; i++)
			EXPECT_EQ(500 + i, k.ring_refs[i]);
		/* one page fewer than asked for, and one grant twice */
		store[2 * nr] = NULL;
		EXPECT_EQ(-EINVAL, load_queue(store, order, &k, &why));
		EXPECT_EQ(TANDEM_BLKIF_NEGO_RING_REF, why);
		store[2 * nr] = names[nr - 1];
		snprintf(texts[nr - 1], 20, "%u", 500);
		EXPECT_EQ(-EINVAL, load_queue(store, order, &k, &why));
		EXPECT_EQ(TANDEM_BLKIF_NEGO_RING_TWICE, why);
	}

	/* "ring-ref" does not stand for a page of a larger ring */
	EXPECT_EQ(-EINVAL, load_queue(STORE("event-channel", "9", "ring-ref", "1",
					    "ring-ref1", "2"), 1, &k, &why));
	EXPECT_EQ(TANDEM_BLKIF_NEGO_RING_REF, why);
}

static void choose(const char *const *store, struct tandem_blkif_transport *t)
{
	struct tandem_blkif_back_keys k;

	memset(&k, 0, sizeof(k));
	memset(t, 0x5a, sizeof(*t));
	if (load(tandem_blkif_offer_table, TANDEM_BLKIF_NR_OFFER_KEYS, store, &k))
		abort();
	tandem_blkif_choose(&k, &host, t);
}

TEST(choice)
{
	struct tandem_blkif_transport t;

	choose(NULL, &t);
	EXPECT_EQ(1, t.nr_queues);
	EXPECT_EQ(0, t.ring_order);
	EXPECT_EQ(0, t.max_indirect);
	EXPECT_EQ(TANDEM_BLKIF_NATIVE, t.abi);
	EXPECT_FALSE(t.persistent);

	choose(STORE("multi-queue-max-queues", "2", "max-ring-page-order", "1",
		     "feature-max-indirect-segments", "32",
		     "feature-persistent", "1"), &t);
	EXPECT_EQ(2, t.nr_queues);
	EXPECT_EQ(1, t.ring_order);
	EXPECT_EQ(32, t.max_indirect);
	EXPECT_TRUE(t.persistent);

	/* more than we want, and the other spelling */
	choose(STORE("multi-queue-max-queues", "4294967295",
		     "max-ring-pages", "4294967295",
		     "feature-max-indirect-segments", "4294967295"), &t);
	EXPECT_EQ(4, t.nr_queues);
	EXPECT_EQ(3, t.ring_order);
	EXPECT_EQ(256, t.max_indirect);

	/* nonsense is less than nothing */
	choose(STORE("multi-queue-max-queues", "0", "max-ring-pages", "0",
		     "feature-max-indirect-segments", "11"), &t);
	EXPECT_EQ(1, t.nr_queues);
	EXPECT_EQ(0, t.ring_order);
	EXPECT_EQ(0, t.max_indirect);

	/* rounded down; the better of the two spellings */
	choose(STORE("max-ring-pages", "7", "max-ring-page-order", "0"), &t);
	EXPECT_EQ(2, t.ring_order);
	choose(STORE("max-ring-pages", "2", "max-ring-page-order", "2"), &t);
	EXPECT_EQ(2, t.ring_order);
	choose(STORE("max-ring-page-order", "4294967295"), &t);
	EXPECT_EQ(3, t.ring_order);
}

static int check_disk(const char *const *store, struct tandem_blkif_device *d,
		      enum tandem_blkif_nego *why)
{
	struct tandem_blkif_back_keys k;
	int err;

	memset(&k, 0, sizeof(k));
	memset(d, 0x5a, sizeof(*d));
	err = load(tandem_blkif_device_table, TANDEM_BLKIF_NR_DEVICE_KEYS, store,
		   &k);
	return err ?: tandem_blkif_device_check(&k, d, why);
}

TEST(plain_disk)
{
	struct tandem_blkif_device d;
	enum tandem_blkif_nego why;

	EXPECT_EQ(KEY(ABSENT), check_disk(NULL, &d, &why));
	ASSERT_EQ(0, check_disk(STORE("sectors", "12345"), &d, &why));
	EXPECT_EQ(12345, d.sectors);
	EXPECT_EQ(512, d.sector_size);
	EXPECT_EQ(512, d.phys_size);
	EXPECT_EQ(0, d.granularity);
	EXPECT_FALSE(d.flush || d.barrier || d.discard || d.secure);
	EXPECT_FALSE(d.readonly || d.removable || d.cdrom);
	EXPECT_EQ(0, check_disk(STORE("sectors", "0"), &d, &why));
	EXPECT_EQ(0, check_disk(STORE("sectors", "18014398509481983"), &d, &why));
	EXPECT_EQ(KEY(RANGE), check_disk(STORE("sectors", "18014398509481984"),
					 &d, &why));
}

TEST(info_bits)
{
	struct tandem_blkif_device d;
	enum tandem_blkif_nego why;

	ASSERT_EQ(0, check_disk(STORE("sectors", "8", "info", "5"), &d, &why));
	EXPECT_TRUE(d.cdrom && d.readonly && !d.removable);
	ASSERT_EQ(0, check_disk(STORE("sectors", "8", "info", "2"), &d, &why));
	EXPECT_TRUE(!d.cdrom && !d.readonly && d.removable);
}

TEST(sector_sizes)
{
	struct tandem_blkif_device d;
	enum tandem_blkif_nego why;

#define SIZES(sectors, logical, physical)				\
	check_disk(STORE("sectors", sectors, "sector-size", logical,	\
			 "physical-sector-size", physical), &d, &why)

	ASSERT_EQ(0, SIZES("80", "4096", "4096"));
	EXPECT_EQ(4096, d.sector_size);
	EXPECT_EQ(80, d.sectors);
	ASSERT_EQ(0, SIZES("80", "512", "4096"));
	EXPECT_EQ(4096, d.phys_size);
	ASSERT_EQ(0, SIZES("80", "4096", "512"));
	EXPECT_EQ(4096, d.phys_size);
	ASSERT_EQ(0, SIZES("80", "1024", "3000"));
	EXPECT_EQ(1024, d.phys_size);
	ASSERT_EQ(0, SIZES("87", "4096", "4096"));
	EXPECT_EQ(80, d.sectors);
	EXPECT_EQ(KEY(RANGE), SIZES("36028797018963968", "4096", "4096"));
	EXPECT_EQ(-EINVAL, SIZES("80", "513", "512"));
	EXPECT_EQ(TANDEM_BLKIF_NEGO_SECTOR_SIZE, why);
	EXPECT_EQ(KEY(RANGE), SIZES("80", "0", "512"));
	EXPECT_EQ(KEY(RANGE), SIZES("80", "8192", "512"));
#undef SIZES
}

TEST(discards)
{
	struct tandem_blkif_device d;
	enum tandem_blkif_nego why;

#define DISCARD(gran, align, ...)					\
	check_disk(STORE("sectors", "80", "sector-size", "1024",	\
			 "feature-discard", "1", "discard-granularity", gran, \
			 "discard-alignment", align, ##__VA_ARGS__), &d, &why)

	ASSERT_EQ(0, DISCARD("65536", "4096", "discard-secure", "1"));
	EXPECT_TRUE(d.discard && d.secure);
	EXPECT_EQ(65536, d.granularity);
	EXPECT_EQ(4096, d.alignment);
	ASSERT_EQ(0, DISCARD("0", "0"));
	EXPECT_EQ(1024, d.granularity);
	EXPECT_FALSE(d.secure);
	ASSERT_EQ(0, DISCARD("512", "0"));
	EXPECT_EQ(1024, d.granularity);
	ASSERT_EQ(0, DISCARD("4096", "5120"));
	EXPECT_EQ(1024, d.alignment);
	ASSERT_EQ(0, DISCARD("4096", "100"));
	EXPECT_EQ(0, d.alignment);
	ASSERT_EQ(0, DISCARD("4096", "0", "info", "4"));
	EXPECT_FALSE(d.discard);
	EXPECT_EQ(0, d.granularity);
#undef DISCARD
	ASSERT_EQ(0, check_disk(STORE("sectors", "8", "discard-secure", "1"), &d,
				&why));
	EXPECT_FALSE(d.secure);
}

TEST(toolstack)
{
	struct tandem_blkif_tool_keys t;
	struct tandem_blkif_own_keys o;

	ASSERT_EQ(0, load(tandem_blkif_tool_table, TANDEM_BLKIF_NR_TOOL_KEYS,
			  STORE("mode", "w", "device-type", "disk"), &t));
	EXPECT_STREQ("w", t.mode);
	EXPECT_EQ(TANDEM_BLKIF_UNSAID, t.discard_enable);
	ASSERT_EQ(0, load(tandem_blkif_tool_table, TANDEM_BLKIF_NR_TOOL_KEYS,
			  STORE("discard-enable", "0", "direct-io-safe", "1"), &t));
	EXPECT_EQ(0, t.discard_enable);
	EXPECT_TRUE(t.direct_io_safe);
	EXPECT_STREQ("", t.mode);
	EXPECT_EQ(KEY(RANGE), load(tandem_blkif_tool_table,
				   TANDEM_BLKIF_NR_TOOL_KEYS,
				   STORE("discard-enable", "2"), &t));
	ASSERT_EQ(0, load(tandem_blkif_own_table, TANDEM_BLKIF_NR_OWN_KEYS,
			  STORE("virtual-device", "51712"), &o));
	EXPECT_EQ(51712, o.virtual_device);
	EXPECT_TRUE(o.trusted);
	ASSERT_EQ(0, load(tandem_blkif_own_table, TANDEM_BLKIF_NR_OWN_KEYS,
			  STORE("virtual-device", "2049", "trusted", "0"), &o));
	EXPECT_FALSE(o.trusted);
}

TEST(modes)
{
	static const struct {
		const char *text;
		bool readonly, shared;
	} good[] = {
		{ "r", true, false }, { "ro", true, false },
		{ "w", false, false }, { "rw", false, false },
		{ "r!", true, true }, { "ro!", true, true },
		{ "w!", false, true }, { "rw!", false, true },
	};
	static const char *const bad[] = {
		"", "!", "R", "W", "x", "wr", "rx", "wx", "w!!", "!w", "r ",
		" r", "w\n", "rww", "roo", "r!w", "read",
	};
	bool readonly, shared;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		ASSERT_EQ(0, tandem_blkif_mode(good[i].text, &readonly, &shared));
		EXPECT_EQ(good[i].readonly, readonly);
		EXPECT_EQ(good[i].shared, shared);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, tandem_blkif_mode(bad[i], &readonly, &shared));
}

TEST(queue_directories)
{
	char buf[32];

	EXPECT_EQ(0, tandem_blkif_queue_dir("/a/b", 0, 1, buf, sizeof(buf)));
	EXPECT_STREQ("/a/b", buf);
	EXPECT_EQ(0, tandem_blkif_queue_dir("/a/b", 0, 2, buf, sizeof(buf)));
	EXPECT_STREQ("/a/b/queue-0", buf);
	EXPECT_EQ(0, tandem_blkif_queue_dir("/a/b", 63, 64, buf, sizeof(buf)));
	EXPECT_STREQ("/a/b/queue-63", buf);
	EXPECT_EQ(0, tandem_blkif_queue_dir("/a/b", 63, 64, buf, 14));
	EXPECT_EQ(-ENAMETOOLONG, tandem_blkif_queue_dir("/a/b", 63, 64, buf, 13));
}

TEST(protocol_texts)
{
	EXPECT_STREQ("x86_64-abi", tandem_blkif_protocol_str(TANDEM_BLKIF_NATIVE));
	EXPECT_STREQ("x86_64-abi", tandem_blkif_protocol_str(TANDEM_BLKIF_X86_64));
	EXPECT_STREQ("x86_32-abi", tandem_blkif_protocol_str(TANDEM_BLKIF_X86_32));
}

/* What a frontend of ours chooses, a backend of ours accepts. */
TEST(choice_is_accepted)
{
	struct tandem_blkif_back_keys offer = { 0 };
	struct tandem_blkif_front_keys k = { 0 };
	struct tandem_blkif_host back, front;
	struct tandem_blkif_transport f, b;
	enum tandem_blkif_nego why;
	unsigned int i;

	for (i = 0; i < 4 * 4 * 5 * 5; i++) {
		back = host;
		front = host;
		back.max_queues = 1 + i % 4;
		front.max_queues = 1 + i / 4 % 4;
		back.max_order = i / 16 % 5;
		front.max_order = i / 80 % 5;
		offer.max_queues = back.max_queues;
		offer.max_order = back.max_order;
		offer.max_pages = 1 << back.max_order;
		tandem_blkif_choose(&offer, &front, &f);
		k.num_queues = f.nr_queues;
		k.ring_order = f.ring_order;
		k.ring_pages = 1 << f.ring_order;
		ASSERT_EQ(0, tandem_blkif_accept(&k, &back, &b, &why));
		EXPECT_EQ(min(back.max_order, front.max_order), b.ring_order);
		EXPECT_EQ(min(back.max_queues, front.max_queues), b.nr_queues);
	}
}

TEST_HARNESS_MAIN
