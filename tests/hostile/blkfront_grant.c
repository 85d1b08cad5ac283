// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a backend may see of the frontend's memory, and for how long: stale
 * bytes beside the payload, pages that it never gives back.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "back.h"
#include "blkfront.h"

#define SECRET		0x77
#define PAYLOAD		0x11
#define CHURN_MB	32u

static struct back back;

/* Pages held beyond the response, with what was in them. */
static struct {
	uint8_t *page;
	uint8_t copy[WIRE_PAGE];
	bool watch;
} held[64];
static unsigned int nr_held;

/* Fill and free memory, so that stale pages hold the secret. */
static void spray(uint8_t value)
{
	pid_t pid = fork();
	uint8_t *p;

	if (!pid) {
		p = mmap(NULL, CHURN_MB << 20, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (p != MAP_FAILED)
			memset(p, value, CHURN_MB << 20);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static unsigned int stale(const uint8_t *page, unsigned int from,
			  unsigned int to)
{
	unsigned int i, bad = 0;

	for (i = from; i < to; i++)
		bad += page[i] && page[i] != PAYLOAD;
	return bad;
}

/*
 * Outside the payload there is nothing, or what we were shown before. All that
 * is read or written here is PAYLOAD, so that is one value.
 */
static enum verdict scan(struct back *b, struct ask *ask)
{
	unsigned int *bad = b->cfg.arg, i;
	const struct wire_seg *s;
	uint8_t *page;

	for (i = 0; i < ask->nseg; i++) {
		s = &ask->seg[i];
		page = back_map(b, s->gref, false);
		if (!page)
			continue;
		*bad += stale(page, 0, s->first * WIRE_SECTOR);
		*bad += stale(page, (s->last + 1) * WIRE_SECTOR, WIRE_PAGE);
		if (ask->op == BLKIF_OP_READ)
			*bad += stale(page, 0, WIRE_PAGE);
		xengnttab_unmap(b->gnt, page, 1);
	}
	return SERVE;
}

/* I/O of odd lengths from the middle of a page full of secrets. */
static int secret_io(const char *disk, bool direct)
{
	int fd = open(disk, O_RDWR | (direct ? O_DIRECT : 0)), i;
	uint8_t *buf;

	if (fd < 0)
		return 1;
	buf = mmap(NULL, 64 * WIRE_PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < 40; i++) {
		unsigned int off = WIRE_SECTOR * (1 + i % 7);
		unsigned int len = WIRE_SECTOR * (1 + i % 23);

		memset(buf, SECRET, 64 * WIRE_PAGE);
		memset(buf + off, PAYLOAD, len);
		if (pwrite(fd, buf + off, len, i * WIRE_PAGE) != (ssize_t)len)
			return 1;
		if (fsync(fd))
			return 1;
		if (pread(fd, buf + off, len, i * WIRE_PAGE) != (ssize_t)len)
			return 1;
	}
	return 0;
}

static void stale_data(struct back_cfg cfg, const char *what)
{
	unsigned int bad = 0, direct;
	int status;
	pid_t pid;

	cfg.untrusted = true;
	spray(SECRET);
	back_start(&back, &cfg);
	memset(back.memory, PAYLOAD, BACK_SECTORS * WIRE_SECTOR);
	back_hook(&back, scan, &bad);
	for (direct = 0; direct < 2; direct++) {
		spray(SECRET);
		pid = fork();
		if (!pid)
			_exit(secret_io(back.disk, direct));
		waitpid(pid, &status, 0);
		expect(!status, "%s: I/O failed", what);
	}
	back_hook(&back, NULL, NULL);
	expect(!bad, "%s: %u stale bytes", what, bad);
	expect(back_close(&back), "%s: no orderly end", what);
	back_finish(&back);
}

static void stale_oneshot(void)
{
	stale_data((struct back_cfg){ .flush = true }, "one-shot");
}

static void stale_persistent(void)
{
	stale_data((struct back_cfg){ .flush = true, .persistent = true },
		   "persistent");
}

static void stale_indirect(void)
{
	stale_data((struct back_cfg){ .flush = true, .indirect = 64 },
		   "indirect");
}

/* The ring itself, when it is first shown. */
static void stale_ring(void)
{
	struct back_cfg cfg = { .order = 2, .queues = 2, .untrusted = true };
	unsigned int i, j, bad = 0;

	spray(SECRET);
	back_create(&back, &cfg);
	need(back_attach(&back), "no frontend");
	for (i = 0; i < back.nr_queues; i++)
		for (j = 16; j < back.queue[i].pages * WIRE_PAGE; j++)
			bad += !!back.queue[i].ring[j];
	expect(!bad, "%u stale bytes in the rings", bad);
	back_serve(&back);
	back_publish(&back);
	need(back_find_disk(&back, PATIENCE), "no disk");
	back_expect_works(&back, "after a look at the rings");
}

/* Slots and pages of descriptors: nothing beyond what the request needs. */
static enum verdict scan_descriptors(struct back *b, struct ask *ask)
{
	const struct wire *w = &wire_x86_64;
	unsigned int *bad = b->cfg.arg, i;
	uint8_t *slot, *page;

	if (!ask->indirect)
		return SERVE;
	slot = wire_slot(w, ask->queue->ring, ask->queue->size, ask->index);
	page = back_map(b, wire_get(slot + w->i_grefs, 4), false);
	if (!page)
		return SERVE;
	for (i = ask->nseg * WIRE_SEG_BYTES; i < WIRE_PAGE; i++)
		*bad += page[i] == SECRET;
	xengnttab_unmap(b->gnt, page, 1);
	return SERVE;
}

static void stale_descriptors(void)
{
	struct back_cfg cfg = { .indirect = 64, .flush = true,
				.untrusted = true };
	struct io_try io = { .write = true, .bytes = 256 * 1024 };
	unsigned int bad = 0, i;

	spray(SECRET);
	back_start(&back, &cfg);
	back_hook(&back, scan_descriptors, &bad);
	for (i = 0; i < 16; i++) {
		io.bytes = 64 * 1024 + i * 4096;
		expect(io_run(&back, &io, PATIENCE) == IO_GOOD, "write");
	}
	back_hook(&back, NULL, NULL);
	expect(!bad, "%u stale bytes in pages of descriptors", bad);
}

/* Answer, and keep the pages. */
static enum verdict keep(struct back *b, struct ask *ask)
{
	unsigned int i;

	for (i = 0; i < ask->nseg && nr_held < ARRAY_SIZE(held); i++) {
		uint8_t *page = back_map(b, ask->seg[i].gref, false);

		if (page)
			held[nr_held++].page = page;
	}
	back_answer(ask->queue, ask->id, ask->op, back_do(b, ask));
	return SWALLOW;
}

static void held_look(void)
{
	unsigned int i;

	for (i = 0; i < nr_held; i++)
		memcpy(held[i].copy, held[i].page, WIRE_PAGE);
}

static unsigned int held_changed(void)
{
	unsigned int i, bad = 0;

	for (i = 0; i < nr_held; i++)
		bad += !!memcmp(held[i].copy, held[i].page, WIRE_PAGE);
	return bad;
}

static void held_give_back(void)
{
	while (nr_held)
		xengnttab_unmap(back.gnt, held[--nr_held].page, 1);
}

/*
 * A backend that never gives pages back: they are nobody's until it does. The
 * disk is given up if the frontend cannot do without them; either way nothing
 * hangs, and what we see in those pages stays as it is.
 */
static void never_unmaps(struct back_cfg cfg, bool write)
{
	struct io_try io = { .write = write, .bytes = 16384, .seed = 5 };
	unsigned int i;
	int child;

	nr_held = 0;
	cfg.flush = true;
	if (cfg.indirect)
		io.bytes = 65536;
	back_start(&back, &cfg);
	back_hook(&back, keep, NULL);
	child = io_begin(&back, &io);
	sleep_ms(500);
	expect(nr_held, "no pages to keep");
	held_look();
	expect(io_end(child, 4 * PATIENCE) != IO_STUCK,
	       "the request never ends");
	for (i = 0; i < 3; i++)
		spray(SECRET);
	expect(!held_changed(), "%u pages are in use again", held_changed());
	back_vanish(&back);
	spray(SECRET);
	expect(!held_changed(), "%u pages are in use again, after removal",
	       held_changed());
	held_give_back();
	back_finish(&back);
}

static void never_unmaps_write(void)
{
	never_unmaps((struct back_cfg){ .id = 0 }, true);
}

static void never_unmaps_read(void)
{
	never_unmaps((struct back_cfg){ .id = 0 }, false);
}

static void never_unmaps_untrusted(void)
{
	never_unmaps((struct back_cfg){ .untrusted = true }, true);
}

/* The page of descriptors is given back, and may be used again. */
static void never_unmaps_indirect(void)
{
	never_unmaps((struct back_cfg){ .indirect = 64 }, true);
}

static void never_unmaps_persistent(void)
{
	never_unmaps((struct back_cfg){ .persistent = true }, true);
}

/* The ring's pages, after the device is gone. */
static void never_unmaps_ring(void)
{
	struct back_cfg cfg = { .flush = true };
	uint8_t copy[WIRE_PAGE];
	unsigned int i;

	back_start(&back, &cfg);
	back_expect_works(&back, "before");
	back_pause(&back);
	memcpy(copy, back.queue[0].ring, WIRE_PAGE);
	back_vanish(&back);
	for (i = 0; i < 4; i++)
		spray(SECRET);
	expect(!memcmp(copy, back.queue[0].ring, WIRE_PAGE),
	       "the ring's page is in use again");
	back_finish(&back);
}

/* What the frontend bears, and more than one connection takes. */
#define WITHHELD	256u

/* Return: whether the frontend makes rings again; if not, it says so. */
static bool offered_again(void)
{
	char error[PATH_BYTES];
	uint64_t end = now_ms() + PATIENCE;

	snprintf(error, sizeof(error), BACK_ERROR, back.cfg.id);
	while (now_ms() < end) {
		if (store_wait(back.front, "state", STATE(XB_INITIALISED), 20))
			return true;
		if (store_has_error(error, back.front))
			return false;
	}
	peer_fail(__FILE__, __LINE__, "neither rings nor an error, state %u",
		  back_peer(&back));
	return false;
}

/* Close, and begin anew. Return: how many pages of the rings we keep, unless @let_go. */
static unsigned int close_and_begin(bool let_go)
{
	unsigned int i, nr = 0;

	back_set_state(&back, XB_CLOSING);
	need(back_wait(&back, STATE(XB_CLOSED)), "the frontend is in state %u",
	     back_peer(&back));
	for (i = 0; i < back.nr_queues && !let_go; i++) {
		nr += back.queue[i].pages;
		back.queue[i].ring = NULL;
	}
	back_unmap(&back);
	back_set_state(&back, XB_CLOSED);
	back_set_state(&back, XB_INITWAIT);
	return nr;
}

/*
 * Each connection begins, and we keep its rings. There is an end to that, for
 * the pages are the guest's; and with ours, the device can be had again.
 */
static void never_unmaps_rings(void)
{
	struct back_cfg cfg = { .id = BACK_ID(11), .order = 2, .queues = 2 };
	unsigned int kept = 0, rings = 0;
	uint64_t start = now_ms();

	back_create(&back, &cfg);
	while (kept <= 2 * WITHHELD && offered_again()) {
		need(back_attach(&back), "no frontend");
		kept += close_and_begin(false);
		rings++;
	}
	peer_note("%u pages of %u connections kept, %u ms", kept, rings,
		  (unsigned int)(now_ms() - start));
	expect(kept > WITHHELD / 2, "%u pages are too much", kept);
	expect(kept <= WITHHELD + 64, "%u pages are not too much", kept);
	back_expect_closed(&back, "too much is kept");
	back_finish(&back);
	back_start(&back, &cfg);
	back_expect_works(&back, "after all was given back");
	expect(back_close(&back), "no orderly end");
}

/* A backend that lets go when the frontend has closed may do so for ever. */
static void gives_rings_back(void)
{
	struct back_cfg cfg = { .id = BACK_ID(11), .order = 2, .queues = 2 };
	unsigned int i;

	back_create(&back, &cfg);
	for (i = 0; i <= WITHHELD / 4; i++) {
		need(offered_again(), "refused after %u connections", i);
		need(back_attach(&back), "no frontend");
		close_and_begin(true);
	}
	need(offered_again(), "refused after %u connections", i);
	need(back_attach(&back), "no frontend");
	back_serve(&back);
	back_publish(&back);
	need(back_find_disk(&back, PATIENCE), "no disk");
	back_expect_works(&back, "after many connections");
	expect(back_close(&back), "no orderly end");
}

/* The disk goes while every page of many requests is held. */
static enum verdict keep_silently(struct back *b, struct ask *ask)
{
	unsigned int i;

	for (i = 0; i < ask->nseg && nr_held < ARRAY_SIZE(held); i++) {
		uint8_t *page = back_map(b, ask->seg[i].gref, false);

		if (page)
			held[nr_held++].page = page;
	}
	return SWALLOW;
}

static void vanish_with_pages(void)
{
	struct back_cfg cfg = { .flush = true };
	struct io_try io = { .write = true, .bytes = 32768, .seed = 6 };
	int child[4];
	unsigned int i;

	nr_held = 0;
	back_start(&back, &cfg);
	back_hook(&back, keep_silently, NULL);
	for (i = 0; i < ARRAY_SIZE(child); i++)
		child[i] = io_begin(&back, &io);
	sleep_ms(500);
	held_look();
	back_vanish(&back);
	for (i = 0; i < ARRAY_SIZE(child); i++)
		expect(io_end(child[i], 4 * PATIENCE) == IO_ERROR,
		       "a request did not fail with the disk");
	for (i = 0; i < 3; i++)
		spray(SECRET);
	expect(!held_changed(), "%u of %u pages are in use again",
	       held_changed(), nr_held);
	held_give_back();
	back_finish(&back);
}

/* What became of attempts to map the pages of requests for writing. */
static struct {
	unsigned int writes;
	unsigned int writable;
	unsigned int reads;
	unsigned int unwritable;
} maps;

static enum verdict map_writable(struct back *b, struct ask *ask)
{
	bool write = ask->op == BLKIF_OP_WRITE;
	unsigned int i;
	uint8_t *page;

	if (!write && ask->op != BLKIF_OP_READ)
		return SERVE;
	for (i = 0; i < ask->nseg; i++) {
		page = back_map(b, ask->seg[i].gref, true);
		maps.writes += write;
		maps.reads += !write;
		maps.writable += write && page;
		maps.unwritable += !write && !page;
		if (page)
			xengnttab_unmap(b->gnt, page, 1);
	}
	return SERVE;
}

/* The data of a write is there to be read: its pages cannot be written to. */
static void write_is_readonly(void)
{
	unsigned int i;

	back_start(&back, &(struct back_cfg){ .flush = true });
	back_hook(&back, map_writable, NULL);
	for (i = 0; i < 4; i++)
		back_expect_works(&back, "single grants");
	back_hook(&back, NULL, NULL);
	expect(maps.writes && maps.reads, "%u writes, %u reads", maps.writes,
	       maps.reads);
	expect(!maps.writable, "%u of %u pages of writes can be written to",
	       maps.writable, maps.writes);
	expect(!maps.unwritable, "%u of %u pages of reads cannot be written to",
	       maps.unwritable, maps.reads);
	expect(back_close(&back), "no orderly end");
}

/*
 * No grant is left, which a peer can bring about by never giving any back: the
 * disk goes on with what it has, and a new one connects when there are some.
 */
static void table_full(void)
{
	xengntshr_handle *share = xengntshr_open(NULL, 0);
	struct back_cfg cfg = { .flush = true };
	static struct pages p[600];
	unsigned int i, nr;

	need(share, "/dev/xen/gntalloc");
	back_start(&back, &cfg);
	file_write("/sys/module/xen_gntalloc/parameters/limit", "1000000");
	for (nr = 0, i = 64; nr < ARRAY_SIZE(p) && i;)
		if (pages_share(&p[nr], share, 0, i, true))
			nr++;
		else
			i /= 2;
	peer_note("%u pieces of pages granted", nr);
	back_expect_works(&back, "with a full table");
	while (nr--)
		pages_unshare(&p[nr], share);
	file_write("/sys/module/xen_gntalloc/parameters/limit", "65536");
	back_expect_works(&back, "after a full table");
	expect(back_close(&back), "no orderly end");
	back_finish(&back);
	back_start(&back, &cfg);
	back_expect_works(&back, "a new disk");
	xengntshr_close(share);
}

const struct peer_case blkfront_grant[] = {
	{ "back-stale-data", stale_oneshot, 120, 0 },
	{ "back-stale-data-persistent", stale_persistent, 120, 0 },
	{ "back-stale-data-indirect", stale_indirect, 120, 0 },
	{ "back-stale-ring", stale_ring, 0, 0 },
	{ "back-stale-descriptors", stale_descriptors, 0, 0 },
	{ "back-never-unmaps-write", never_unmaps_write, 300, 0 },
	{ "back-never-unmaps-read", never_unmaps_read, 300, 0 },
	{ "back-never-unmaps-untrusted", never_unmaps_untrusted, 300,
	  CASE_LONG },
	{ "back-never-unmaps-indirect", never_unmaps_indirect, 300, CASE_LONG },
	{ "back-never-unmaps-persistent", never_unmaps_persistent, 300, 0 },
	{ "back-never-unmaps-ring", never_unmaps_ring, 0, 0 },
	{ "back-never-unmaps-rings", never_unmaps_rings, 300,
	  CASE_MEMORY | CASE_LONG },
	{ "back-grant-rings-given-back", gives_rings_back, 300,
	  CASE_MEMORY | CASE_LONG },
	{ "back-vanish-with-pages", vanish_with_pages, 300, 0 },
	{ "back-grant-of-write-is-readonly", write_is_readonly, 0, 0 },
	{ "back-grant-table-full", table_full, 0, 0 },
	{ 0 },
};
