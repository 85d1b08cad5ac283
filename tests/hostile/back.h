/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A block backend in user space that serves from memory, and answers as its
 * rules say until a hook says otherwise.
 *
 * It runs in dom0 against a frontend driver loaded there, too; its directory
 * lies where no kernel backend looks. I/O on the disk is done by children, so
 * that a disk that does not answer holds up nobody else.
 */
#ifndef HOSTILE_BACK_H
#define HOSTILE_BACK_H

#include "peer.h"
#include "wire.h"

#define BACK_MB		4u
#define BACK_SECTORS	(BACK_MB * 2048ull)
#define BACK_QUEUES	16u
#define BACK_ID(n)	(51712 + 16 * (n))
#define BACK_BYSTANDER	BACK_ID(0)
#define BACK_ERROR	"/local/domain/0/error/device/vbd/%u"

struct back;
struct back_queue;

/* A request as the backend sees it. */
struct ask {
	struct back_queue *queue;
	uint32_t index;
	uint8_t op;		/* of indirect ones, the one that is meant */
	uint8_t flag;		/* of a discard */
	bool indirect;
	uint64_t id;
	uint64_t sector;
	uint64_t nr_sectors;
	unsigned int nseg;
	struct wire_seg seg[WIRE_PAGE_SEGS];
};

/* What a hook does with a request. */
enum verdict { SERVE, SWALLOW };

/**
 * struct back_cfg - what a backend offers; all zero is the plainest
 * @id: virtual device; 0 for the next free one
 * @persistent: @indirect: @flush: @barrier: @discard: @secure: features
 * @order: largest ring
 * @queues: most rings
 * @untrusted: the frontend is told not to trust us
 * @readonly: so is the disk
 * @unready: stay in Initialising at first
 * @hook: looks at each request first
 * @arg: for the hook
 * @domid: where the frontend runs, 0 for here
 */
struct back_cfg {
	unsigned int id;
	bool persistent;
	unsigned int indirect;
	bool flush;
	bool barrier;
	bool discard;
	bool secure;
	unsigned int order;
	unsigned int queues;
	bool untrusted;
	bool readonly;
	bool unready;
	enum verdict (*hook)(struct back *b, struct ask *ask);
	void *arg;
	unsigned int domid;
};

/**
 * struct back_queue - one ring, mapped
 * @back: of which backend
 * @ring: its pages
 * @pages: how many
 * @size: slots
 * @req_cons: next request
 * @rsp_prod: next response
 * @port: our end of the event channel
 */
struct back_queue {
	struct back *back;
	uint8_t *ring;
	unsigned int pages;
	unsigned int size;
	uint32_t req_cons;
	uint32_t rsp_prod;
	int port;
};

/**
 * struct back - one device
 * @cfg: what was asked for
 * @dir: our directory in xenstore
 * @front: the frontend's
 * @sysfs: its device
 * @debugfs: and what the driver tells of it
 * @disk: path of the disk, once there is one
 * @fd: the disk, where this process has it open
 * @memory: what is on it
 * @gnt: maps and copies
 * @event: channels of all queues
 * @queue: the rings
 * @nr_queues: how many
 * @lock: guards the rings and @cfg.hook
 * @server: thread that serves
 * @asked: requests seen
 */
struct back {
	struct back_cfg cfg;
	char dir[PATH_BYTES];
	char front[PATH_BYTES];
	char sysfs[PATH_BYTES];
	char debugfs[PATH_BYTES];
	char disk[64];
	int fd;
	uint8_t *memory;
	xengnttab_handle *gnt;
	xenevtchn_handle *event;
	struct back_queue queue[BACK_QUEUES];
	unsigned int nr_queues;
	pthread_mutex_t lock;
	pthread_t server;
	bool serving;
	bool stop;
	uint64_t asked;
};

/* life */
void back_create(struct back *b, const struct back_cfg *cfg);
void back_publish(struct back *b);
bool back_attach(struct back *b);
void back_serve(struct back *b);
void back_pause(struct back *b);
bool back_find_disk(struct back *b, unsigned int ms);
void back_start(struct back *b, const struct back_cfg *cfg);
void back_unmap(struct back *b);
bool back_close(struct back *b);
bool back_vanish(struct back *b);
bool back_finish(struct back *b);
unsigned int back_peer(const struct back *b);
void back_set_state(struct back *b, unsigned int state);
bool back_wait(struct back *b, unsigned int mask);
void back_hook(struct back *b, enum verdict (*hook)(struct back *, struct ask *),
	       void *arg);
void back_sweep(void);

/* requests and responses */
int back_do(struct back *b, const struct ask *ask);
void back_answer(struct back_queue *q, uint64_t id, uint8_t op, int16_t status);
void back_put(struct back_queue *q, uint64_t id, uint8_t op, int16_t status);
void back_push(struct back_queue *q);
void back_notify(struct back_queue *q);
void *back_map(struct back *b, uint32_t ref, bool writable);

/* I/O on the disk */
#define IO_POSTED	8u

enum io { IO_GOOD, IO_ERROR, IO_WRONG, IO_STUCK };

/**
 * struct io_try - I/O of a child
 * @write: write, else read and compare
 * @sync: then have it made durable
 * @durable: each write is to be so by itself
 * @offset: in bytes
 * @bytes: how many
 * @times: over and over; 0 is once
 * @seed: of the pattern
 */
struct io_try {
	bool write;
	bool sync;
	bool durable;
	uint64_t offset;
	unsigned int bytes;
	unsigned int times;
	uint64_t seed;
};

int io_post(const char *disk, bool write, unsigned int nr);
int io_begin(struct back *b, const struct io_try *io);
enum io io_end(int child, unsigned int ms);
enum io io_run(struct back *b, const struct io_try *io, unsigned int ms);
bool back_verify(struct back *b);
bool back_verify_here(struct back *b);
void back_release(struct back *b);
void back_expect_works(struct back *b, const char *when);
void back_expect_broken(struct back *b, const char *why);
void back_expect_closed(struct back *b, const char *why);
unsigned int back_broken_lines(const struct back *b);

#endif /* HOSTILE_BACK_H */
