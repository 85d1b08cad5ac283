// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O on a backend's disk, by children: one that does not answer holds up
 * nobody else.
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "back.h"

static ssize_t do_one(int fd, uint8_t *buf, const struct io_try *io)
{
	struct iovec vec = { .iov_base = buf, .iov_len = io->bytes };

	if (!io->write)
		return preadv(fd, &vec, 1, io->offset);
	return pwritev2(fd, &vec, 1, io->offset, io->durable ? RWF_DSYNC : 0);
}

static enum io do_io(int fd, uint8_t *buf, const struct io_try *io)
{
	unsigned int i = 0;
	ssize_t n;

	if (io->write)
		fill(buf, io->bytes, io->seed);
	do {
		n = do_one(fd, buf, io);
		if (n != (ssize_t)io->bytes || (io->sync && fdatasync(fd)))
			return IO_ERROR;
	} while (++i < io->times);
	return !io->write && differs(buf, io->bytes, io->seed) ? IO_WRONG :
								 IO_GOOD;
}

static enum io io_on(int fd, const struct io_try *io)
{
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
	return result;
}

static enum io io_once(const char *disk, const struct io_try *io)
{
	return io_on(open(disk, (io->write ? O_RDWR : O_RDONLY) | O_DIRECT),
		     io);
}

/*
 * Requests that nobody sleeps deeply for, as a guest may have them out when it
 * is suspended: @nr reads of a page, or durable writes of one. Return: 0 when all
 * have ended well.
 */
int io_post(const char *disk, bool write, unsigned int nr)
{
	int fd = open(disk, (write ? O_RDWR : O_RDONLY) | O_DIRECT), bad = 0;
	struct iocb cb = {
		.aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
		.aio_rw_flags = write ? RWF_DSYNC : 0,
		.aio_fildes = fd,
	};
	struct iocb *one = &cb;
	struct io_event event;
	aio_context_t ctx = 0;
	unsigned int i;

	cb.aio_buf = (uintptr_t)aligned_alloc(WIRE_PAGE, WIRE_PAGE);
	cb.aio_nbytes = WIRE_PAGE;
	if (fd < 0 || syscall(SYS_io_setup, nr, &ctx))
		return 1;
	for (i = 0; i < nr; i++) {
		cb.aio_offset = (1 << 20) + i * 2 * WIRE_PAGE;
		if (syscall(SYS_io_submit, ctx, 1, &one) != 1)
			return 1;
	}
	for (i = 0; i < nr; i++) {
		while (syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL) != 1)
			;
		bad |= event.res != WIRE_PAGE;
	}
	return bad;
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
	if (!b->fd)
		b->fd = open(b->disk, O_RDWR | O_DIRECT | O_CLOEXEC);
	return io_on(b->fd, io);
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

/*
 * The same without a child, for a disk that surely answers. It stays open until
 * back_release(), because others look at a disk each time it is closed.
 */
bool back_verify_here(struct back *b)
{
	return verify(b, io_here);
}

void back_release(struct back *b)
{
	if (b->fd)
		close(b->fd);
	b->fd = 0;
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
