// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer that behaves well beside the rogue, in a process of its own: it
 * writes, reads and compares all the time, and must not notice anything.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"
#include "wire.h"

/* Two rounds: the first may have begun before we looked. */
#define ENOUGH_ROUNDS	2

/* Between two rounds: most of the CPU is the rogue's. */
#define PACE_MS		20

/* How long calm and storm are compared, and how small its share may be. */
#define STORM_MS	500
#define STORM_SHARE	25

static struct {
	uint64_t rounds;
	uint64_t bad;
	bool ready;
	bool stop;
} *shared;

static pid_t bystander;

static void live(const struct peer_program *program)
{
	program->begin();
	__atomic_store_n(&shared->ready, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
		if (!program->round())
			__atomic_add_fetch(&shared->bad, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&shared->rounds, 1, __ATOMIC_RELAXED);
		sleep_ms(PACE_MS);
	}
	expect(program->end(), "the bystander cannot close");
	peer_end();
}

static bool alive(void)
{
	return bystander && !waitpid(bystander, NULL, WNOHANG);
}

bool bystander_start(const struct peer_program *program)
{
	uint64_t end = now_ms() + 2 * PATIENCE;

	shared = mmap(NULL, WIRE_PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(stdout);
	bystander = fork();
	if (!bystander) {
		klog_start();
		live(program);
	}
	while (!__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST)) {
		if (!alive() || now_ms() > end)
			return false;
		sleep_ms(5);
	}
	return true;
}

static uint64_t bystander_rounds(void)
{
	return __atomic_load_n(&shared->rounds, __ATOMIC_RELAXED);
}

/* It still makes progress, and no data of it was ever wrong. */
bool bystander_check(void)
{
	uint64_t from = bystander_rounds(), end = now_ms() + PATIENCE, bad;

	while (bystander_rounds() < from + ENOUGH_ROUNDS) {
		if (!alive() || now_ms() > end) {
			peer_note("the bystander's disk stands still");
			return false;
		}
		sleep_ms(2);
	}
	bad = __atomic_exchange_n(&shared->bad, 0, __ATOMIC_RELAXED);
	if (bad)
		peer_note("the bystander's I/O went wrong %llu times",
			  (unsigned long long)bad);
	return !bad;
}

void bystander_stop(void)
{
	uint64_t end = now_ms() + 2 * PATIENCE;

	__atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
	while (!waitpid(bystander, NULL, WNOHANG)) {
		if (now_ms() > end)
			kill(bystander, SIGKILL);
		sleep_ms(5);
	}
}

static uint64_t progress(void)
{
	uint64_t from = bystander_rounds();

	sleep_ms(STORM_MS);
	return bystander_rounds() - from;
}

/*
 * Disturb with @nr threads, at most STORM_THREADS. The bystander may get its
 * share of the CPU and not much less. Return: rounds of all threads.
 */
uint64_t bystander_storm(void (*fn)(struct disturber *d), void *arg,
			 unsigned int nr)
{
	static struct disturber d[STORM_THREADS];
	uint64_t calm = progress(), storm, sent = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		disturb(&d[i], fn, arg);
	storm = progress();
	if (peer_soak())
		sleep_ms(10000);
	for (i = 0; i < nr; i++)
		sent += disturb_end(&d[i]);
	peer_note("%llu times; bystander: %llu rounds in calm, %llu in the storm",
		  (unsigned long long)sent, (unsigned long long)calm,
		  (unsigned long long)storm);
	expect(storm * STORM_SHARE >= calm, "the bystander starved");
	return sent;
}
