// SPDX-License-Identifier: GPL-2.0-only
/*
 * scribble DISK MB TURNS: write to a disk from pages that another thread changes all
 * the time. Which of the bytes arrive does not matter; that the store below stays
 * consistent does, and is checked elsewhere.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK	(128 << 10)

static volatile uint64_t *page;
static volatile bool stop;

static void *change(void *unused)
{
	uint64_t n = 0;

	(void)unused;
	while (!stop) {
		for (size_t i = 0; i < CHUNK / 8; i += 64)
			page[i] = ++n;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned int turns, chunks;
	pthread_t thread;
	void *buffer;
	int fd;

	if (argc != 4)
		errx(2, "usage: scribble DISK MB TURNS");
	chunks = strtoul(argv[2], NULL, 10) * ((1 << 20) / CHUNK);
	turns = strtoul(argv[3], NULL, 10);
	fd = open(argv[1], O_RDWR | O_DIRECT);
	if (fd < 0)
		err(1, "%s", argv[1]);
	if (posix_memalign(&buffer, 4096, CHUNK))
		errx(1, "no memory");
	page = buffer;
	if (pthread_create(&thread, NULL, change, NULL))
		errx(1, "no thread");
	for (unsigned int i = 0; i < turns; i++) {
		off_t at = (off_t)(i % chunks) * CHUNK;

		if (pwrite(fd, buffer, CHUNK, at) != CHUNK)
			err(1, "write at %lld", (long long)at);
	}
	stop = true;
	pthread_join(thread, NULL);
	if (fsync(fd))
		err(1, "fsync");
	return 0;
}
