// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs cases, each in a process of its own, and looks for what they left.
 *
 *	PROGRAM [-l] [NAME...]
 *
 * A NAME may end in '*'. Output is KTAP. HOSTILE_GOOD_ONLY=1 runs only cases
 * in which the peer behaves well. SOAK=N repeats up to N times as often.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

#define USUAL_TIMEOUT	60
#define EXIT_SKIP	4
#define MAX_CLEANUPS	256
#define GROWTH_KB	1024

#define REASON_LEN	128

static const char *case_name;
static bool case_failed;
/* Why a case was skipped; it says so in its own process. */
static char *skip_reason;

static struct {
	void (*fn)(void *arg);
	void *arg;
} cleanups[MAX_CLEANUPS];
static unsigned int nr_cleanups;

/* outcome, in the process of a case or in the runner */

void peer_note(const char *fmt, ...)
{
	va_list ap;

	flockfile(stdout);
	printf("# %s: ", case_name ? case_name : "runner");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	funlockfile(stdout);
}

void peer_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	case_failed = true;
	flockfile(stdout);
	printf("# %s: %s:%d: ", case_name ? case_name : "runner", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	funlockfile(stdout);
}

bool peer_failed(void)
{
	return case_failed;
}

void peer_at_end(void (*fn)(void *arg), void *arg)
{
	if (nr_cleanups == MAX_CLEANUPS)
		abort();
	cleanups[nr_cleanups].fn = fn;
	cleanups[nr_cleanups++].arg = arg;
}

void peer_forget(void *arg)
{
	unsigned int i;

	for (i = 0; i < nr_cleanups; i++)
		if (cleanups[i].arg == arg)
			cleanups[i].fn = NULL;
	/* There is only so much room, and a soak makes thousands. */
	while (nr_cleanups && !cleanups[nr_cleanups - 1].fn)
		nr_cleanups--;
}

static void run_cleanups(void)
{
	while (nr_cleanups) {
		nr_cleanups--;
		if (cleanups[nr_cleanups].fn)
			cleanups[nr_cleanups].fn(cleanups[nr_cleanups].arg);
	}
}

void peer_end(void)
{
	run_cleanups();
	fflush(stdout);
	_exit(case_failed ? 1 : 0);
}

void peer_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(skip_reason, REASON_LEN, fmt, ap);
	va_end(ap);
	run_cleanups();
	fflush(stdout);
	_exit(case_failed ? 1 : EXIT_SKIP);
}

bool peer_soak(void)
{
	const char *soak = getenv("SOAK");

	return soak && *soak && *soak != '0';
}

/* SOAK=N: N times as often as in a check, as often as SOAK allows at most */
unsigned int peer_times(unsigned int check, unsigned int soak)
{
	unsigned long factor;

	if (!peer_soak())
		return check;
	factor = strtoul(getenv("SOAK"), NULL, 10);
	return factor && factor < soak / check ? check * factor : soak;
}

/*
 * Of many things to do for each of many names, a check does the first three and a
 * third of the others, and which depends on the name; a soak does all.
 */
bool peer_turn(const char *name, unsigned int nr)
{
	return peer_soak() || nr < 3 || nr % 3 == strlen(name) % 3;
}

/* what must not grow */

struct usage {
	unsigned int threads;
	uint64_t slab;
	uint64_t vmalloc;
	uint64_t stacks;
};

static struct usage usage_now(void)
{
	return (struct usage){
		.threads = kernel_threads(),
		.slab = meminfo("\nSUnreclaim:"),
		.vmalloc = meminfo("\nVmallocUsed:"),
		.stacks = meminfo("\nKernelStack:"),
	};
}

static bool grew(const char *what, uint64_t before, uint64_t after)
{
	if (after <= before + GROWTH_KB)
		return false;
	peer_note("%s grew from %llu to %llu KiB", what,
		  (unsigned long long)before, (unsigned long long)after);
	return true;
}

/*
 * Workers finish a moment after the device is gone: look again a few times
 * before believing in a leak.
 */
static bool usage_grew(const struct usage *before, unsigned int flags)
{
	struct usage now;
	unsigned int i;

	for (i = 0; i < 50; i++) {
		now = usage_now();
		if (now.threads <= before->threads &&
		    (!(flags & CASE_MEMORY) ||
		     (now.slab <= before->slab + GROWTH_KB &&
		      now.vmalloc <= before->vmalloc + GROWTH_KB)))
			return false;
		sleep_ms(100);
	}
	if (now.threads > before->threads)
		peer_note("%u kernel threads, %u before", now.threads,
			  before->threads);
	if (flags & CASE_MEMORY) {
		grew("slab", before->slab, now.slab);
		grew("vmalloc", before->vmalloc, now.vmalloc);
	}
	return true;
}

/*
 * Pages that we took back while the driver had them mapped, and that it still
 * has. The last of them may go a moment after the device.
 */
static bool grants_missing(void)
{
	unsigned int deferred, freed, i;

	for (i = 0; i < 100; i++) {
		deferred = klog_lines("deferring g.e.", "pfn");
		freed = klog_lines("freeing g.e.", "pfn");
		if (deferred <= freed)
			break;
		sleep_ms(200);
	}
	if (deferred > freed) {
		peer_note("%u of our pages are still mapped",
			  deferred - freed);
		return true;
	}
	return klog_lines("leaking g.e.", "pfn");
}

/* the runner */

