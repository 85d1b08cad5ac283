// SPDX-License-Identifier: GPL-2.0-only
/*
 * A backend's rings: requests taken, data copied, responses; and children
 * that do I/O on the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "back.h"

/* responses */

void back_put(struct back_queue *q, uint64_t id, uint8_t op, int16_t status)
{
	const struct wire *w = &wire_x86_64;
	uint8_t *slot = wire_slot(w, q->ring, q->size, q->rsp_prod++);

	memset(slot, 0, w->rsp);
	wire_put(slot + WIRE_RSP_ID, id, 8);
	slot[WIRE_RSP_OP] = op;
	wire_put(slot + WIRE_RSP_STATUS, (uint16_t)status, 2);
}

void back_push(struct back_queue *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*wire_index(q->ring, WIRE_RSP_PROD) = q->rsp_prod;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void back_notify(struct back_queue *q)
{
	xenevtchn_notify(q->back->event, q->port);
}

void back_answer(struct back_queue *q, uint64_t id, uint8_t op, int16_t status)
{
	back_put(q, id, op, status);
	back_push(q);
	back_notify(q);
}

/* requests */

void *back_map(struct back *b, uint32_t ref, bool writable)
{
	return xengnttab_map_grant_ref(b->gnt, b->cfg.domid, ref, writable ?
				       PROT_READ | PROT_WRITE : PROT_READ);
}

static void take_segs(const uint8_t *at, struct ask *ask, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++, at += WIRE_SEG_BYTES) {
		ask->seg[i].gref = wire_get(at, 4);
		ask->seg[i].first = at[4];
		ask->seg[i].last = at[5];
	}
}

static void take_indirect(struct back *b, const uint8_t *slot, struct ask *ask)
{
	const struct wire *w = &wire_x86_64;
	uint8_t *page;

	ask->indirect = true;
	ask->op = slot[WIRE_I_OP];
	ask->nseg = wire_get(slot + WIRE_I_NSEG, 2);
	if (ask->nseg > WIRE_PAGE_SEGS)
		ask->nseg = WIRE_PAGE_SEGS;
	page = back_map(b, wire_get(slot + w->i_grefs, 4), false);
	if (!page) {
		ask->nseg = 0;
		return;
	}
	take_segs(page, ask, ask->nseg);
	xengnttab_unmap(b->gnt, page, 1);
}

static void take(struct back_queue *q, struct ask *ask)
{
	const struct wire *w = &wire_x86_64;
	uint8_t *slot = wire_slot(w, q->ring, q->size, q->req_cons);

	memset(ask, 0, sizeof(*ask));
	ask->queue = q;
	ask->index = q->req_cons++;
	ask->op = slot[WIRE_OP];
	ask->id = wire_get(slot + w->id, 8);
	ask->sector = wire_get(slot + w->sector, 8);
	if (ask->op == BLKIF_OP_INDIRECT) {
		take_indirect(q->back, slot, ask);
	} else if (ask->op == BLKIF_OP_DISCARD) {
		ask->nr_sectors = wire_get(slot + w->segs, 8);
	} else {
		ask->nseg = slot[WIRE_NSEG];
		if (ask->nseg > WIRE_SEGS)
			ask->nseg = WIRE_SEGS;
		take_segs(slot + w->segs, ask, ask->nseg);
	}
}

/* One hypercall for the data of all segments. Return: a status. */
static int copy_segs(struct back *b, const struct ask *ask, bool to_peer)
{
	static __thread xengnttab_grant_copy_segment_t op[WIRE_PAGE_SEGS];
	uint64_t at = ask->sector;
	unsigned int i;

	memset(op, 0, sizeof(op[0]) * ask->nseg);
	for (i = 0; i < ask->nseg; i++) {
		const struct wire_seg *s = &ask->seg[i];
		unsigned int nr = s->last - s->first + 1;
		union xengnttab_copy_ptr *ours, *peer;

		if (s->last < s->first || s->last > 7 ||
		    at + nr > BACK_SECTORS)
			return BLKIF_RSP_ERROR;
		ours = to_peer ? &op[i].source : &op[i].dest;
		peer = to_peer ? &op[i].dest : &op[i].source;
		ours->virt = b->memory + at * WIRE_SECTOR;
		peer->foreign.ref = s->gref;
		peer->foreign.offset = s->first * WIRE_SECTOR;
		peer->foreign.domid = b->cfg.domid;
		op[i].len = nr * WIRE_SECTOR;
		op[i].flags = to_peer ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
		at += nr;
	}
	if (ask->nseg && xengnttab_grant_copy(b->gnt, ask->nseg, op))
		return BLKIF_RSP_ERROR;
	for (i = 0; i < ask->nseg; i++)
		if (op[i].status)
			return BLKIF_RSP_ERROR;
	return BLKIF_RSP_OKAY;
}

