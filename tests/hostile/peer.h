/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rogue peers share: cases and their outcome, xenstore, the kernel's
 * log, pages that are granted, threads that disturb.
 *
 * Each case runs in a process of its own; need() ends it, expect() does not.
 * When it ends, whatever it left is torn down, and the runner then looks for
 * what the driver left.
 */
#ifndef HOSTILE_PEER_H
#define HOSTILE_PEER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PRINTF(f, a)	__attribute__((format(printf, f, a)))
#define PATH_BYTES	256

/* States of a device in xenstore. */
enum {
	XB_UNKNOWN, XB_INITIALISING, XB_INITWAIT, XB_INITIALISED, XB_CONNECTED,
	XB_CLOSING, XB_CLOSED, XB_RECONFIGURING, XB_RECONFIGURED,
};

/* How long a step may take before we call it stuck, in milliseconds. */
#define PATIENCE	30000
/* How long we listen before we believe that nothing comes. */
#define SILENCE		200

/**
 * struct peer_case - one named case
 * @name: its name
 * @run: what it does
 * @timeout: seconds, 0 for the usual
 * @flags: CASE_*
 */
struct peer_case {
	const char *name;
	void (*run)(void);
	unsigned int timeout;
	unsigned int flags;
};

#define CASE_GOOD	1u	/* the peer behaves well */
#define CASE_MEMORY	2u	/* the kernel's memory must not grow */
#define CASE_LONG	4u	/* not with others, unless in a soak */

/**
 * struct peer_program - a group of cases
 * @name: of the group
 * @cases: a list that ends with an empty one
 * @begin: the bystander connects
 * @round: it does verified I/O
 * @end: and goes in good order
 * @sweep: remove what a dead case left
 */
struct peer_program {
	const char *name;
	const struct peer_case *const *cases;
	void (*begin)(void);
	bool (*round)(void);
	bool (*end)(void);
	void (*sweep)(void);
};

int peer_main(int argc, char **argv, const struct peer_program *program);

/* outcome */
void peer_note(const char *fmt, ...) PRINTF(1, 2);
void peer_fail(const char *file, int line, const char *fmt, ...) PRINTF(3, 4);
void peer_skip(const char *fmt, ...) PRINTF(1, 2) __attribute__((noreturn));
void peer_end(void) __attribute__((noreturn));
bool peer_failed(void);
void peer_at_end(void (*fn)(void *arg), void *arg);
void peer_forget(void *arg);
bool peer_soak(void);
unsigned int peer_times(unsigned int check, unsigned int soak);
bool peer_turn(const char *name, unsigned int nr);

#define expect(cond, ...) \
	((cond) ? (void)0 : peer_fail(__FILE__, __LINE__, __VA_ARGS__))
#define need(cond, ...)							\
	do {								\
		if (!(cond)) {						\
			peer_fail(__FILE__, __LINE__, __VA_ARGS__);	\
			peer_end();					\
		}							\
	} while (0)

/* time */
uint64_t now_ms(void);
void sleep_ms(unsigned int ms);

/* xenstore; one connection for each thread */
struct xs_handle *store(void);
void store_begin(void);
bool store_commit(void);
void store_put(const char *dir, const char *key, const char *fmt, ...)
	PRINTF(3, 4);
bool store_put_raw(const char *dir, const char *key, const char *value,
		   unsigned int len);
char *store_get(const char *dir, const char *key);
uint64_t store_num(const char *dir, const char *key, uint64_t otherwise);
bool store_exists(const char *path);
bool is_number(const char *value);
void store_rm(const char *dir, const char *key);
bool store_wait(const char *dir, const char *key, unsigned int mask,
		unsigned int ms);
void store_give(const char *dir, unsigned int owner, unsigned int reader);
bool store_has_error(const char *error, const char *dir);
bool store_device_gone(const char *driver, const char *rogue, const char *sysfs,
		       const char *debugfs);
void store_each(const char *dir, unsigned int but, void (*fn)(unsigned int id));
#define STATE(s)	(1u << (s))

/* the kernel: its log and files */
void klog_start(void);
unsigned int klog_lines(const char *a, const char *b);
unsigned int klog_errors(const char *device);
bool file_exists(const char *path);
bool file_read(const char *path, char *buf, unsigned int len);
void file_line(const char *dir, const char *name, char *buf, unsigned int len);
uint64_t file_number(const char *dir, const char *name, const char *word);
bool file_number_grows(const char *dir, const char *name, const char *word,
		       uint64_t from);
void files_read(const char *dir);
int file_write(const char *path, const char *value);
uint64_t meminfo(const char *key);
unsigned int kernel_threads(void);
bool wait_gone(const char *path, unsigned int ms);
bool wait_exists(const char *path, unsigned int ms);

/* A parameter of the backend's driver, and what it was. */
struct param {
	const char *name;
	char was[32];
};

void param_set(struct param *param, const char *value);

/* the kernel's tracepoints, one event at a time */
void trace_begin(const char *event, const char *filter);
void trace_clear(void);
unsigned int trace_count(const char *text);
void trace_end(void);

/**
 * struct pages - pages of ours that a peer may reach
 * @addr: where they are
 * @ref: their references
 * @nr: how many
 */
struct pages {
	uint8_t *addr;
	uint32_t *ref;
	unsigned int nr;
};

bool pages_share(struct pages *pages, xengntshr_handle *xgs,
		 unsigned int domid, unsigned int nr, bool writable);
void pages_unshare(struct pages *pages, xengntshr_handle *xgs);
uint8_t *pages_at(const struct pages *pages, unsigned int i);

void event_wait(xenevtchn_handle *event, unsigned int ms);

void fill(void *buf, unsigned int bytes, uint64_t seed);
unsigned int differs(const void *buf, unsigned int bytes, uint64_t seed);
uint64_t noise(void);

/* a thread that does something over and over until stopped */
struct disturber {
	pthread_t thread;
	void (*fn)(struct disturber *d);
	void *arg;
	uint64_t rounds;
	bool stop;
	bool running;
};

void disturb(struct disturber *d, void (*fn)(struct disturber *d), void *arg);
uint64_t disturb_end(struct disturber *d);

/* the bystander */
#define STORM_THREADS	4u

bool bystander_start(const struct peer_program *program);
bool bystander_check(void);
void bystander_stop(void);
uint64_t bystander_storm(void (*fn)(struct disturber *d), void *arg,
			 unsigned int nr);

/* a guest of the lab, one at a time */
int shell(const char *fmt, ...) PRINTF(1, 2);
unsigned int guest_start(const char *options);
unsigned int guest_domid(void);
int guest_sh(const char *fmt, ...) PRINTF(1, 2);
void guest_stop(void);
bool guest_gone(void);

#endif /* HOSTILE_PEER_H */
