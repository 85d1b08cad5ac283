// SPDX-License-Identifier: GPL-2.0-only
/*
 * A frontend that behaves well beside the rogue, in a process of its own: it
 * writes, reads and compares all the time, and must not notice anything.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front.h"

static struct {
	uint64_t rounds;
	uint64_t bad;
	bool ready;
	bool stop;
} *shared;

static pid_t bystander;

static void live(void)
{
	static struct front f;
	struct front_cfg cfg = { .id = FRONT_BYSTANDER };

	front_start(&f, &cfg);
	__atomic_store_n(&shared->ready, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
		if (!front_verify(&f.queue[0]))
			__atomic_add_fetch(&shared->bad, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&shared->rounds, 1, __ATOMIC_RELAXED);
		sleep_ms(1);
	}
	expect(front_close(&f), "the bystander cannot close");
	peer_end();
}

static bool alive(void)
{
	return bystander && !waitpid(bystander, NULL, WNOHANG);
}

bool bystander_start(void)
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

uint64_t bystander_rounds(void)
{
	return __atomic_load_n(&shared->rounds, __ATOMIC_RELAXED);
}

/* It still makes progress, and no data of it was ever wrong. */
bool bystander_check(void)
{
	uint64_t from = bystander_rounds(), end = now_ms() + PATIENCE;

	while (bystander_rounds() < from + 3) {
		if (!alive() || now_ms() > end) {
			peer_note("the bystander's device stands still");
			return false;
		}
		sleep_ms(2);
	}
	if (__atomic_load_n(&shared->bad, __ATOMIC_RELAXED)) {
		peer_note("the bystander's I/O went wrong %llu times",
			  (unsigned long long)shared->bad);
		__atomic_store_n(&shared->bad, 0, __ATOMIC_RELAXED);
		return false;
	}
	return true;
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
