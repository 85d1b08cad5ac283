/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A block frontend in user space that can behave well and does not have to.
 *
 * In dom0 it is its own peer: the frontend's domain is 0, and its directory
 * lies where no kernel frontend looks.
 */
#ifndef HOSTILE_FRONT_H
#define HOSTILE_FRONT_H

#include "peer.h"
#include "wire.h"

#define FRONT_QUEUES	16u
#define FRONT_RING_PAGES 16u
#define FRONT_STORE_MB	8u
#define FRONT_SECTORS	(FRONT_STORE_MB * 2048ull)
#define FRONT_ID(n)	(51712 + 16 * (n))
#define FRONT_BYSTANDER	FRONT_ID(0)
#define FRONT_ERROR	"/local/domain/0/error/backend/vbd/%u/%u"
#define NO_ANSWER	0x10000		/* no response arrived */

/**
 * struct front_cfg - what a frontend asks for; all zero is the plainest
 * @id: virtual device; 0 for the next free one
 * @wire: ABI, NULL for native
 * @no_protocol: write no protocol key
 * @old_keys: num-ring-pages rather than ring-page-order
 * @order: of the ring
 * @queues: 0 for one without multi-queue keys
 * @persistent: promise to use the same pages again
 * @readonly: the disk is
 * @phy: a block device that is its store, in place of an image
 * @domid: where the frontend runs, 0 for here
 */
struct front_cfg {
	unsigned int id;
	const struct wire *wire;
	bool no_protocol;
	bool old_keys;
	unsigned int order;
	unsigned int queues;
	bool persistent;
	bool readonly;
	const char *phy;
	unsigned int domid;
};

struct front;

/**
 * struct front_queue - one ring
 * @front: of which frontend
 * @shared: the ring's pages
 * @ring: the same as one piece
 * @size: slots
 * @event: its event channels
 * @port: ours
 * @req_prod: our next request
 * @rsp_cons: the next response that we expect
 */
struct front_queue {
	struct front *front;
	struct pages shared;
	uint8_t *ring;
	unsigned int size;
	xenevtchn_handle *event;
	int port;
	uint32_t req_prod;
	uint32_t rsp_cons;
};

/**
 * struct front - one device
 * @cfg: what was asked for
 * @wire: the ABI
 * @dir: our directory in xenstore
 * @back: the backend's
 * @sysfs: the backend's device in sysfs
 * @debugfs: and what it tells of it
 * @image: file with the disk's content
 * @share: source of pages to grant
 * @queue: the rings
 * @nr_queues: how many
 * @data: granted pages for data
 * @desc: and for descriptors of indirect requests
 */
struct front {
	struct front_cfg cfg;
	const struct wire *wire;
	char dir[PATH_BYTES];
	char back[PATH_BYTES];
	char sysfs[PATH_BYTES];
	char debugfs[PATH_BYTES];
	char image[PATH_BYTES];
	xengntshr_handle *share;
	struct front_queue queue[FRONT_QUEUES];
	unsigned int nr_queues;
	struct pages data;
	struct pages desc;
};

/**
 * struct request - a request before it is bytes; nothing here is checked
 * @op: operation
 * @nseg: segments, or a discard's flag
 * @handle: of the device
 * @id: echoed by the response
 * @sector: on the disk
 * @seg: WIRE_SEGS segments at most are written
 * @nr_sectors: length of a discard
 * @i_op: operation of an indirect request
 * @i_nseg: its segments
 * @i_gref: its pages of descriptors
 */
struct request {
	uint8_t op;
	uint8_t nseg;
	uint16_t handle;
	uint64_t id;
	uint64_t sector;
	struct wire_seg seg[WIRE_SEGS];
	uint64_t nr_sectors;
	uint8_t i_op;
	uint16_t i_nseg;
	uint32_t i_gref[WIRE_IPAGES];
};

struct response {
	uint64_t id;
	uint8_t op;
	int16_t status;
};

/* life */
void front_create(struct front *f, const struct front_cfg *cfg);
void front_adopt(struct front *f, const char *dir, const char *back);
void front_rings(struct front *f);
void front_keys(struct front *f);
bool front_connect(struct front *f);
void front_start(struct front *f, const struct front_cfg *cfg);
void front_pages(struct front *f, unsigned int nr);
bool front_close(struct front *f);
void front_release_rings(struct front *f);
bool front_remove(struct front *f);
bool front_unplug(struct front *f);
bool front_reset(struct front *f);
unsigned int front_state(const struct front *f);
void front_set_state(struct front *f, unsigned int state);
bool front_wait(struct front *f, unsigned int mask);
void front_sweep(void);

/* the ring */
uint8_t *queue_slot(struct front_queue *q, uint32_t index);
uint8_t *queue_put(struct front_queue *q, const struct request *rq);
void queue_publish(struct front_queue *q);
void queue_push(struct front_queue *q);
void queue_kick(struct front_queue *q);
bool queue_get(struct front_queue *q, struct response *rsp, unsigned int ms);
int queue_do(struct front_queue *q, const struct request *rq);
unsigned int queue_drain(struct front_queue *q, unsigned int nr);

/* requests that are as they should be */
void request_rw(struct front *f, struct request *rq, uint8_t op,
		uint64_t sector, unsigned int page, unsigned int nseg);
void request_indirect(struct front *f, struct request *rq, uint8_t op,
		      uint64_t sector, unsigned int page, unsigned int nseg);
void front_desc(struct front *f, unsigned int i, const struct wire_seg *seg);
int front_rw(struct front_queue *q, uint8_t op, uint64_t sector,
	     unsigned int page, unsigned int nseg);
unsigned int front_run(struct front_queue *q, uint8_t op, unsigned int nr,
		       unsigned int nseg);
int front_flush(struct front_queue *q);
bool front_verify(struct front_queue *q);
void front_expect_works(struct front *f, const char *when);

/* what became of a rogue */
bool front_is_broken(const struct front *f);
void front_expect_broken(struct front *f, const char *why);
void front_expect_closed(struct front *f, const char *why);
void front_expect_refused(struct front *f, int status, const char *why);
unsigned int front_broken_lines(const struct front *f);

#endif /* HOSTILE_FRONT_H */