/* What a request asks for. Return: the status to answer with. */
int back_do(struct back *b, const struct ask *ask)
{
	switch (ask->op) {
	case BLKIF_OP_READ:
		return copy_segs(b, ask, true);
	case BLKIF_OP_WRITE:
	case BLKIF_OP_WRITE_BARRIER:
		return copy_segs(b, ask, false);
	case BLKIF_OP_FLUSH_DISKCACHE:
		return BLKIF_RSP_OKAY;
	case BLKIF_OP_DISCARD:
		if (ask->sector + ask->nr_sectors > BACK_SECTORS)
			return BLKIF_RSP_ERROR;
		memset(b->memory + ask->sector * WIRE_SECTOR, 0,
		       ask->nr_sectors * WIRE_SECTOR);
		return BLKIF_RSP_OKAY;
	}
	return BLKIF_RSP_EOPNOTSUPP;
}

/* Return: whether there was a request. */
static bool serve_one(struct back_queue *q)
{
	struct back *b = q->back;
	struct ask ask;
	int status;

	if (!q->ring)
		return false;
	*wire_index(q->ring, WIRE_REQ_EVENT) = q->req_cons + 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (*wire_index(q->ring, WIRE_REQ_PROD) == q->req_cons)
		return false;
	take(q, &ask);
	__atomic_add_fetch(&b->asked, 1, __ATOMIC_RELAXED);
	if (b->cfg.hook && b->cfg.hook(b, &ask) == SWALLOW)
		return true;
	status = back_do(b, &ask);
	back_answer(q, ask.id, ask.op, status);
	return true;
}

static void wait_event(struct back *b)
{
	struct pollfd fd = { .fd = xenevtchn_fd(b->event), .events = POLLIN };
	int port;

	if (poll(&fd, 1, 20) <= 0)
		return;
	port = xenevtchn_pending(b->event);
	if (port >= 0)
		xenevtchn_unmask(b->event, port);
}

static void *server_main(void *arg)
{
	struct back *b = arg;
	unsigned int i;
	bool busy;

	while (!__atomic_load_n(&b->stop, __ATOMIC_RELAXED)) {
		pthread_mutex_lock(&b->lock);
		for (i = 0, busy = false; i < b->nr_queues; i++)
			busy |= serve_one(&b->queue[i]);
		pthread_mutex_unlock(&b->lock);
		if (!busy)
			wait_event(b);
	}
	return NULL;
}

void back_serve(struct back *b)
{
	b->stop = false;
	need(!pthread_create(&b->server, NULL, server_main, b), "no thread");
	b->serving = true;
}

void back_pause(struct back *b)
{
	if (!b->serving)
		return;
	b->serving = false;
	__atomic_store_n(&b->stop, true, __ATOMIC_RELAXED);
	pthread_join(b->server, NULL);
}

/* I/O by children */

static int io_child(const char *disk, const struct io_try *io)
{
	int fd = open(disk, (io->write ? O_RDWR : O_RDONLY) | O_DIRECT);
	static uint8_t *buf;
	ssize_t n;

	if (fd < 0)
		return IO_ERROR;
	buf = mmap(NULL, io->bytes + WIRE_PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED)
		return IO_ERROR;
	if (io->write)
		fill(buf, io->bytes, io->seed);
	n = io->write ? pwrite(fd, buf, io->bytes, io->offset) :
			pread(fd, buf, io->bytes, io->offset);
	if (n != (ssize_t)io->bytes)
		return IO_ERROR;
	if (io->sync && fdatasync(fd))
		return IO_ERROR;
	return !io->write && differs(buf, io->bytes, io->seed) ? IO_WRONG :
								 IO_GOOD;
}

int io_begin(struct back *b, const struct io_try *io)
{
	int child;

	fflush(stdout);
	child = fork();
	if (!child)
		_exit(io_child(b->disk, io));
	return child;
}

/* A child that is stuck is left to itself: ask again later. */
enum io io_end(int child, unsigned int ms)
{
	uint64_t end = now_ms() + ms;
	int status;

