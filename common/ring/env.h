/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ring.h asks of its surroundings: ordered and single accesses to shared
 * memory. The text of ring.h is one and the same in the kernel, in user space
 * (tests, sanitizers, fuzzers) and under a model checker; only this differs.
 *
 * The first argument of an ordering operation names the place in ring.h. The
 * kernel and user space ignore it; the model checker uses it to weaken one
 * place at a time and see that the fault is found.
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
/* What each place pairs with is said in ring.h. */
#define tandem_env_acquire(where, p)	virt_load_acquire(p)
/* As above. */
#define tandem_env_release(where, p, v)	virt_store_release(p, v)
/* As above. */
#define tandem_env_mb(where)		virt_mb()
#define tandem_env_get32(p)		READ_ONCE(*(const u32 *)(p))
#define tandem_env_get64(p)		READ_ONCE(*(const u64 *)(p))
#define tandem_env_put32(p, v)		WRITE_ONCE(*(u32 *)(p), v)
#define tandem_env_put64(p, v)		WRITE_ONCE(*(u64 *)(p), v)
#define tandem_env_unaligned \
	IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS)
#define tandem_env_assert(c)		do { } while (0)

#else /* !__KERNEL__ */

#define tandem_env_load(p)		__atomic_load_n(p, __ATOMIC_RELAXED)
#define tandem_env_store(p, v)		__atomic_store_n(p, v, __ATOMIC_RELAXED)
#define tandem_env_acquire(where, p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define tandem_env_release(where, p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define tandem_env_mb(where)		__atomic_thread_fence(__ATOMIC_SEQ_CST)

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
