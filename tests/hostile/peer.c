// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the rogue peers share: the layouts, granted pages, events, patterns,
 * threads that disturb.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "peer.h"
#include "wire.h"

const struct wire wire_x86_64 = {
	.protocol = "x86_64-abi",
	.entry = 112, .rsp = 16,
	.id = 8, .sector = 16, .segs = 24,
	.i_handle = 24, .i_grefs = 28,
};

const struct wire wire_x86_32 = {
	.protocol = "x86_32-abi",
	.entry = 108, .rsp = 12,
	.id = 4, .sector = 12, .segs = 20,
	.i_handle = 20, .i_grefs = 24,
};

_Static_assert(sizeof(struct blkif_request) == 112, "a native slot");
_Static_assert(sizeof(struct blkif_response) == 16, "a native response");
_Static_assert(offsetof(struct blkif_request, seg) == 24, "its segments");
_Static_assert(offsetof(struct blkif_request_indirect, indirect_grefs) == 28,
	       "its pages of descriptors");
_Static_assert(offsetof(struct blkif_request_discard, nr_sectors) == 24,
	       "a discard's length");

/* time */

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000l };

	nanosleep(&ts, NULL);
}

/* pages */

bool pages_share(struct pages *pages, xengntshr_handle *xgs,
		 unsigned int domid, unsigned int nr, bool writable)
{
	pages->nr = nr;
	pages->ref = calloc(nr, sizeof(*pages->ref));
	pages->addr = xengntshr_share_pages(xgs, domid, nr, pages->ref,
					    writable);
	if (pages->addr)
		return true;
	peer_note("cannot share %u pages: %s", nr, strerror(errno));
	free(pages->ref);
	pages->ref = NULL;
	return false;
}

void pages_unshare(struct pages *pages, xengntshr_handle *xgs)
{
	if (!pages->addr)
		return;
	xengntshr_unshare(xgs, pages->addr, pages->nr);
	free(pages->ref);
	pages->addr = NULL;
	pages->ref = NULL;
}

uint8_t *pages_at(const struct pages *pages, unsigned int i)
{
	return pages->addr + (size_t)i * WIRE_PAGE;
}

/* events */

/* Until one comes, or @ms have passed. */
void event_wait(xenevtchn_handle *event, unsigned int ms)
{
	struct pollfd fd = { .fd = xenevtchn_fd(event), .events = POLLIN };
	int port;

	if (poll(&fd, 1, ms) <= 0)
		return;
	port = xenevtchn_pending(event);
	if (port >= 0)
		xenevtchn_unmask(event, port);
}

/* patterns */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

void fill(void *buf, unsigned int bytes, uint64_t seed)
{
	uint64_t *p = buf;
	unsigned int i;

	for (i = 0; i < bytes / 8; i++)
		p[i] = mix(seed * 0x9e3779b97f4a7c15ull + i);
}

/* How many 8-byte words are not what fill() wrote. */
unsigned int differs(const void *buf, unsigned int bytes, uint64_t seed)
{
	const uint64_t *p = buf;
	unsigned int i, bad = 0;

	for (i = 0; i < bytes / 8; i++)
		bad += p[i] != mix(seed * 0x9e3779b97f4a7c15ull + i);
	return bad;
}

/* Numbers that look random and are the same in each run. */
uint64_t noise(void)
{
	static __thread uint64_t state = 1;

	return mix(state++);
}

/* threads that disturb */

static void *disturber_main(void *arg)
{
	struct disturber *d = arg;

	while (!__atomic_load_n(&d->stop, __ATOMIC_RELAXED)) {
		d->fn(d);
		d->rounds++;
	}
	return NULL;
}

static void disturber_cleanup(void *arg)
{
	disturb_end(arg);
}

void disturb(struct disturber *d, void (*fn)(struct disturber *d), void *arg)
{
	d->fn = fn;
	d->arg = arg;
	d->rounds = 0;
	d->stop = false;
	need(!pthread_create(&d->thread, NULL, disturber_main, d),
	     "no thread");
	d->running = true;
	peer_at_end(disturber_cleanup, d);
}

uint64_t disturb_end(struct disturber *d)
{
	if (!d->running)
		return d->rounds;
	d->running = false;
	__atomic_store_n(&d->stop, true, __ATOMIC_RELAXED);
	pthread_join(d->thread, NULL);
	peer_forget(d);
	return d->rounds;
}