	while (!waitpid(child, &status, WNOHANG)) {
		if (now_ms() >= end)
			return IO_STUCK;
		sleep_ms(2);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : IO_ERROR;
}

enum io io_run(struct back *b, const struct io_try *io, unsigned int ms)
{
	return io_end(io_begin(b, io), ms);
}

static const char *io_name(enum io io)
{
	static const char *const name[] = { "good", "error", "wrong", "stuck" };

	return name[io];
}

/* Write, have it made durable, read back, compare. */
bool back_verify(struct back *b)
{
	struct io_try io = {
		.write = true, .sync = true, .bytes = 16 * 1024,
		.offset = noise() % 64 * 4096, .seed = noise(),
	};
	enum io result = io_run(b, &io, PATIENCE);

	if (result == IO_GOOD) {
		io.write = false;
		io.sync = false;
		result = io_run(b, &io, PATIENCE);
	}
	if (result != IO_GOOD)
		peer_note("%s: %s: %s", b->disk, io.write ? "write" : "read",
			  io_name(result));
	return result == IO_GOOD;
}

void back_expect_works(struct back *b, const char *when)
{
	expect(back_verify(b), "%s: no good I/O", when);
}

unsigned int back_broken_lines(const struct back *b)
{
	char name[32];

	snprintf(name, sizeof(name), "vbd-%u", b->cfg.id);
	return klog_errors(name);
}

static bool has_error_node(const struct back *b)
{
	char path[2 * PATH_BYTES];

	snprintf(path, sizeof(path), BACK_ERROR "/error", b->cfg.id);
	if (store_exists(path))
		return true;
	snprintf(path, sizeof(path), "%s/error", b->front);
	return store_exists(path);
}

/* The frontend gave us up: I/O fails rather than hangs, and one line says so. */
void back_expect_broken(struct back *b, const char *why)
{
	struct io_try io = { .bytes = 4096, .offset = 8192 };
	enum io result;
	unsigned int lines;

	expect(back_wait(b, STATE(XB_CLOSING) | STATE(XB_CLOSED)),
	       "%s: the frontend is in state %u, not Closing", why,
	       back_peer(b));
	result = io_run(b, &io, PATIENCE);
	expect(result == IO_ERROR, "%s: I/O afterwards: %s", why,
	       io_name(result));
	lines = back_broken_lines(b);
	expect(lines == 1, "%s: %u lines in the log, not one", why, lines);
	expect(has_error_node(b), "%s: no error node", why);
}

/* A backend that behaves well, and I/O on its disk, beside the rogue. */

static struct {
	uint64_t rounds;
	uint64_t bad;
	bool ready;
	bool stop;
} *shared;

static pid_t bystander;

static void live(void)
{
	struct back_cfg cfg = { .id = BACK_BYSTANDER, .flush = true };
	static struct back b;

	back_start(&b, &cfg);
	__atomic_store_n(&shared->ready, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
		if (!back_verify(&b))
			__atomic_add_fetch(&shared->bad, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&shared->rounds, 1, __ATOMIC_RELAXED);
		sleep_ms(1);
	}
	expect(back_close(&b), "the bystander's frontend does not close");
	peer_end();
}

static bool alive(void)
{
	return bystander && !waitpid(bystander, NULL, WNOHANG);
}

bool back_bystander_start(void)
{
	uint64_t end = now_ms() + 2 * PATIENCE;

	shared = mmap(NULL, WIRE_PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(stdout);
	bystander = fork();
	if (!bystander) {
		klog_start();
		live();
	}
	while (!__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST)) {
		if (!alive() || now_ms() > end)
			return false;
		sleep_ms(5);
	}
	return true;
}

uint64_t back_bystander_rounds(void)
{
	return __atomic_load_n(&shared->rounds, __ATOMIC_RELAXED);
}

bool back_bystander_check(void)
{
	uint64_t from = back_bystander_rounds(), end = now_ms() + PATIENCE;

	while (back_bystander_rounds() < from + 2) {
		if (!alive() || now_ms() > end) {
			peer_note("the bystander's disk stands still");
			return false;
		}
		sleep_ms(2);
	}
	if (__atomic_exchange_n(&shared->bad, 0, __ATOMIC_RELAXED)) {
		peer_note("the bystander's I/O went wrong");
		return false;
	}
	return true;
}

void back_bystander_stop(void)
{
	uint64_t end = now_ms() + 2 * PATIENCE;

	__atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
	while (!waitpid(bystander, NULL, WNOHANG)) {
		if (now_ms() > end)
			kill(bystander, SIGKILL);
		sleep_ms(5);
	}
}
