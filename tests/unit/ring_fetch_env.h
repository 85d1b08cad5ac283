/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Surroundings for common/ring/ring.h that write down every access to shared
 * memory, and play a peer that changes each word of a slot as soon as it has
 * been looked at.
 */
#ifndef TANDEM_TESTS_RING_FETCH_ENV_H
#define TANDEM_TESTS_RING_FETCH_ENV_H

#include <linux/bug.h>
#include <linux/types.h>

/* One letter for each ordered step; accesses to slots are counted apart. */
static char fetch_trace[64];
static unsigned int fetch_steps;

static u8 *fetch_base;
static u8 fetch_count[4096];
static u8 store_count[4096];
static bool fetch_misaligned;

static inline void fetch_step(char c)
{
	if (fetch_steps < sizeof(fetch_trace) - 1)
		fetch_trace[fetch_steps++] = c;
}

static inline void fetch_note(u8 *count, const void *p, unsigned int len)
{
	unsigned int i, off = (const u8 *)p - fetch_base;

	if ((unsigned long)p % len)
		fetch_misaligned = true;
	for (i = 0; i < len; i++)
		count[off + i]++;
}

static inline u32 fetch_get32(const u8 *p)
{
	u32 v = *(u32 *)p;

	fetch_note(fetch_count, p, 4);
	*(u32 *)p = ~v;
	return v;
}

static inline u64 fetch_get64(const u8 *p)
{
	u64 v = *(u64 *)p;

	fetch_note(fetch_count, p, 8);
	*(u64 *)p = ~v;
	return v;
}

static inline void fetch_put32(u8 *p, u32 v)
{
	fetch_note(store_count, p, 4);
	*(u32 *)p = v;
}

static inline void fetch_put64(u8 *p, u64 v)
{
	fetch_note(store_count, p, 8);
	*(u64 *)p = v;
}

#define tandem_env_load(p)		(fetch_step('l'), *(p))
#define tandem_env_store(p, v)		(fetch_step('s'), (void)(*(p) = (v)))
#define tandem_env_acquire(where, p)	((void)(where), fetch_step('A'), *(p))
#define tandem_env_release(where, p, v) \
	((void)(where), fetch_step('R'), (void)(*(p) = (v)))
#define tandem_env_mb(where)		((void)(where), fetch_step('M'))
#define tandem_env_get32(p)		fetch_get32(p)
#define tandem_env_get64(p)		fetch_get64(p)
#define tandem_env_put32(p, v)		fetch_put32(p, v)
#define tandem_env_put64(p, v)		fetch_put64(p, v)
#define tandem_env_unaligned		0
#define tandem_env_assert(c)		tandem_shim_assert(c)

#endif /* TANDEM_TESTS_RING_FETCH_ENV_H */
