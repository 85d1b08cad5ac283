// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every number that a backend writes in xenstore, as junk.
 */
#include <stdlib.h>
#include <string.h>

#include "back.h"
#include "blkfront.h"

static struct back back;
static char text_long[2048];	/* with its end: as long as a store takes */

/* The first three are tried for each key in a check, too: see peer_turn(). */
static const char *const junk[] = {
	"0", "-1", "", "4294967295", "4294967296", "18446744073709551615",
	"18446744073709551616", "0x10", "8 ", "x", "1x", "1.0",
	text_long,
};

/*
 * The disk is refused with a line and a node, or the value is a number that
 * means something harmless, and what I/O there can be ends. Then the device
 * goes away in good order.
 */
static void after_connect(const char *key, const char *value)
{
	struct io_try io = { .bytes = 4096 };

	expect(back_wait(&back, STATE(XB_CONNECTED) | STATE(XB_CLOSING) |
				STATE(XB_CLOSED)),
	       "%s=%.40s: the frontend is in state %u", key, value,
	       back_peer(&back));
	if (back_peer(&back) != XB_CONNECTED) {
		back_expect_closed(&back, key);
	} else {
		expect(is_number(value), "%s=%.40s: connected", key, value);
		if (back_find_disk(&back, 500))
			expect(io_run(&back, &io, PATIENCE) != IO_STUCK,
			       "%s=%.40s: I/O is stuck", key, value);
	}
	back_finish(&back);
}

/* Keys that say what the disk is. */
static void try_disk_value(const char *key, const char *value)
{
	struct back_cfg cfg = { .flush = true, .discard = true };

	back_create(&back, &cfg);
	need(back_attach(&back), "no frontend");
	back_serve(&back);
	store_put(back.dir, "sectors", "%llu", BACK_SECTORS);
	store_put(back.dir, "sector-size", "512");
	store_put(back.dir, "info", "0");
	store_put_raw(back.dir, key, value, strlen(value));
	back_set_state(&back, XB_CONNECTED);
	after_connect(key, value);
}

static void try_disk_key(const char *key)
{
	unsigned int i;

	memset(text_long, '7', sizeof(text_long) - 1);
	for (i = 0; i < ARRAY_SIZE(junk); i++)
		if (peer_turn(key, i))
			try_disk_value(key, junk[i]);
}

/* From InitWait on, as far as the frontend goes along. */
static void offer(const char *key, const char *value)
{
	back_set_state(&back, XB_INITWAIT);
	expect(back_wait(&back, STATE(XB_INITIALISED) | STATE(XB_CLOSING) |
				STATE(XB_CLOSED)),
	       "%s=%.40s: the frontend is in state %u", key, value,
	       back_peer(&back));
	if (back_peer(&back) == XB_INITIALISED) {
		need(back_attach(&back), "%s=%.40s: no rings", key, value);
		back_serve(&back);
		back_publish(&back);
	}
}

/* Keys that the frontend reads before it offers rings. */
static void try_feature_value(const char *key, const char *value)
{
	struct back_cfg cfg = { .flush = true, .unready = true };

	back_create(&back, &cfg);
	store_put_raw(back.dir, key, value, strlen(value));
	offer(key, value);
	after_connect(key, value);
}

static void try_feature_key(const char *key)
{
	unsigned int i;

	memset(text_long, '7', sizeof(text_long) - 1);
	for (i = 0; i < ARRAY_SIZE(junk); i++)
		if (peer_turn(key, i))
			try_feature_value(key, junk[i]);
}

static void key_sectors(void)
{
	try_disk_key("sectors");
	try_disk_value("sectors", "36028797018963968");
	try_disk_value("sectors", "9223372036854775807");
}

static void key_sector_size(void)
{
	static const char *const value[] = {
		"1", "256", "511", "513", "768", "8192", "65536", "2147483648",
	};
	unsigned int i;

	try_disk_key("sector-size");
	for (i = 0; i < ARRAY_SIZE(value); i++)
		try_disk_value("sector-size", value[i]);
}

static void key_physical_sector_size(void)
{
	try_disk_key("physical-sector-size");
	try_disk_value("physical-sector-size", "1");
	try_disk_value("physical-sector-size", "513");
	try_disk_value("physical-sector-size", "2147483648");
}

static void key_info(void)
{
	try_disk_key("info");
}

static void key_discard(void)
{
	try_disk_key("feature-discard");
	try_disk_key("discard-granularity");
	try_disk_key("discard-alignment");
	try_disk_key("discard-secure");
}

static void key_flush(void)
{
	try_disk_key("feature-flush-cache");
	try_disk_key("feature-barrier");
}

static void key_indirect(void)
{
	try_feature_key("feature-max-indirect-segments");
}

static void key_persistent(void)
{
	try_feature_key("feature-persistent");
}

static void key_order(void)
{
	try_feature_key("max-ring-page-order");
	try_feature_key("max-ring-pages");
}

static void key_queues(void)
{
	try_feature_key("multi-queue-max-queues");
}

/* No number of the junk is one of a disk. */
static bool never(const char *value)
{
	(void)value;
	return false;
}

