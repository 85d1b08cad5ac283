// SPDX-License-Identifier: GPL-2.0-only
/*
 * common/ring with two threads, one at each end, meant for ThreadSanitizer.
 *
 *	ring_tsan [MESSAGES [KIND]]	a million through each kind of ring, or as
 *					many as said, or through that kind only
 *
 * Every message's number and contents are checked at both ends. Each end sleeps
 * whenever the ring lets it, and only an event that the other end's push asked
 * for wakes it, so that a lost wake-up shows as a sleep without end. The events
 * are futexes over relaxed atomics: they order nothing, and whatever order
 * ThreadSanitizer finds between the accesses to a slot is the ring's own.
 */
#include <errno.h>
#include <linux/bits.h>
#include <linux/futex.h>
#include <linux/kernel.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/ring/ring.h"

#define MAX_WORDS	28
#define MAX_SLOTS	512
#define SLEEP_LIMIT	30 /* seconds; a lost wake-up sleeps for ever */

/* An event channel: one bit, "look again". */
struct event {
	u32 raised;
	unsigned long sent;
};

struct party {
	const char *name;
	struct event *in, *out;
	unsigned long slept;
	u32 dice;
};

static struct run {
	size_t bytes;
	u32 entry;
	u32 rsp_len;
	u32 messages;
	struct event to_back, to_front;
	struct tandem_front_ring front;
	struct tandem_back_ring back;
	struct party front_party, back_party;
} run;

static void __noreturn fail(const char *who, const char *what, u32 number)
{
	printf("# %s: %s, message %u\n", who, what, number);
	printf("not ok 1 %s\n", what);
	fflush(stdout);
	_exit(1);
}

static u32 dice(struct party *p, u32 sides)
{
	p->dice = p->dice * 1664525 + 1013904223;
	return (p->dice >> 8) % sides;
}

