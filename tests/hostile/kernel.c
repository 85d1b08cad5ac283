// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel says and shows: its log, its files, its memory and threads;
 * and what the backend's driver is told.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer.h"

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

/* The first line of a file that must be there. */
void file_line(const char *dir, const char *name, char *buf, unsigned int len)
{
	char path[PATH_BYTES + 32];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	need(file_read(path, buf, len), "no %s", path);
	buf[strcspn(buf, "\n")] = '\0';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t';
}

/* The number after the first @word of a file that must be there. */
uint64_t file_number(const char *dir, const char *name, const char *word)
{
	char path[PATH_BYTES + 32], text[4096], *at = text;
	size_t len = strlen(word);

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	need(file_read(path, text, sizeof(text)), "no %s", path);
	while ((at = strstr(at, word))) {
		if ((at == text || is_space(at[-1])) && at[len] == ' ')
			break;
		at += len;
	}
	need(at, "%s has no %s", path, word);
	return strtoull(at + len, NULL, 10);
}

bool file_number_grows(const char *dir, const char *name, const char *word,
		       uint64_t from)
{
	uint64_t end = now_ms() + PATIENCE / 3;

	while (file_number(dir, name, word) <= from) {
		if (now_ms() >= end)
			return false;
		sleep_ms(2);
	}
	return true;
}

/* Each file of a directory, whatever it says. */
void files_read(const char *dir)
{
	char path[2 * PATH_BYTES + 260], text[16384];
	DIR *handle = opendir(dir);
	struct dirent *d;

	while (handle && (d = readdir(handle))) {
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		if (d->d_type == DT_REG)
			file_read(path, text, sizeof(text));
	}
	if (handle)
		closedir(handle);
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

static bool wait_file(const char *path, bool there, unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	while (file_exists(path) != there) {
		if (now_ms() >= end)
			return false;
		sleep_ms(2);
	}
	return true;
}

bool wait_gone(const char *path, unsigned int ms)
{
	return wait_file(path, false, ms);
}

bool wait_exists(const char *path, unsigned int ms)
{
	return wait_file(path, true, ms);
}

/* parameters of the backend's driver */

#define PARAM		"/sys/module/tandem_blkback/parameters/%s"

static void param_write(const char *name, const char *value)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), PARAM, name);
	need(!file_write(path, value), "%s is not taken: %s", name, value);
}

static void param_restore(void *arg)
{
	struct param *param = arg;

	param_write(param->name, param->was);
}

/* Until the case ends. */
void param_set(struct param *param, const char *value)
{
	char path[PATH_BYTES];

	if (!param->was[0]) {
		snprintf(path, sizeof(path), PARAM, param->name);
		if (!file_read(path, param->was, sizeof(param->was)))
			peer_skip("no parameter %s", param->name);
		peer_at_end(param_restore, param);
	}
	param_write(param->name, value);
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