/* Read by the bus alone, and before. */
static bool always(const char *value)
{
	(void)value;
	return true;
}

static bool is_flag(const char *value)
{
	return !strcmp(value, "0") || !strcmp(value, "1");
}

static bool is_word(const char *value)
{
	return *value && strlen(value) < 16;
}

/* Written before the frontend looks, which it does once we are ready. */
static void try_own_value(const char *key, const char *value, bool good)
{
	struct back_cfg cfg = { .flush = true, .unready = true };

	back_create(&back, &cfg);
	need(wait_exists(back.debugfs, PATIENCE), "no driver took %s",
	     back.sysfs);
	store_put_raw(back.front, key, value, strlen(value));
	offer(key, value);
	if (!good) {
		back_expect_closed(&back, key);
		expect(!back_find_disk(&back, 0), "%s=%.40s: a disk", key,
		       value);
	} else {
		need(back_find_disk(&back, PATIENCE), "%s=%.40s: no disk", key,
		     value);
		back_expect_works(&back, key);
	}
	back_finish(&back);
}

/* The keys of the frontend's own directory, which the toolstack writes. */
static void own_keys(void)
{
	static const struct {
		const char *name;
		bool (*good)(const char *value);
	} key[] = {
		{ "virtual-device", never }, { "trusted", is_flag },
		{ "device-type", is_word }, { "backend-id", always },
		{ "handle", always },
	};
	unsigned int i, j;

	memset(text_long, '7', sizeof(text_long) - 1);
	for (i = 0; i < ARRAY_SIZE(key); i++) {
		for (j = 0; j < ARRAY_SIZE(junk); j++)
			if (peer_turn(key[i].name, j))
				try_own_value(key[i].name, junk[j],
					      key[i].good(junk[j]));
	}
	try_own_value("trusted", "1", true);
}

/* Only the size has no default. */
static void missing(void)
{
	static const char *const key[] = { "sectors", "sector-size", "info" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(key); i++) {
		back_create(&back, NULL);
		need(back_attach(&back), "no frontend");
		back_serve(&back);
		store_put(back.dir, "sectors", "%llu", BACK_SECTORS);
		store_put(back.dir, "sector-size", "512");
		store_put(back.dir, "info", "0");
		store_rm(back.dir, key[i]);
		back_set_state(&back, XB_CONNECTED);
		if (!i) {
			back_expect_closed(&back, "no sectors");
		} else {
			need(back_find_disk(&back, PATIENCE), "no disk without %s",
			     key[i]);
			back_expect_works(&back, key[i]);
		}
		back_finish(&back);
	}
}

/* A live disk changes its size, to anything. */
static void resize(void)
{
	static const char *const value[] = {
		"16384", "8", "0", "-1", "x", "18446744073709551615", "8192",
	};
	struct back_cfg cfg = { .flush = true };
	struct io_try io = { .bytes = 4096 };
	unsigned int i;

	back_start(&back, &cfg);
	for (i = 0; i < ARRAY_SIZE(value); i++) {
		store_put(back.dir, "sectors", "%s", value[i]);
		back_set_state(&back, XB_CONNECTED);
		sleep_ms(50);
		expect(io_run(&back, &io, PATIENCE) != IO_STUCK,
		       "%s sectors: stuck", value[i]);
	}
	expect(back_close(&back), "no orderly end");
}

/* What is written with a new size is there without anything else happening. */
static void resize_readonly(void)
{
	char path[PATH_BYTES], text[8] = "";
	struct back_cfg cfg = { .flush = true };
	uint64_t end;

	back_start(&back, &cfg);
	snprintf(path, sizeof(path), "/sys/block/%.40s/ro",
		 back.disk + strlen("/dev/"));
	store_put(back.dir, "info", "%u", VDISK_READONLY);
	back_set_state(&back, XB_CONNECTED);
	end = now_ms() + PATIENCE;
	while (file_read(path, text, sizeof(text)) && text[0] != '1' &&
	       now_ms() < end)
		sleep_ms(2);
	expect(text[0] == '1', "the disk is not read-only: '%s'", text);
	expect(back_close(&back), "no orderly end");
}

const struct peer_case blkfront_key[] = {
	{ "back-key-sectors", key_sectors, 120, 0 },
	{ "back-key-sector-size", key_sector_size, 120, 0 },
	{ "back-key-physical-sector-size", key_physical_sector_size, 120, 0 },
	{ "back-key-info", key_info, 120, 0 },
	{ "back-key-discard", key_discard, 200, 0 },
	{ "back-key-flush", key_flush, 120, 0 },
	{ "back-key-max-indirect-segments", key_indirect, 120, 0 },
	{ "back-key-persistent", key_persistent, 120, 0 },
	{ "back-key-max-ring-page-order", key_order, 200, 0 },
	{ "back-key-multi-queue-max-queues", key_queues, 120, 0 },
	{ "back-key-own-directory", own_keys, 200, 0 },
	{ "back-key-missing", missing, 120, 0 },
	{ "back-resize-to-anything", resize, 120, 0 },
	{ "back-resize-readonly", resize_readonly, 120, 0 },
	{ 0 },
};
