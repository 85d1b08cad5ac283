// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a block frontend in user space: its nodes in xenstore, its
 * rings, its pages, and how it goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front.h"

#define FRONT_BASE	"/local/domain/0/tandem-test/vbd"
/* Of what a guest has, it may write here; and no driver of its looks. */
#define GUEST_BASE	"/local/domain/%u/data/hostile"
#define BACK_BASE	"/local/domain/0/backend/vbd"
#define SYSFS_BASE	"/sys/bus/xen-backend/devices"
#define DEBUGFS_BASE	"/sys/kernel/debug/tandem_blkback"
#define IMAGE_DIR	"/srv"
#define IMAGE		"%s/hostile-%u-%u.img"

static bool kernel_driver(void)
{
	return !file_exists("/sys/module/tandem_blkback");
}

static const char *image_dir(void)
{
	const char *dir = getenv("HOSTILE_DIR");

	return dir && *dir ? dir : IMAGE_DIR;
}

static void make_image(struct front *f)
{
	int fd, err;

	if (f->cfg.phy)
		return;
	unlink(f->image);
	fd = open(f->image, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	need(fd >= 0, "%s: %s", f->image, strerror(errno));
	err = posix_fallocate(fd, 0, FRONT_SECTORS * WIRE_SECTOR);
	need(!err, "%s: %s", f->image, strerror(err));
	close(fd);
}

/* The kernel's driver takes a block device only. */
static void attach_loop(struct front *f)
{
	char command[2 * PATH_BYTES], line[64] = "", dev[32] = "";
	unsigned int major, minor;
	FILE *p;

	snprintf(command, sizeof(command),
		 "d=$(losetup -f --show %s) && stat -c '%%t %%T' $d", f->image);
	p = popen(command, "r");
	need(p && fgets(line, sizeof(line), p), "no loop device");
	pclose(p);
	need(sscanf(line, "%x %x", &major, &minor) == 2, "loop: %s", line);
	snprintf(dev, sizeof(dev), "%x:%x", major, minor);
	store_put(f->back, "physical-device", "%s", dev);
}

static void detach_loop(struct front *f)
{
	char command[2 * PATH_BYTES];

	snprintf(command, sizeof(command),
		 "losetup -j %s | cut -d: -f1 | xargs -r losetup -d", f->image);
	if (system(command))
		peer_note("loop device of %s stays", f->image);
}

static void attach_store(struct front *f)
{
	char attr[PATH_BYTES + 16], value[PATH_BYTES + 16];
	int err;

	if (kernel_driver() && f->cfg.phy)
		peer_skip("no store of its own for the kernel's driver");
	if (kernel_driver()) {
		attach_loop(f);
		return;
	}
	snprintf(attr, sizeof(attr), "%s/store", f->sysfs);
	snprintf(value, sizeof(value), "%s:%s", f->cfg.phy ? "phy" : "file",
		 f->cfg.phy ? f->cfg.phy : f->image);
	err = file_write(attr, value);
	need(!err, "%s > %s: %s", value, attr, strerror(-err));
}

static bool write_nodes(struct front *f)
{
	unsigned int id = f->cfg.id;

	store_begin();
	store_give(f->dir, f->cfg.domid, 0);
	store_give(f->back, 0, f->cfg.domid);
	store_put(f->dir, "backend", "%s", f->back);
	store_put(f->dir, "backend-id", "0");
	store_put(f->dir, "virtual-device", "%u", id);
	store_put(f->dir, "device-type", "disk");
	store_put(f->dir, "state", "%u", XB_INITIALISING);
	store_put(f->back, "frontend-id", "%u", f->cfg.domid);
	store_put(f->back, "online", "1");
	store_put(f->back, "removable", "0");
	store_put(f->back, "bootable", "1");
	store_put(f->back, "mode", f->cfg.readonly ? "r" : "w");
	store_put(f->back, "device-type", "disk");
	store_put(f->back, "dev", "xvdt");
	store_put(f->back, "type", "phy");
	store_put(f->back, "params", "%s", f->image);
	store_put(f->back, "discard-enable", "1");
	store_put(f->back, "state", "%u", XB_INITIALISING);
	store_put(f->back, "frontend", "%s", f->dir);
	return store_commit();
}

static unsigned int next_id(void)
{
	static unsigned int n;

	return FRONT_ID(++n);
}

static void front_cleanup(void *arg)
{
	front_remove(arg);
}

static void name_paths(struct front *f)
{
	unsigned int domid = f->cfg.domid, id = f->cfg.id;

	snprintf(f->dir, sizeof(f->dir), FRONT_BASE "/%u", id);
	if (domid)
		snprintf(f->dir, sizeof(f->dir), GUEST_BASE "/%u", domid, id);
	snprintf(f->back, sizeof(f->back), BACK_BASE "/%u/%u", domid, id);
	snprintf(f->sysfs, sizeof(f->sysfs), SYSFS_BASE "/vbd-%u-%u", domid, id);
	snprintf(f->debugfs, sizeof(f->debugfs), DEBUGFS_BASE "/vbd-%u-%u",
		 domid, id);
	snprintf(f->image, sizeof(f->image), IMAGE, image_dir(), domid, id);
}

/* The device with its store, waiting for a frontend; no rings yet. */
void front_create(struct front *f, const struct front_cfg *cfg)
{
	char bound[PATH_BYTES + 16], error[PATH_BYTES];
	unsigned int tries;

	memset(f, 0, sizeof(*f));
	if (cfg)
		f->cfg = *cfg;
	if (!f->cfg.id)
		f->cfg.id = next_id();
	f->wire = f->cfg.wire ? f->cfg.wire : &wire_x86_64;
	name_paths(f);
	f->share = xengntshr_open(NULL, 0);
	need(f->share, "/dev/xen/gntalloc: %s", strerror(errno));
	peer_at_end(front_cleanup, f);
	make_image(f);
	snprintf(error, sizeof(error), FRONT_ERROR, f->cfg.domid, f->cfg.id);
	store_rm(error, NULL);
	for (tries = 0; !write_nodes(f); tries++)
		need(tries < 100, "no transaction");
	snprintf(bound, sizeof(bound), "%s/%s", f->sysfs,
		 kernel_driver() ? "driver" : "store");
	need(wait_exists(bound, PATIENCE), "no driver took %s", f->sysfs);
	attach_store(f);
	need(store_wait(f->back, "state", STATE(XB_INITWAIT), PATIENCE),
	     "backend in state %u, not InitWait", front_state(f));
}

/* A device that dom0 has made for us; we run in the guest that it is for. */
void front_adopt(struct front *f, const char *dir, const char *back)
{
	memset(f, 0, sizeof(*f));
	f->wire = &wire_x86_64;
	snprintf(f->dir, sizeof(f->dir), "%s", dir);
	snprintf(f->back, sizeof(f->back), "%s", back);
	f->share = xengntshr_open(NULL, 0);
	need(f->share, "/dev/xen/gntalloc: %s", strerror(errno));
}

/* Rings and event channels, of which the backend does not know yet. */
void front_rings(struct front *f)
{
	unsigned int i, nr = 1u << f->cfg.order;

	f->nr_queues = f->cfg.queues ? f->cfg.queues : 1;
	for (i = 0; i < f->nr_queues; i++) {
		struct front_queue *q = &f->queue[i];

		q->front = f;
		q->size = wire_ring_size(f->wire, nr * WIRE_PAGE);
		need(pages_share(&q->shared, f->share, 0, nr, true),
		     "no ring");
		q->ring = q->shared.addr;
		memset(q->ring, 0, nr * WIRE_PAGE);
		*wire_index(q->ring, WIRE_REQ_EVENT) = 1;
		*wire_index(q->ring, WIRE_RSP_EVENT) = 1;
		q->req_prod = 0;
		q->rsp_cons = 0;
		q->event = xenevtchn_open(NULL, 0);
		need(q->event, "/dev/xen/evtchn: %s", strerror(errno));
		q->port = xenevtchn_bind_unbound_port(q->event, 0);
		need(q->port >= 0, "no event channel: %s", strerror(errno));
	}
}

static void queue_keys(struct front *f, struct front_queue *q)
{
	char dir[2 * PATH_BYTES], key[32];
	unsigned int i;

	snprintf(dir, sizeof(dir), "%s", f->dir);
	if (f->cfg.queues > 1)
		snprintf(dir, sizeof(dir), "%s/queue-%u", f->dir,
			 (unsigned int)(q - f->queue));
	for (i = 0; i < q->shared.nr; i++) {
		snprintf(key, sizeof(key), "ring-ref%u", i);
		if (!f->cfg.order)
			strcpy(key, "ring-ref");
		store_put(dir, key, "%u", q->shared.ref[i]);
	}
	store_put(dir, "event-channel", "%u", q->port);
}

/* All that the backend wants to know, apart from the state. */
void front_keys(struct front *f)
{
	unsigned int i;

	if (f->cfg.queues)
		store_put(f->dir, "multi-queue-num-queues", "%u",
			  f->cfg.queues);
	if (f->cfg.order && f->cfg.old_keys)
		store_put(f->dir, "num-ring-pages", "%u", 1u << f->cfg.order);
	else if (f->cfg.order)
		store_put(f->dir, "ring-page-order", "%u", f->cfg.order);
	if (!f->cfg.no_protocol)
		store_put(f->dir, "protocol", "%s", f->wire->protocol);
	if (f->cfg.persistent)
		store_put(f->dir, "feature-persistent", "1");
	for (i = 0; i < f->nr_queues; i++)
		queue_keys(f, &f->queue[i]);
}

unsigned int front_state(const struct front *f)
{
	return store_num(f->back, "state", XB_UNKNOWN);
}

void front_set_state(struct front *f, unsigned int state)
{
	store_put(f->dir, "state", "%u", state);
}

bool front_wait(struct front *f, unsigned int mask)
{
	return store_wait(f->back, "state", mask, PATIENCE);
}

/* Publish what front_keys() wrote. Return: whether the backend connected. */
bool front_connect(struct front *f)
{
	front_set_state(f, XB_INITIALISED);
	if (!front_wait(f, STATE(XB_CONNECTED) | STATE(XB_CLOSING) |
			   STATE(XB_CLOSED)))
		return false;
	if (front_state(f) != XB_CONNECTED)
		return false;
	front_set_state(f, XB_CONNECTED);
	return true;
}

/* All of the above. */
void front_start(struct front *f, const struct front_cfg *cfg)
{
	front_create(f, cfg);
	front_rings(f);
	front_keys(f);
	need(front_connect(f), "backend did not connect, state %u",
	     front_state(f));
	if (!f->data.addr)
		front_pages(f, 64);
}

void front_pages(struct front *f, unsigned int nr)
{
	need(pages_share(&f->data, f->share, 0, nr, true), "no pages");
	if (!f->desc.addr)
		need(pages_share(&f->desc, f->share, 0, WIRE_IPAGES, true),
		     "no pages");
}

/* Close in good order. Return: whether the backend followed. */
bool front_close(struct front *f)
{
	front_set_state(f, XB_CLOSING);
	if (!front_wait(f, STATE(XB_CLOSING) | STATE(XB_CLOSED)))
		return false;
	front_set_state(f, XB_CLOSED);
	return front_wait(f, STATE(XB_CLOSED));
}

void front_release_rings(struct front *f)
{
	unsigned int i;

	for (i = 0; i < f->nr_queues; i++) {
		struct front_queue *q = &f->queue[i];

		pages_unshare(&q->shared, f->share);
		if (q->event)
			xenevtchn_close(q->event);
		q->event = NULL;
	}
}

/* From closed back to where rings can be offered, as a frontend may. */
bool front_reset(struct front *f)
{
	front_release_rings(f);
	front_set_state(f, XB_INITIALISING);
	return front_wait(f, STATE(XB_INITWAIT));
}

/* The toolstack's way of taking a device away, as far as the backend's end. */
bool front_unplug(struct front *f)
{
	store_put(f->back, "online", "0");
	store_put(f->back, "state", "%u", XB_CLOSING);
	if (!front_wait(f, STATE(XB_CLOSING) | STATE(XB_CLOSED)))
		return false;
	front_set_state(f, XB_CLOSED);
	return front_wait(f, STATE(XB_CLOSED) | STATE(XB_UNKNOWN));
}

/* By force: the nodes vanish. Then our own things. */
bool front_remove(struct front *f)
{
	bool gone;

	if (!f->share)
		return true;
	store_put(f->back, "online", "0");
	gone = store_device_gone(f->back, f->dir, f->sysfs, f->debugfs);
	front_release_rings(f);
	pages_unshare(&f->data, f->share);
	pages_unshare(&f->desc, f->share);
	xengntshr_close(f->share);
	f->share = NULL;
	if (kernel_driver())
		detach_loop(f);
	unlink(f->image);
	peer_forget(f);
	return gone;
}

static void sweep_one(unsigned int id)
{
	static struct front f;

	f.cfg = (struct front_cfg){ .id = id };
	name_paths(&f);
	store_put(f.back, "online", "0");
	store_device_gone(f.back, f.dir, f.sysfs, f.debugfs);
	unlink(f.image);
}

/* Remove the devices of a case that died, all but the bystander's. */
void front_sweep(void)
{
	store_each(BACK_BASE "/0", FRONT_BYSTANDER, sweep_one);
}
