/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ring.h asks of its surroundings: ordered and single accesses to shared
 * memory. The text of ring.h is one and the same in the kernel, in user space
 * (tests, sanitizers, fuzzers) and under a model checker; only this differs.
 *
 * The first argument of an ordering operation names the place in ring.h. The
 * kernel and user space have no use for it; the model checker weakens one place
 * at a time and sees that the fault is found.
 *
 *	tandem_env_load(p)		single load of a shared index
 *	tandem_env_store(p, v)		single store of a shared index
 *	tandem_env_acquire(where, p)	load, ordered before all that follows
 *	tandem_env_release(where, p, v)	store, ordered after all that precedes
 *	tandem_env_mb(where)		full barrier
 *	tandem_env_get32/64(p)		single load of a word of a slot
 *	tandem_env_put32/64(p, v)	single store of a word of a slot
 *	tandem_env_unaligned		may a word be accessed at any address
 *	tandem_env_assert(c)		what the caller promised; tests only
 *
 * The kernel's are the virt_ forms: a guest with one CPU may share the ring
 * with a host with many, so the SMP barriers must not be compiled away.
 */
#ifndef TANDEM_RING_ENV_H
#define TANDEM_RING_ENV_H

/**
 * enum tandem_ring_place - the ordered accesses of ring.h
 * @TANDEM_FRONT_PUBLISH: release of req_prod, pairs with @TANDEM_BACK_CONSUME
 * @TANDEM_FRONT_CONSUME: acquire of rsp_prod, pairs with @TANDEM_BACK_PUBLISH
 * @TANDEM_FRONT_PUSH: barrier between req_prod and req_event, pairs with
 *                     @TANDEM_BACK_ARM
 * @TANDEM_FRONT_ARM: barrier between rsp_event and rsp_prod, pairs with
 *                    @TANDEM_BACK_PUSH
 * @TANDEM_BACK_PUBLISH: release of rsp_prod
 * @TANDEM_BACK_CONSUME: acquire of req_prod
 * @TANDEM_BACK_PUSH: barrier between rsp_prod and rsp_event
 * @TANDEM_BACK_ARM: barrier between req_event and req_prod
 */
enum tandem_ring_place {
	TANDEM_FRONT_PUBLISH,
	TANDEM_FRONT_CONSUME,
	TANDEM_FRONT_PUSH,
	TANDEM_FRONT_ARM,
	TANDEM_BACK_PUBLISH,
	TANDEM_BACK_CONSUME,
	TANDEM_BACK_PUSH,
	TANDEM_BACK_ARM,
};

#ifdef TANDEM_ENV_HEADER

#include TANDEM_ENV_HEADER

#else

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

#ifdef __KERNEL__

#include <asm/barrier.h>

#define tandem_env_load(p)		READ_ONCE(*(p))
#define tandem_env_store(p, v)		WRITE_ONCE(*(p), v)
/* What each place pairs with is said above, and why in ring.h. */
#define tandem_env_acquire(where, p)	((void)(where), virt_load_acquire(p))
#define tandem_env_release(where, p, v) do {				\
		(void)(where);						\
		virt_store_release(p, v); /* as above */		\
	} while (0)
#define tandem_env_mb(where) do {					\
		(void)(where);						\
		virt_mb(); /* as above */				\
	} while (0)
#define tandem_env_get32(p)		READ_ONCE(*(const u32 *)(p))
#define tandem_env_get64(p)		READ_ONCE(*(const u64 *)(p))
#define tandem_env_put32(p, v)		WRITE_ONCE(*(u32 *)(p), v)
#define tandem_env_put64(p, v)		WRITE_ONCE(*(u64 *)(p), v)
#define tandem_env_unaligned \
	IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS)
#define tandem_env_assert(c)		((void)sizeof(c))

#else /* !__KERNEL__ */

#define tandem_env_load(p)		__atomic_load_n(p, __ATOMIC_RELAXED)
#define tandem_env_store(p, v)		__atomic_store_n(p, v, __ATOMIC_RELAXED)
#define tandem_env_acquire(where, p) \
	((void)(where), __atomic_load_n(p, __ATOMIC_ACQUIRE))
#define tandem_env_release(where, p, v) \
	((void)(where), __atomic_store_n(p, v, __ATOMIC_RELEASE))
#define tandem_env_mb(where) \
	((void)(where), __atomic_thread_fence(__ATOMIC_SEQ_CST))

/*
 * Volatile, so that the compiler fetches and writes each word once; but not
 * atomic, so that slots remain plain memory to ThreadSanitizer, which thereby
 * proves that the indices alone order them.
 */
#define tandem_env_get32(p)		(*(const __volatile__ u32 *)(p))
#define tandem_env_get64(p)		(*(const __volatile__ u64 *)(p))
#define tandem_env_put32(p, v)		(*(__volatile__ u32 *)(p) = (v))
#define tandem_env_put64(p, v)		(*(__volatile__ u64 *)(p) = (v))
#ifndef tandem_env_unaligned
#define tandem_env_unaligned		0
#endif
#define tandem_env_assert(c)		tandem_shim_assert(c)

#endif /* __KERNEL__ */

#endif /* TANDEM_ENV_HEADER */

#endif /* TANDEM_RING_ENV_H */
