// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a block backend in user space: its nodes in xenstore, the rings
 * it maps, the disk that appears, and how it goes.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "back.h"

#define BACK_BASE	"/local/domain/0/tandem-test/back"
#define FRONT_BASE	"/local/domain/%u/device/vbd"
#define SYSFS_BASE	"/sys/bus/xen/devices"
#define DEBUGFS_BASE	"/sys/kernel/debug/tandem_blkfront"

static unsigned int next_id(void)
{
	static unsigned int n;

	/* Minor numbers allow for 16 disks; the first is the bystander's. */
	n = n % 15 + 1;
	return BACK_ID(n);
}

unsigned int back_peer(const struct back *b)
{
	return store_num(b->front, "state", XB_UNKNOWN);
}

void back_set_state(struct back *b, unsigned int state)
{
	store_put(b->dir, "state", "%u", state);
}

bool back_wait(struct back *b, unsigned int mask)
{
	return store_wait(b->front, "state", mask, PATIENCE);
}

void back_hook(struct back *b, enum verdict (*hook)(struct back *, struct ask *),
	       void *arg)
{
	pthread_mutex_lock(&b->lock);
	b->cfg.hook = hook;
	b->cfg.arg = arg;
	pthread_mutex_unlock(&b->lock);
}

static void write_features(struct back *b)
{
	const struct back_cfg *c = &b->cfg;

	store_put(b->dir, "feature-persistent", "%u", c->persistent);
	store_put(b->dir, "feature-flush-cache", "%u", c->flush);
	store_put(b->dir, "feature-barrier", "%u", c->barrier);
	store_put(b->dir, "feature-discard", "%u", c->discard);
	store_put(b->dir, "discard-secure", "%u", c->secure);
	if (c->indirect)
		store_put(b->dir, "feature-max-indirect-segments", "%u",
			  c->indirect);
	if (c->order)
		store_put(b->dir, "max-ring-page-order", "%u", c->order);
	if (c->queues)
		store_put(b->dir, "multi-queue-max-queues", "%u", c->queues);
	if (c->discard) {
		store_put(b->dir, "discard-granularity", "4096");
		store_put(b->dir, "discard-alignment", "0");
	}
}

static bool write_nodes(struct back *b)
{
	unsigned int id = b->cfg.id;

	store_begin();
	store_give(b->dir, 0, b->cfg.domid);
	store_give(b->front, b->cfg.domid, 0);
	store_put(b->dir, "frontend", "%s", b->front);
	store_put(b->dir, "frontend-id", "%u", b->cfg.domid);
	store_put(b->dir, "online", "1");
	store_put(b->dir, "mode", b->cfg.readonly ? "r" : "w");
	store_put(b->dir, "device-type", "disk");
	store_put(b->dir, "state", "%u", XB_INITIALISING);
	write_features(b);
	store_put(b->front, "backend-id", "0");
	store_put(b->front, "virtual-device", "%u", id);
	store_put(b->front, "device-type", "disk");
	store_put(b->front, "handle", "%u", id);
	if (b->cfg.untrusted)
		store_put(b->front, "trusted", "0");
	store_put(b->front, "state", "%u", XB_INITIALISING);
	store_put(b->front, "backend", "%s", b->dir);
	return store_commit();
}

static void back_cleanup(void *arg)
{
	back_finish(arg);
}

static void name_paths(struct back *b)
{
	unsigned int id = b->cfg.id;

	snprintf(b->dir, sizeof(b->dir), BACK_BASE "/%u", id);
	snprintf(b->front, sizeof(b->front), FRONT_BASE "/%u", b->cfg.domid, id);
	snprintf(b->sysfs, sizeof(b->sysfs), SYSFS_BASE "/vbd-%u", id);
	snprintf(b->debugfs, sizeof(b->debugfs), DEBUGFS_BASE "/vbd-%u", id);
}

/* A device that a frontend may connect to; we are in InitWait, if ready. */
void back_create(struct back *b, const struct back_cfg *cfg)
{
	char error[PATH_BYTES];
	unsigned int tries;

	memset(b, 0, sizeof(*b));
	pthread_mutex_init(&b->lock, NULL);
	if (cfg)
		b->cfg = *cfg;
	if (!b->cfg.id)
		b->cfg.id = next_id();
	name_paths(b);
	b->gnt = xengnttab_open(NULL, 0);
	need(b->gnt, "/dev/xen/gntdev: %s", strerror(errno));
	b->memory = calloc(BACK_SECTORS, WIRE_SECTOR);
	need(b->memory, "no memory");
	peer_at_end(back_cleanup, b);
	/* The log of earlier devices of this name does not count. */
	klog_start();
	snprintf(error, sizeof(error), BACK_ERROR, b->cfg.id);
	store_rm(error, NULL);
	for (tries = 0; !write_nodes(b); tries++)
		need(tries < 100, "no transaction");
	if (!b->cfg.unready)
		back_set_state(b, XB_INITWAIT);
}

