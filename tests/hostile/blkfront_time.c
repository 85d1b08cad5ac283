// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers of sysfs and debugfs at the wrong moment: while the disk connects,
 * serves, is refused, and goes.
 */
#include "back.h"
#include "blkfront.h"

static struct back back;

static void read_everything(struct disturber *d)
{
	struct back *b = d->arg;
	char path[PATH_BYTES + 16];

	files_read(b->sysfs);
	files_read(b->debugfs);
	snprintf(path, sizeof(path), "/sys/block/%.40s", b->disk + 5);
	files_read(path);
	snprintf(path, sizeof(path), "/sys/kernel/debug/block/%.40s/hctx0",
		 b->disk + 5);
	files_read(path);
}

/* The names stay the same, so the readers follow every life. */
static void begin(struct disturber *d, unsigned int nr, struct back_cfg *cfg)
{
	static struct back named;
	unsigned int i;

	back_start(&back, cfg);
	named = back;
	back_finish(&back);
	for (i = 0; i < nr; i++)
		disturb(&d[i], read_everything, &named);
}

static void read_during_lives(void)
{
	struct back_cfg cfg = { .id = BACK_ID(8), .flush = true };
	struct io_try io = { .bytes = 65536 };
	static struct disturber d[2];
	unsigned int i;

	begin(d, ARRAY_SIZE(d), &cfg);
	for (i = 0; i < peer_times(6, 1000); i++) {
		back_start(&back, &cfg);
		expect(io_run(&back, &io, PATIENCE) != IO_STUCK, "stuck");
		if (i & 1)
			expect(back_close(&back), "no orderly end");
		back_finish(&back);
	}
	for (i = 0; i < ARRAY_SIZE(d); i++)
		disturb_end(&d[i]);
}

static void read_during_bad_connect(void)
{
	struct back_cfg cfg = { .id = BACK_ID(8) };
	static struct disturber d[2];
	unsigned int i;

	begin(d, ARRAY_SIZE(d), &cfg);
	for (i = 0; i < peer_times(6, 1000); i++) {
		back_create(&back, &cfg);
		need(back_attach(&back), "no frontend");
		store_put(back.dir, i & 1 ? "sectors" : "sector-size", "junk");
		back_set_state(&back, XB_CONNECTED);
		back_expect_closed(&back, "junk");
		back_finish(&back);
	}
	for (i = 0; i < ARRAY_SIZE(d); i++)
		disturb_end(&d[i]);
}

const struct peer_case blkfront_time[] = {
	{ "back-time-read-during-lives", read_during_lives, 120, CASE_MEMORY },
	{ "back-time-read-during-bad-connect", read_during_bad_connect, 120,
	  CASE_MEMORY },
	{ 0 },
};