static void show_stacks(pid_t pid)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "for t in /proc/%d/task/*; do cat $t/comm $t/stack; done 2>/dev/null | sed 's/^/#   /'; echo w >/proc/sysrq-trigger; dmesg | grep -A12 'task:' | tail -n 60 | sed 's/^/#   /'",
		 pid);
	if (system(command))
		peer_note("no stacks");
}

static int wait_case(pid_t pid, unsigned int seconds)
{
	uint64_t end = now_ms() + seconds * 1000ull;
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_ms() < end) {
			sleep_ms(5);
			continue;
		}
		peer_note("no end after %u s", seconds);
		show_stacks(pid);
		kill(pid, SIGKILL);
		end += 1000ull * 1000;
	}
	if (WIFSIGNALED(status)) {
		peer_note("ended by signal %d", WTERMSIG(status));
		return 1;
	}
	return WEXITSTATUS(status);
}

static int run_case(const struct peer_program *program,
		    const struct peer_case *c)
{
	struct usage before = usage_now();
	unsigned int seconds = c->timeout ? c->timeout : USUAL_TIMEOUT;
	int status;
	pid_t pid;

	klog_start();
	case_name = c->name;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		klog_start();
		c->run();
		peer_end();
	}
	status = wait_case(pid, peer_soak() ? seconds * 20 : seconds);
	program->sweep();
	if (!bystander_check())
		status = status == EXIT_SKIP ? 1 : status | 1;
	if (usage_grew(&before, c->flags) || grants_missing())
		status = 1;
	case_name = NULL;
	return status;
}

/* One that takes long is to be asked for by its own name, or in a soak. */
static bool wanted(const struct peer_case *c, int argc, char **argv)
{
	bool usual = peer_soak() || !(c->flags & CASE_LONG);
	int i;

	for (i = 0; i < argc; i++) {
		size_t len = strlen(argv[i]);

		if (!strcmp(c->name, argv[i]))
			return true;
		if (usual && len && argv[i][len - 1] == '*' &&
		    !strncmp(c->name, argv[i], len - 1))
			return true;
	}
	return !argc;
}

static bool allowed(const struct peer_case *c)
{
	const char *good = getenv("HOSTILE_GOOD_ONLY");

	return !good || !*good || c->flags & CASE_GOOD;
}

typedef void (*visit_fn)(const struct peer_program *program,
			 const struct peer_case *c, void *arg);

static unsigned int for_each(const struct peer_program *program, int argc,
			     char **argv, visit_fn visit, void *arg)
{
	const struct peer_case *const *list, *c;
	unsigned int nr = 0;

	for (list = program->cases; *list; list++) {
		for (c = *list; c->name; c++) {
			if (!wanted(c, argc, argv) || !allowed(c))
				continue;
			nr++;
			if (visit)
				visit(program, c, arg);
		}
	}
	return nr;
}

static void print_name(const struct peer_program *program,
		       const struct peer_case *c, void *arg)
{
	(void)program;
	(void)arg;
	puts(c->name);
}

static struct {
	unsigned int nr, failed, skipped;
} total;

static void visit_case(const struct peer_program *program,
		       const struct peer_case *c, void *arg)
{
	uint64_t start = now_ms();
	int status = run_case(program, c);

	(void)arg;
	total.nr++;
	if (status == EXIT_SKIP)
		total.skipped++;
	else if (status)
		total.failed++;
	printf("%s %u %s%s%s\n", status && status != EXIT_SKIP ? "not ok" : "ok",
	       total.nr, c->name, status == EXIT_SKIP ? " # SKIP " : "",
	       status == EXIT_SKIP ? skip_reason : "");
	if (now_ms() - start > 10000)
		printf("# %s took %u s\n", c->name,
		       (unsigned int)((now_ms() - start) / 1000));
	fflush(stdout);
}

/*
 * Have the kernel say when a page of ours is given back late. Return: whether it
 * will; a query that fits nothing is no error.
 */
static bool prepare_kernel(void)
{
	const char *control = "/sys/kernel/debug/dynamic_debug/control";

	file_write(control, "func gnttab_add_deferred +p");
	file_write(control, "func gnttab_handle_deferred format \"freeing\" +p");
	file_write("/sys/module/grant_table/parameters/free_per_iteration",
		   "100000");
	file_write("/sys/module/xen_gntalloc/parameters/limit", "65536");
	return !shell("grep -q 'gnttab_add_deferred =p.*deferring g.e.' %s && "
		      "grep -q 'gnttab_handle_deferred =p.*freeing g.e.' %s",
		      control, control);
}

int peer_main(int argc, char **argv, const struct peer_program *program)
{
	bool list = argc > 1 && !strcmp(argv[1], "-l");
	int skip = list ? 2 : 1;
	unsigned int nr = for_each(program, argc - skip, argv + skip, NULL, NULL);

	if (list)
		return !for_each(program, argc - skip, argv + skip, print_name,
				 NULL);
	if (!nr) {
		fprintf(stderr, "%s: no such case\n", program->name);
		return 2;
	}
	skip_reason = mmap(NULL, REASON_LEN, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (skip_reason == MAP_FAILED)
		return 1;
	if (!prepare_kernel()) {
		printf("Bail out! the kernel does not say which pages stay mapped\n");
		return 1;
	}
	klog_start();
	printf("KTAP version 1\n1..%u\n", nr);
	if (!bystander_start(program)) {
		printf("Bail out! %s could not start\n", program->name);
		return 1;
	}
	for_each(program, argc - skip, argv + skip, visit_case, NULL);
	bystander_stop();
	printf("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:%u error:0\n",
	       total.nr - total.failed - total.skipped, total.failed,
	       total.skipped);
	return total.failed ? 1 : 0;
}
