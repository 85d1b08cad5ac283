// SPDX-License-Identifier: GPL-2.0-only
/*
 * Surroundings for common/ring/ring.h under the relacy model checker.
 *
 * ring.h computes addresses as ever; the memory behind them is replaced. Each
 * shared index has an atomic of the checker, which returns any value that C11
 * allows, stale ones included. Each word of a slot has a plain variable of the
 * checker, for which any access not ordered by the indices is a fault by
 * itself, whatever the value.
 */
#ifndef TANDEM_TESTS_MODEL_ENV_HPP
#define TANDEM_TESTS_MODEL_ENV_HPP

#include <relacy/relacy.hpp>
#include <linux/types.h>

#define MODEL_INDICES	4
#define MODEL_SLOTS	2
#define MODEL_STRONG	-1

struct model_memory {
	rl::atomic<u32> index[MODEL_INDICES];
	rl::var<u32> slot[MODEL_SLOTS];
};

/* The place that has its ordering taken away in this run, or MODEL_STRONG. */
extern int model_weak;
/* What ring.h believes to be shared memory; only its addresses count. */
extern u32 model_page[16 + MODEL_SLOTS];
extern struct model_memory *model_memory;

static inline rl::atomic<u32> &model_index(const void *p)
{
	return model_memory->index[(const u32 *)p - model_page];
}

static inline rl::var<u32> &model_slot(const void *p)
{
	return model_memory->slot[(const u32 *)p - model_page - 16];
}

static inline rl::memory_order model_order(enum tandem_ring_place where,
					   rl::memory_order full,
					   rl::memory_order weak)
{
	return (int)where == model_weak ? weak : full;
}

static inline u32 model_get32(const void *p)
{
	return model_slot(p)($);
}

static inline u64 model_get64(const void *p)
{
	return model_get32(p) | (u64)model_get32((const u32 *)p + 1) << 32;
}

static inline void model_put32(void *p, u32 v)
{
	model_slot(p)($) = v;
}

static inline void model_put64(void *p, u64 v)
{
	model_put32(p, (u32)v);
	model_put32((u32 *)p + 1, (u32)(v >> 32));
}

#define tandem_env_load(p)	model_index(p).load(rl::mo_relaxed, $)
#define tandem_env_store(p, v)	model_index(p).store(v, rl::mo_relaxed, $)
#define tandem_env_acquire(where, p)					\
	model_index(p).load(model_order(where, rl::mo_acquire,		\
					rl::mo_relaxed), $)
#define tandem_env_release(where, p, v)					\
	model_index(p).store(v, model_order(where, rl::mo_release,	\
					    rl::mo_relaxed), $)
#define tandem_env_mb(where)						\
	rl::atomic_thread_fence(model_order(where, rl::mo_seq_cst,	\
					    rl::mo_acq_rel), $)
#define tandem_env_get32(p)	model_get32(p)
#define tandem_env_get64(p)	model_get64(p)
#define tandem_env_put32(p, v)	model_put32(p, v)
#define tandem_env_put64(p, v)	model_put64(p, v)
#define tandem_env_unaligned	0
#define tandem_env_assert(c)	RL_ASSERT(c)
#define WARN_ON_ONCE(c)		({ bool warned = (c); RL_ASSERT(!warned); warned; })

#endif /* TANDEM_TESTS_MODEL_ENV_HPP */
