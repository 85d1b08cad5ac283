// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O on a backend's disk, by children: one that does not answer holds up
 * nobody else.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "back.h"

static enum io do_io(int fd, uint8_t *buf, const struct io_try *io)
{
	unsigned int i = 0;
	ssize_t n;

	if (io->write)
		fill(buf, io->bytes, io->seed);
	do {
		n = io->write ? pwrite(fd, buf, io->bytes, io->offset) :
				pread(fd, buf, io->bytes, io->offset);
		if (n != (ssize_t)io->bytes || (io->sync && fdatasync(fd)))
			return IO_ERROR;
	} while (++i < io->times);
	return !io->write && differs(buf, io->bytes, io->seed) ? IO_WRONG :
								 IO_GOOD;
}

static enum io io_once(const char *disk, const struct io_try *io)
{
	int fd = open(disk, (io->write ? O_RDWR : O_RDONLY) | O_DIRECT);
	enum io result = IO_ERROR;
	uint8_t *buf;

	if (fd < 0)
		return IO_ERROR;
	buf = mmap(NULL, io->bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf != MAP_FAILED) {
		result = do_io(fd, buf, io);
		munmap(buf, io->bytes);
	}
	close(fd);
	return result;
}

int io_begin(struct back *b, const struct io_try *io)
{
	int child;

	fflush(stdout);
	child = fork();
	if (!child)
		_exit(io_once(b->disk, io));
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

/* I/O by this process, which a disk that does not answer would hold up. */
static enum io io_here(struct back *b, const struct io_try *io)
{
	return io_once(b->disk, io);
}

static enum io io_patient(struct back *b, const struct io_try *io)
{
	return io_run(b, io, PATIENCE);
}

/* Write, have it made durable, read back, compare. */
static bool verify(struct back *b,
		   enum io (*run)(struct back *b, const struct io_try *io))
{
	struct io_try io = {
		.write = true, .sync = true, .bytes = 16 * 1024,
		.offset = noise() % 64 * 4096, .seed = noise(),
	};
	enum io result = run(b, &io);

	if (result == IO_GOOD) {
		io.write = false;
		io.sync = false;
		result = run(b, &io);
	}
	if (result != IO_GOOD)
		peer_note("%s: %s: %s", b->disk, io.write ? "write" : "read",
			  io_name(result));
	return result == IO_GOOD;
}

bool back_verify(struct back *b)
{
	return verify(b, io_patient);
}

/* The same without a child, for a disk that surely answers. */
bool back_verify_here(struct back *b)
{
	return verify(b, io_here);
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

static void expect_given_up(struct back *b, const char *why)
{
	unsigned int lines = back_broken_lines(b);
	char error[PATH_BYTES];

	expect(lines == 1, "%s: %u lines in the log, not one", why, lines);
	snprintf(error, sizeof(error), BACK_ERROR, b->cfg.id);
	expect(store_has_error(error, b->front), "%s: no error node", why);
}

/* The frontend gave us up: I/O fails rather than hangs, and one line says so. */
void back_expect_broken(struct back *b, const char *why)
{
	struct io_try io = { .bytes = 4096, .offset = 8192 };
	enum io result;

	expect(back_wait(b, STATE(XB_CLOSING) | STATE(XB_CLOSED)),
	       "%s: the frontend is in state %u, not Closing", why,
	       back_peer(b));
	result = io_run(b, &io, PATIENCE);
	expect(result == IO_ERROR, "%s: I/O afterwards: %s", why,
	       io_name(result));
	expect_given_up(b, why);
}

/* It never made a disk of what we offered, and one line says why. */
void back_expect_closed(struct back *b, const char *why)
{
	expect(back_wait(b, STATE(XB_CLOSED)),
	       "%s: the frontend is in state %u, not Closed", why,
	       back_peer(b));
	expect_given_up(b, why);
}