static bool map_ring(struct back *b, struct back_queue *q, const char *dir)
{
	uint32_t ref[16];
	char key[32];
	unsigned int i;

	q->pages = 1u << store_num(b->front, "ring-page-order", 0);
	if (q->pages > 16)
		return false;
	for (i = 0; i < q->pages; i++) {
		snprintf(key, sizeof(key), "ring-ref%u", i);
		if (q->pages == 1)
			strcpy(key, "ring-ref");
		ref[i] = store_num(dir, key, 0);
	}
	q->back = b;
	q->ring = xengnttab_map_domain_grant_refs(b->gnt, q->pages,
						  b->cfg.domid, ref,
						  PROT_READ | PROT_WRITE);
	if (!q->ring)
		return false;
	q->size = wire_ring_size(&wire_x86_64, q->pages * WIRE_PAGE);
	q->req_cons = 0;
	q->rsp_prod = 0;
	q->port = xenevtchn_bind_interdomain(b->event, b->cfg.domid,
					     store_num(dir, "event-channel", 0));
	return q->port >= 0;
}

/* Map what the frontend offers. */
bool back_attach(struct back *b)
{
	char dir[PATH_BYTES + 32];
	unsigned int i;
	bool many;

	if (!back_wait(b, STATE(XB_INITIALISED) | STATE(XB_CONNECTED)))
		return false;
	b->event = xenevtchn_open(NULL, 0);
	b->nr_queues = store_num(b->front, "multi-queue-num-queues", 0);
	many = b->nr_queues;
	if (!many)
		b->nr_queues = 1;
	for (i = 0; i < b->nr_queues && i < BACK_QUEUES; i++) {
		snprintf(dir, sizeof(dir), many ? "%s/queue-%u" : "%s",
			 b->front, i);
		if (!map_ring(b, &b->queue[i], dir)) {
			peer_note("cannot map queue %u: %s", i,
				  strerror(errno));
			return false;
		}
	}
	return true;
}

/* What the disk is, and that it is there. */
void back_publish(struct back *b)
{
	store_put(b->dir, "sectors", "%llu", BACK_SECTORS);
	store_put(b->dir, "sector-size", "512");
	store_put(b->dir, "physical-sector-size", "512");
	store_put(b->dir, "info", "%u", b->cfg.readonly ? VDISK_READONLY : 0);
	back_set_state(b, XB_CONNECTED);
}

static bool disk_of(struct back *b)
{
	char path[PATH_BYTES + 16];
	struct dirent *d;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/block", b->sysfs);
	dir = opendir(path);
	while (dir && !found && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(b->disk, sizeof(b->disk), "/dev/%.40s", d->d_name);
		found = file_exists(b->disk);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool back_find_disk(struct back *b, unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	while (!disk_of(b)) {
		if (now_ms() >= end)
			return false;
		sleep_ms(2);
	}
	return true;
}

/* All of the above, until there is a disk. */
void back_start(struct back *b, const struct back_cfg *cfg)
{
	back_create(b, cfg);
	need(back_attach(b), "no frontend, it is in state %u", back_peer(b));
	back_serve(b);
	back_publish(b);
	need(back_wait(b, STATE(XB_CONNECTED)), "the frontend is in state %u",
	     back_peer(b));
	need(back_find_disk(b, PATIENCE), "no disk for %s", b->sysfs);
}

void back_unmap(struct back *b)
{
	unsigned int i;

	back_pause(b);
	for (i = 0; i < b->nr_queues && i < BACK_QUEUES; i++) {
		if (b->queue[i].ring)
			xengnttab_unmap(b->gnt, b->queue[i].ring,
					b->queue[i].pages);
		b->queue[i].ring = NULL;
	}
	if (b->event)
		xenevtchn_close(b->event);
	b->event = NULL;
}

/* Closing, until the frontend has closed. */
bool back_close(struct back *b)
{
	store_put(b->dir, "online", "0");
	back_set_state(b, XB_CLOSING);
	if (!back_wait(b, STATE(XB_CLOSED)))
		return false;
	back_unmap(b);
	back_set_state(b, XB_CLOSED);
	return true;
}

/* By force: the nodes vanish while we still have everything mapped. */
bool back_vanish(struct back *b)
{
	store_put(b->dir, "online", "0");
	return store_device_gone(b->front, b->dir, b->sysfs, b->debugfs);
}

bool back_finish(struct back *b)
{
	bool gone;

	if (!b->gnt)
		return true;
	gone = back_vanish(b);
	back_unmap(b);
	xengnttab_close(b->gnt);
	b->gnt = NULL;
	free(b->memory);
	peer_forget(b);
	return gone;
}

static void sweep_one(unsigned int id)
{
	static struct back b;

	b.cfg = (struct back_cfg){ .id = id };
	name_paths(&b);
	back_vanish(&b);
}

/* Remove the devices of a case that died, all but the bystander's. */
void back_sweep(void)
{
	store_each(BACK_BASE, BACK_BYSTANDER, sweep_one);
}