static void event_send(struct event *e)
{
	e->sent++;
	__atomic_store_n(&e->raised, 1, __ATOMIC_RELAXED);
	syscall(SYS_futex, &e->raised, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void event_wait(struct party *p, u32 number)
{
	const struct timespec limit = { .tv_sec = SLEEP_LIMIT };

	p->slept++;
	while (!__atomic_exchange_n(&p->in->raised, 0, __ATOMIC_RELAXED))
		if (syscall(SYS_futex, &p->in->raised, FUTEX_WAIT_PRIVATE, 0,
			    &limit, NULL, 0) && errno == ETIMEDOUT)
			fail(p->name, "lost wake-up", number);
}

/* Word 0 is the number; the rest follow from it, each differently. */
static void fill(u32 *msg, u32 len, u32 number)
{
	u32 i;

	msg[0] = number;
	for (i = 1; i < len / 4; i++)
		msg[i] = number * 2654435761U + i * 40503;
}

static void check(const char *who, const u32 *msg, u32 len, u32 number)
{
	u32 want[MAX_WORDS];

	fill(want, len, number);
	if (memcmp(want, msg, len))
		fail(who, "corrupt message", number);
}

/* Answers the requests of a drain in the opposite order, in several pushes. */
static void respond(struct party *me, const u32 *numbers, u32 n)
{
	u32 msg[MAX_WORDS];

	while (n--) {
		fill(msg, run.rsp_len, numbers[n]);
		tandem_back_ring_respond(&run.back, msg, run.rsp_len);
		if ((!n || !dice(me, 8)) && tandem_back_ring_push(&run.back))
			event_send(me->out);
	}
}

static void *back_thread(void *arg)
{
	struct party *me = arg;
	u32 numbers[MAX_SLOTS];
	u32 msg[MAX_WORDS];
	u32 taken = 0, i;
	int n;

	while (taken < run.messages) {
		n = tandem_back_ring_pending(&run.back);
		if (n < 0)
			fail(me->name, "absurd producer", taken);
		for (i = 0; i < (u32)n; i++, taken++) {
			tandem_back_ring_read(&run.back, msg, 0, run.entry);
			tandem_back_ring_next(&run.back);
			check(me->name, msg, run.entry, taken);
			numbers[i] = msg[0];
		}
		respond(me, numbers, n);
		if (taken < run.messages && !tandem_back_ring_arm(&run.back, 1))
			event_wait(me, taken);
	}
	return NULL;
}

static u32 send_some(struct party *me, u32 sent)
{
	u32 n = min(tandem_front_ring_free(&run.front), run.messages - sent);
	u32 msg[MAX_WORDS];

	for (n = dice(me, n + 1); n; n--, sent++) {
		fill(msg, run.entry, sent);
		tandem_front_ring_write(&run.front, msg, run.entry);
	}
	if (tandem_front_ring_push(&run.front))
		event_send(me->out);
	return sent;
}

static u32 take_some(struct party *me, u8 *answered, u32 done)
{
	int n = tandem_front_ring_pending(&run.front);
	u32 msg[MAX_WORDS];

	if (n < 0)
		fail(me->name, "absurd producer", done);
	for (; n; n--, done++) {
		tandem_front_ring_read(&run.front, msg, 0, run.rsp_len);
		tandem_front_ring_next(&run.front);
		check(me->name, msg, run.rsp_len, msg[0]);
		if (msg[0] >= run.messages || answered[msg[0] / 8] & BIT(msg[0] % 8))
			fail(me->name, "answered twice", msg[0]);
		answered[msg[0] / 8] |= BIT(msg[0] % 8);
	}
	return done;
}

static void *front_thread(void *arg)
{
	u8 *answered = calloc(1, run.messages / 8 + 1);
	struct party *me = arg;
	u32 sent = 0, done = 0;

	while (done < run.messages) {
		sent = send_some(me, sent);
		done = take_some(me, answered, done);
		/* Any number of those on their way will come by itself. */
		if (sent != done &&
		    !tandem_front_ring_arm(&run.front, 1 + dice(me, sent - done)))
			event_wait(me, done);
	}
	free(answered);
	return NULL;
}

static void run_threads(size_t bytes, u32 entry, u32 rsp_len, u32 messages)
{
	void *shared = aligned_alloc(4096, (bytes + 4095) & ~4095UL);
	pthread_t front, back;

	memset(shared, 0, bytes);
	memset(&run, 0, sizeof(run));
	run.bytes = bytes;
	run.entry = entry;
	run.rsp_len = rsp_len;
	run.messages = messages;
	run.front_party = (struct party){
		.name = "frontend", .in = &run.to_front, .out = &run.to_back,
		.dice = 1,
	};
	run.back_party = (struct party){
		.name = "backend", .in = &run.to_back, .out = &run.to_front,
		.dice = 2,
	};
	tandem_front_ring_init(&run.front, shared, bytes, entry);
	tandem_back_ring_init(&run.back, shared, bytes, entry);
	pthread_create(&front, NULL, front_thread, &run.front_party);
	pthread_create(&back, NULL, back_thread, &run.back_party);
	pthread_join(front, NULL);
	pthread_join(back, NULL);
	free(shared);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		size_t bytes;
		u32 entry;
		u32 rsp_len;
		u32 share;
	} kind[] = {
		{ "block, native, one page", 4096, 112, 16, 1 },
		{ "block, x86_32, four pages", 16384, 108, 12, 1 },
		{ "network, received", 4096, 8, 8, 1 },
		/* Sleeps for nearly every message. */
		{ "two slots", 64 + 2 * 12, 12, 4, 4 },
	};
	u32 messages = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;
	size_t only = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	struct timespec from, to;
	size_t i, test = 0;

	printf("KTAP version 1\n1..%zu\n", only ? 1 : ARRAY_SIZE(kind));
	for (i = 0; i < ARRAY_SIZE(kind); i++) {
		if (only && i + 1 != only)
			continue;
		clock_gettime(CLOCK_MONOTONIC, &from);
		run_threads(kind[i].bytes, kind[i].entry, kind[i].rsp_len,
			    messages / kind[i].share);
		clock_gettime(CLOCK_MONOTONIC, &to);
		printf("# backend: %lu events, slept %lu times; frontend: %lu, %lu\n",
		       run.to_back.sent, run.back_party.slept,
		       run.to_front.sent, run.front_party.slept);
		printf("ok %zu %s # %u messages in %ld s\n", ++test, kind[i].name,
		       run.messages, (long)(to.tv_sec - from.tv_sec));
		fflush(stdout);
	}
	return 0;
}
