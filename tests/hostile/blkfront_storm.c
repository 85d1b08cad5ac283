// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storms from a backend: events, states and sizes.
 */
#include "back.h"
#include "blkfront.h"

static struct back back;

static void send_events(struct disturber *d)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		back_notify(d->arg);
}

static void write_states(struct disturber *d)
{
	struct back *b = d->arg;

	store_put(b->dir, "state", "%u", XB_CONNECTED);
}

static void write_sizes(struct disturber *d)
{
	struct back *b = d->arg;

	store_put(b->dir, "sectors", "%llu", BACK_SECTORS + d->rounds % 2 * 8);
	store_put(b->dir, "state", "%u", XB_CONNECTED);
}

static void start(void)
{
	struct back_cfg cfg = { .flush = true };

	back_start(&back, &cfg);
}

static void event_storm(void)
{
	start();
	bystander_storm(send_events, &back.queue[0], 4);
	back_expect_works(&back, "after a storm of events");
	expect(back_close(&back), "no orderly end");
}

static void event_storm_disconnect(void)
{
	static struct disturber d;
	unsigned int i;

	for (i = 0; i < peer_times(4, 500); i++) {
		start();
		disturb(&d, send_events, &back.queue[0]);
		sleep_ms(i);
		back_vanish(&back);
		disturb_end(&d);
		back_finish(&back);
	}
}

static void state_storm(void)
{
	start();
	bystander_storm(write_states, &back, 2);
	back_expect_works(&back, "after a storm of states");
	expect(back_close(&back), "no orderly end");
}

static void size_storm(void)
{
	unsigned int lines;
	char name[32];

	start();
	bystander_storm(write_sizes, &back, 2);
	snprintf(name, sizeof(name), "vbd-%u", back.cfg.id);
	lines = klog_lines(name, "");
	expect(lines <= 20, "%u lines in the log", lines);
	back_expect_works(&back, "after a storm of sizes");
	expect(back_close(&back), "no orderly end");
}

const struct peer_case blkfront_storm[] = {
	{ "back-storm-of-events", event_storm, 0, CASE_MEMORY },
	{ "back-storm-of-events-disconnect", event_storm_disconnect, 120,
	  CASE_MEMORY },
	{ "back-storm-of-states", state_storm, 0, CASE_MEMORY },
	{ "back-storm-of-sizes", size_storm, 0, CASE_MEMORY },
	{ 0 },
};
