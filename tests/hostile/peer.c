// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the rogue peers share: xenstore, the kernel's log and files, granted
 * pages, patterns, threads that disturb.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

/* xenstore */

struct xs_handle *store(void)
{
	static __thread struct xs_handle *xs;
	static __thread pid_t owner;

	if (owner != getpid()) {
		xs = xs_open(0);
		owner = getpid();
		if (!xs) {
			perror("xenstore");
			exit(1);
		}
	}
	return xs;
}

/* Between these two, all that this thread writes appears at once. */
static __thread xs_transaction_t transaction;

void store_begin(void)
{
	transaction = xs_transaction_start(store());
}

bool store_commit(void)
{
	xs_transaction_t t = transaction;

	transaction = XBT_NULL;
	return xs_transaction_end(store(), t, false);
}

static const char *store_path(char *path, const char *dir, const char *key)
{
	snprintf(path, PATH_BYTES, key ? "%s/%s" : "%s", dir, key);
	return path;
}

bool store_put_raw(const char *dir, const char *key, const char *value,
		   unsigned int len)
{
	char path[PATH_BYTES];

	return xs_write(store(), transaction, store_path(path, dir, key),
			value, len);
}

void store_put(const char *dir, const char *key, const char *fmt, ...)
{
	char value[PATH_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (!store_put_raw(dir, key, value, strlen(value)))
		peer_note("xenstore: %s/%s: %s", dir, key, strerror(errno));
}

char *store_get(const char *dir, const char *key)
{
	char path[PATH_BYTES];
	unsigned int len;

	return xs_read(store(), XBT_NULL, store_path(path, dir, key), &len);
}

uint64_t store_num(const char *dir, const char *key, uint64_t otherwise)
{
	char *value = store_get(dir, key);
	uint64_t num = otherwise;

	if (value && *value)
		num = strtoull(value, NULL, 10);
	free(value);
	return num;
}

bool store_exists(const char *path)
{
	char *value = store_get(path, NULL);

	free(value);
	return value;
}

void store_rm(const char *dir, const char *key)
{
	char path[PATH_BYTES];

	xs_rm(store(), XBT_NULL, store_path(path, dir, key));
}

/* Wait until a number, such as a state, is one of those in @mask. */
bool store_wait(const char *dir, const char *key, unsigned int mask,
		unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	for (;;) {
		uint64_t value = store_num(dir, key, XB_UNKNOWN);

		if (value < 32 && mask & STATE(value))
			return true;
		if (now_ms() >= end)
			return false;
		sleep_ms(2);
	}
}

/* the kernel's log: everything since klog_start() */

static int klog_fd = -1;
static char *klog_text;
static size_t klog_len;

/* Each process has its own place in the log: a child must not share ours. */
void klog_start(void)
{
	if (klog_fd >= 0)
		close(klog_fd);
	klog_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	lseek(klog_fd, 0, SEEK_END);
	klog_len = 0;
}

static void klog_read(void)
{
	char record[8192];
	ssize_t n;

	for (;;) {
		n = read(klog_fd, record, sizeof(record));
		if (n < 0 && errno == EPIPE)
			continue;	/* records were overwritten */
		if (n <= 0)
			return;
		klog_text = realloc(klog_text, klog_len + n + 2);
		memcpy(klog_text + klog_len, record, n);
		klog_len += n;
		klog_text[klog_len] = 0;
	}
}

/* Messages of at most @level that hold both strings; what follows is indented. */
static unsigned int klog_count(char level, const char *a, const char *b)
{
	unsigned int count = 0;
	char *line, *next, *in_a, *in_b;

	klog_read();
	for (line = klog_text; line && line < klog_text + klog_len; line = next) {
		next = strchr(line, '\n');
		next = next ? next + 1 : klog_text + klog_len;
		in_a = strstr(line, a);
		in_b = strstr(line, b);
		if (*line == ' ' || (line[1] == ',' && *line > level))
			continue;
		if (in_a && in_a < next && in_b && in_b < next)
			count++;
	}
	return count;
}

unsigned int klog_lines(const char *a, const char *b)
{
	return klog_count('9', a, b);
}

/* Messages that say that something is wrong with a device. */
unsigned int klog_errors(const char *device)
{
	return klog_count('3', device, "");
}

/* files */

bool file_exists(const char *path)
{
	struct stat st;

	return !stat(path, &st);
}

bool file_read(const char *path, char *buf, unsigned int len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	buf[0] = 0;
	if (fd < 0)
		return false;
	n = read(fd, buf, len - 1);
	close(fd);
	if (n < 0)
		return false;
	buf[n] = 0;
	return true;
}

/* Return: 0 or a negative errno, that of write(2). */
int file_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

bool wait_gone(const char *path, unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	while (file_exists(path)) {
		if (now_ms() >= end)
			return false;
		sleep_ms(2);
	}
	return true;
}

/* A line of /proc/meminfo, in KiB. */
uint64_t meminfo(const char *key)
{
	char text[8192], *at;

	if (!file_read("/proc/meminfo", text, sizeof(text)))
		return 0;
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key) + 1, NULL, 10) : 0;
}

static bool is_own_kernel_thread(const char *pid)
{
	char path[PATH_BYTES], text[512], *name;
	int ppid = 0;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	if (!file_read(path, text, sizeof(text)))
		return false;
	name = strchr(text, '(');
	if (!name || !strncmp(name, "(kworker", 8) || !strrchr(text, ')'))
		return false;
	sscanf(strrchr(text, ')') + 1, " %*c %d", &ppid);
	return ppid == 2;
}

/* Kernel threads other than the shared workers, whose number varies. */
unsigned int kernel_threads(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	unsigned int count = 0;

	while (proc && (d = readdir(proc)))
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9')
			count += is_own_kernel_thread(d->d_name);
	if (proc)
		closedir(proc);
	return count;
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
