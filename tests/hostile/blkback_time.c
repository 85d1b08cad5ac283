// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers of sysfs and debugfs, and pokes, at the wrong moment: while devices
 * connect, serve, disconnect and vanish.
 */
#include <stdlib.h>
#include <string.h>

#include "blkback.h"
#include "front.h"

static struct front front;

static void read_everything(struct disturber *d)
{
	struct front *f = d->arg;
	char path[PATH_BYTES + 16];

	files_read(f->sysfs);
	snprintf(path, sizeof(path), "%s/statistics", f->sysfs);
	files_read(path);
	files_read(f->debugfs);
}

static void poke(struct disturber *d)
{
	static const char *const attr[][2] = {
		{ "resize", "1" }, { "resize", "x" }, { "store", "file:/none" },
		{ "store", "" }, { "store", "phy:/dev/none" },
		{ "store_error", "x" },
	};
	struct front *f = d->arg;
	unsigned int i = noise() % ARRAY_SIZE(attr);
	char path[PATH_BYTES + 16];

	snprintf(path, sizeof(path), "%s/%s", f->sysfs, attr[i][0]);
	file_write(path, attr[i][1]);
}

static void load(struct front *f, unsigned int nr)
{
	struct request rq;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		request_rw(f, &rq, BLKIF_OP_READ, i * 8, i, 4);
		queue_put(&f->queue[0], &rq);
	}
	queue_push(&f->queue[0]);
}

static void lives(unsigned int rounds, void (*disturbance)(struct disturber *))
{
	struct front_cfg cfg = { .id = FRONT_ID(80), .persistent = true };
	static struct disturber d[3];
	static struct front named;
	unsigned int i, j;

	/* The names stay the same, so the readers follow every life. */
	front_create(&front, &cfg);
	named = front;
	front_remove(&front);
	for (j = 0; j < ARRAY_SIZE(d); j++)
		disturb(&d[j], disturbance, &named);
	for (i = 0; i < rounds; i++) {
		front_start(&front, &cfg);
		load(&front, 32);
		if (i % 3 == 0)
			front_close(&front);
		else if (i % 3 == 1)
			front_unplug(&front);
		front_remove(&front);
	}
	for (j = 0; j < ARRAY_SIZE(d); j++)
		disturb_end(&d[j]);
}

static void read_during_disconnect(void)
{
	lives(peer_times(4, 2000), read_everything);
}

static void read_during_bad_connect(void)
{
	struct front_cfg cfg = { .id = FRONT_ID(81), .order = 2 };
	static struct disturber d[2];
	static struct front named;
	unsigned int i;

	front_create(&front, &cfg);
	named = front;
	front_remove(&front);
	for (i = 0; i < ARRAY_SIZE(d); i++)
		disturb(&d[i], read_everything, &named);
	for (i = 0; i < peer_times(6, 2000); i++) {
		front_create(&front, &cfg);
		front_rings(&front);
		front_keys(&front);
		store_put(front.dir, i & 1 ? "ring-ref3" : "event-channel",
			  "99999999");
		front_connect(&front);
		front_remove(&front);
	}
	for (i = 0; i < ARRAY_SIZE(d); i++)
		disturb_end(&d[i]);
}

static void poke_during_lives(void)
{
	lives(peer_times(5, 1000), poke);
}

static void resize_under_load(void)
{
	char path[PATH_BYTES + 16];
	unsigned int i;

	front_start(&front, NULL);
	snprintf(path, sizeof(path), "%s/resize", front.sysfs);
	if (!file_exists(path))
		peer_skip("no resize attribute");
	for (i = 0; i < peer_times(15, 2000); i++) {
		load(&front, 16);
		file_write(path, "1");
		queue_drain(&front.queue[0], 16);
	}
	front_expect_works(&front, "after pokes");
	load(&front, 16);
	file_write(path, "1");
	need(front_close(&front), "no orderly end");
}

/* A driver that is unbound and bound again behind a live frontend. */
static void unbind_rebind(void)
{
	const char *driver = "/sys/bus/xen-backend/drivers/tandem_blkback";
	char path[PATH_BYTES], name[32];
	unsigned int i;

	if (!file_exists(driver))
		driver = "/sys/bus/xen-backend/drivers/tandem-blkback";
	if (!file_exists(driver))
		peer_skip("the driver's name is another");
	for (i = 0; i < peer_times(3, 200); i++) {
		front_start(&front, NULL);
		load(&front, 32);
		snprintf(name, sizeof(name), "vbd-0-%u", front.cfg.id);
		snprintf(path, sizeof(path), "%s/unbind", driver);
		expect(!file_write(path, name), "unbind");
		sleep_ms(SILENCE);
		snprintf(path, sizeof(path), "%s/bind", driver);
		expect(!file_write(path, name), "bind");
		sleep_ms(SILENCE);
		front_remove(&front);
	}
}

const struct peer_case blkback_time[] = {
	{ "time-read-during-disconnect", read_during_disconnect, 120, CASE_MEMORY },
	{ "time-read-during-bad-connect", read_during_bad_connect, 120, CASE_MEMORY },
	{ "time-poke-during-lives", poke_during_lives, 120, CASE_MEMORY },
	{ "time-resize-under-load", resize_under_load, 0, CASE_MEMORY },
	{ "time-unbind-rebind", unbind_rebind, 0, 0 },
	{ 0 },
};
