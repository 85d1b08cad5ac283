/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shared-memory ring of Xen's split drivers, both ends.
 *
 * Layout and index rules are those of Xen's public header io/ring.h ("the
 * specification" below): 64 bytes of indices, then a power of two of slots.
 * A slot holds a request until the backend has taken it, and later a response.
 * Indices are 32 bits wide and run freely; a slot is index modulo ring size, so
 * every comparison here is made on differences, which survive the wrap.
 *
 * Each end keeps its own indices in private memory and never reads them back.
 * Every shared index is loaded once per decision, and a slot's bytes leave
 * shared memory through one copy, into memory that the peer cannot change.
 *
 * Four indices, four rules:
 *
 *	rsp_cons <= rsp_prod <= req_cons <= req_prod <= rsp_cons + size
 *
 * each end checks the part of that chain which its peer writes, against the
 * part which is its own.
 *
 * Memory ordering. Two patterns, each in both directions; the names are those
 * of the kernel's memory model (tools/memory-model/litmus-tests):
 *
 *  - publish and consume, MP+pooncerelease+poacquireonce (the specification's
 *    MP+wmb+rmb, and stronger): slot contents, then producer; producer, then
 *    slot contents.
 *
 *	TANDEM_FRONT_PUBLISH  pairs with  TANDEM_BACK_CONSUME	(req_prod)
 *	TANDEM_BACK_PUBLISH   pairs with  TANDEM_FRONT_CONSUME	(rsp_prod)
 *
 *    The second pair also hands the slot back. Release rather than a write
 *    barrier, because the backend's *loads* of a request have to be over
 *    before the response allows the frontend to overwrite the slot; acquire
 *    rather than a read barrier, because the frontend's *stores* of the next
 *    request must not overtake the index that allows them. On x86 neither
 *    costs an instruction.
 *
 *  - push, then look for a sleeper; announce sleep, then look for work
 *    (SB+fencembonceonces, the specification's SB+mb): each side stores one
 *    index and loads the other, and at least one must see the other's store,
 *    or a wake-up is lost.
 *
 *	TANDEM_FRONT_PUSH  pairs with  TANDEM_BACK_ARM
 *	TANDEM_BACK_PUSH   pairs with  TANDEM_FRONT_ARM
 *
 * Context, for every function: any, also with interrupts off; nothing sleeps.
 * The caller serialises calls on one end. Between the two ends nothing is
 * needed: that is what this file is for.
 */
#ifndef TANDEM_RING_RING_H
#define TANDEM_RING_RING_H

#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#include "env.h"
#include "peer.h"

/**
 * struct tandem_sring - the shared indices, as on the wire
 * @req_prod: written by the frontend: requests published so far
 * @req_event: written by the backend: wake me when @req_prod reaches this
 * @rsp_prod: written by the backend: responses published so far
 * @rsp_event: written by the frontend: wake me when @rsp_prod reaches this
 * @pad: zero; used by no protocol of ours
 *
 * The slots follow. Spec: io/ring.h, DEFINE_RING_TYPES.
 */
struct tandem_sring {
	tandem_peer32 req_prod;
	tandem_peer32 req_event;
	tandem_peer32 rsp_prod;
	tandem_peer32 rsp_event;
	u8 pad[48];
};

static_assert(sizeof(struct tandem_sring) == 64);

/**
 * struct tandem_back_ring - the backend's end; private memory
 * @sring: shared indices
 * @slots: first slot, in shared memory
 * @size: number of slots, a power of two; 0 makes the ring inert
 * @entry: bytes per slot
 * @req_cons: requests taken so far
 * @rsp_prod: responses written so far, published or not
 * @rsp_pushed: responses published so far
 */
struct tandem_back_ring {
	struct tandem_sring *sring;
	u8 *slots;
	u32 size;
	u32 entry;
	u32 req_cons;
	u32 rsp_prod;
	u32 rsp_pushed;
};

/**
 * struct tandem_front_ring - the frontend's end; private memory
 * @sring: shared indices
 * @slots: first slot, in shared memory
 * @size: number of slots, a power of two; 0 makes the ring inert
 * @entry: bytes per slot
 * @req_prod: requests written so far, published or not
 * @req_pushed: requests published so far
 * @rsp_cons: responses taken so far
 */
struct tandem_front_ring {
	struct tandem_sring *sring;
	u8 *slots;
	u32 size;
	u32 entry;
	u32 req_prod;
	u32 req_pushed;
	u32 rsp_cons;
};

/**
 * struct tandem_ring_view - the shared indices at one moment, for people
 * @req_prod: as in struct tandem_sring
 * @req_event: as in struct tandem_sring
 * @rsp_prod: as in struct tandem_sring
 * @rsp_event: as in struct tandem_sring
 */
struct tandem_ring_view {
	u32 req_prod;
	u32 req_event;
	u32 rsp_prod;
	u32 rsp_event;
};

/*
 * Private memory, accessed by words at any alignment. Packed structs rather
 * than memcpy(): one instruction each, whatever the kernel's debug options make
 * of a call.
 */
struct tandem_ring_word32 {
	u32 v;
} __packed;

struct tandem_ring_word64 {
	u64 v;
} __packed;

/*
 * Copies between private memory and a slot. Slots are four-byte aligned, and
 * eight-byte only where the entry's size has it so (a 108-byte slot every
 * second time). Where the machine minds, one leading word restores the
 * alignment; the rest goes in eights. @len is a multiple of four. Written so
 * that a constant length below 32 becomes straight code, a load and a store for
 * each eight bytes.
 */
static inline void tandem_ring_copy_in(void *dst, const u8 *src, u32 len)
{
	struct tandem_ring_word64 *d;
	const u8 *end;

	if (!tandem_env_unaligned && ((unsigned long)src & 4) && len) {
		((struct tandem_ring_word32 *)dst)->v = tandem_env_get32(src);
		dst = (u8 *)dst + 4;
		src += 4;
		len -= 4;
	}

	d = (struct tandem_ring_word64 *)dst;
	for (end = src + (len & ~31U); src != end; src += 32, d += 4) {
		d[0].v = tandem_env_get64(src);
		d[1].v = tandem_env_get64(src + 8);
		d[2].v = tandem_env_get64(src + 16);
		d[3].v = tandem_env_get64(src + 24);
	}
	if (len & 16) {
		d[0].v = tandem_env_get64(src);
		d[1].v = tandem_env_get64(src + 8);
		src += 16;
		d += 2;
	}
	if (len & 8) {
		d->v = tandem_env_get64(src);
		src += 8;
		d++;
	}
	if (len & 4)
		((struct tandem_ring_word32 *)d)->v = tandem_env_get32(src);
}

static inline void tandem_ring_copy_out(u8 *dst, const void *src, u32 len)
{
	const struct tandem_ring_word64 *s;
	u8 *end;

	if (!tandem_env_unaligned && ((unsigned long)dst & 4) && len) {
		tandem_env_put32(dst, ((const struct tandem_ring_word32 *)src)->v);
		src = (const u8 *)src + 4;
		dst += 4;
		len -= 4;
	}

	s = (const struct tandem_ring_word64 *)src;
	for (end = dst + (len & ~31U); dst != end; dst += 32, s += 4) {
		tandem_env_put64(dst, s[0].v);
		tandem_env_put64(dst + 8, s[1].v);
		tandem_env_put64(dst + 16, s[2].v);
		tandem_env_put64(dst + 24, s[3].v);
	}
	if (len & 16) {
		tandem_env_put64(dst, s[0].v);
		tandem_env_put64(dst + 8, s[1].v);
		dst += 16;
		s += 2;
	}
	if (len & 8) {
		tandem_env_put64(dst, s->v);
		dst += 8;
		s++;
	}
	if (len & 4)
		tandem_env_put32(dst, ((const struct tandem_ring_word32 *)s)->v);
}

/* The mask keeps any index, also a wrong one, inside the shared pages. */
static inline u8 *tandem_ring_slot(u8 *slots, u32 size, u32 entry, u32 idx)
{
	return slots + (size_t)(idx & (size - 1)) * entry;
}

/* True if @event lies in (@old, @new], counted modulo 2^32. */
static inline bool tandem_ring_crossed(u32 old, u32 new_prod, u32 event)
{
	return new_prod - event < new_prod - old;
}

/**
 * tandem_ring_slots() - how many slots a ring has
 * @bytes: size of the shared memory, indices included
 * @entry: bytes per slot, a multiple of four
 *
 * Spec: io/ring.h, "Calculate size of a shared ring".
 *
 * Return: the largest power of two of slots that fit, at most 2^30; 0 if none
 * does or @entry is not usable.
 */
static inline u32 tandem_ring_slots(size_t bytes, u32 entry)
{
	size_t n;

	if (!entry || entry % 4 || bytes < sizeof(struct tandem_sring))
		return 0;

	n = (bytes - sizeof(struct tandem_sring)) / entry;
	if (n > 1U << 30)
		n = 1U << 30;
	while (n & (n - 1))
		n &= n - 1;

	return (u32)n;
}

/**
 * tandem_sring_view() - read the shared indices for display
 * @sring: shared indices
 * @view: filled in; the four values need not belong together
 *
 * For debugfs and the like. Nothing may be decided on these values.
 */
static inline void tandem_sring_view(struct tandem_sring *sring,
				     struct tandem_ring_view *view)
{
	view->req_prod = tandem_peer32_raw(tandem_env_load(&sring->req_prod));
	view->req_event = tandem_peer32_raw(tandem_env_load(&sring->req_event));
	view->rsp_prod = tandem_peer32_raw(tandem_env_load(&sring->rsp_prod));
	view->rsp_event = tandem_peer32_raw(tandem_env_load(&sring->rsp_event));
}

/*
 * Backend
 */

/**
 * tandem_back_ring_init() - start a fresh connection
 * @r: the backend's end
 * @shared: shared memory, four-byte aligned, contiguous over all its pages
 * @bytes: size of @shared
 * @entry: bytes per slot, a multiple of four
 *
 * Starts at index 0, where a frontend starts that has just set up the ring; the
 * shared memory is not touched. A caller that cannot be sure of
 * tandem_ring_slots() asks it first: with no slot the ring is inert, that is,
 * any request is an error.
 *
 * Spec: io/ring.h, BACK_RING_INIT.
 */
static inline void tandem_back_ring_init(struct tandem_back_ring *r,
					 void *shared, size_t bytes, u32 entry)
{
	r->sring = (struct tandem_sring *)shared;
	r->slots = (u8 *)shared + sizeof(struct tandem_sring);
	r->size = tandem_ring_slots(bytes, entry);
	r->entry = entry;
	r->req_cons = 0;
	r->rsp_prod = 0;
	r->rsp_pushed = 0;
}

/**
 * tandem_back_ring_attach() - take over a live connection
 * @r: the backend's end
 * @shared: shared memory, as in tandem_back_ring_init()
 * @bytes: size of @shared
 * @entry: bytes per slot, a multiple of four
 *
 * Resumes after the last published response: what the previous backend took and
 * did not answer is taken again. That is only right if it published every
 * response that it wrote, as an unpublished one has overwritten its slot.
 *
 * The starting index comes from memory that the frontend can write. A false one
 * harms only the frontend: whatever it says, no more than the ring's size of
 * requests is taken from there, and all within the shared pages.
 *
 * Spec: io/ring.h, BACK_RING_ATTACH.
 *
 * Return: 0; -EINVAL if no slot fits; -EPROTO if more requests are outstanding
 * than the ring has slots.
 */
static inline int tandem_back_ring_attach(struct tandem_back_ring *r,
					  void *shared, size_t bytes, u32 entry)
{
	u32 req, rsp;

	tandem_back_ring_init(r, shared, bytes, entry);
	if (!r->size)
		return -EINVAL;

	rsp = tandem_peer32_raw(tandem_env_load(&r->sring->rsp_prod));
	req = tandem_peer32_raw(tandem_env_load(&r->sring->req_prod));
	if (req - rsp > r->size)
		return -EPROTO;

	r->req_cons = rsp;
	r->rsp_prod = rsp;
	r->rsp_pushed = rsp;
	return 0;
}

/**
 * tandem_back_ring_unanswered() - requests taken and not yet answered
 * @r: the backend's end
 *
 * Return: their number, at most the ring's size.
 */
static inline u32 tandem_back_ring_unanswered(const struct tandem_back_ring *r)
{
	return r->req_cons - r->rsp_prod;
}

/**
 * tandem_back_ring_pending() - how many requests wait to be taken
 * @r: the backend's end
 *
 * A frontend may not publish a request before the response that was in its slot
 * is published; so req_prod lies between what we took and the ring's size
 * beyond what we published. One unsigned comparison covers both ends of that
 * range, since a producer that went backwards shows as a huge difference.
 *
 * The requests counted may be read without a further barrier:
 * TANDEM_BACK_CONSUME, the acquire of MP, pairs with TANDEM_FRONT_PUBLISH.
 *
 * Spec: io/ring.h, RING_REQUEST_PROD_OVERFLOW.
 *
 * Return: their number; -EPROTO if the index is impossible, in which case
 * nothing has changed and the connection is not to be trusted any more.
 */
static inline int tandem_back_ring_pending(const struct tandem_back_ring *r)
{
	tandem_peer32 shared = tandem_env_acquire(TANDEM_BACK_CONSUME,
						  &r->sring->req_prod);
	u32 n = tandem_peer32_raw(shared) - r->req_cons;

	if (n > r->size - (r->req_cons - r->rsp_pushed))
		return -EPROTO;

	return (int)n;
}

/**
 * tandem_back_ring_read() - copy part of the next request
 * @r: the backend's end
 * @dst: private memory, any alignment
 * @off: first byte in the request, a multiple of four
 * @len: bytes to copy, a multiple of four; @off + @len is at most the entry
 *
 * For a request that tandem_back_ring_pending() has counted. Each byte is
 * fetched from shared memory once. Parts may be read one after the other (a
 * header, then as many segments as it announces), provided that no byte is read
 * twice and that each length comes from the private copy.
 *
 * Spec: io/ring.h, RING_COPY_REQUEST.
 */
static inline void tandem_back_ring_read(const struct tandem_back_ring *r,
					 void *dst, u32 off, u32 len)
{
	const u8 *slot = tandem_ring_slot(r->slots, r->size, r->entry,
					  r->req_cons);

	tandem_env_assert(!((off | len) % 4) && off + len <= r->entry);
	tandem_ring_copy_in(dst, slot + off, len);
}

/**
 * tandem_back_ring_next() - the request at hand is taken
 * @r: the backend's end
 *
 * Once for each request counted by tandem_back_ring_pending(). Its slot may
 * from now on be used for a response.
 */
static inline void tandem_back_ring_next(struct tandem_back_ring *r)
{
	tandem_env_assert(tandem_back_ring_unanswered(r) < r->size);
	r->req_cons++;
}

/**
 * tandem_back_ring_arm() - ask for an event, then look a last time
 * @r: the backend's end
 * @ahead: how many requests to be woken after, at least 1; more than 1 lets
 *         several gather for one event
 *
 * To be called before going idle. TANDEM_BACK_ARM pairs with TANDEM_FRONT_PUSH
 * (SB): either the frontend sees that an event is wanted and sends one, or its
 * new producer is seen here. With @ahead above 1 fewer requests than that may
 * arrive without an event: the caller has another way of looking again.
 *
 * Spec: io/ring.h, RING_FINAL_CHECK_FOR_REQUESTS and its remark on batches.
 *
 * Return: true if there is something to do now: requests, or an impossible
 * index for tandem_back_ring_pending() to report.
 */
static inline bool tandem_back_ring_arm(const struct tandem_back_ring *r,
					u32 ahead)
{
	struct tandem_sring *sring = r->sring;

	tandem_env_assert(ahead);
	tandem_env_store(&sring->req_event, tandem_peer32(r->req_cons + ahead));
	tandem_env_mb(TANDEM_BACK_ARM);

	return tandem_peer32_raw(tandem_env_load(&sring->req_prod)) != r->req_cons;
}

/**
 * tandem_back_ring_respond() - write a response, without publishing it
 * @r: the backend's end
 * @rsp: private memory; padding and reserved fields included, as the frontend
 *       sees every byte
 * @len: bytes of the response, a multiple of four, at most the entry
 *
 * The response goes where the oldest unanswered request was, which has been
 * taken, so nothing that is still to be read is overwritten. Responding more
 * often than requests were taken is a bug of the caller, which no peer can
 * cause: it warns and writes nothing.
 *
 * Spec: io/ring.h, RING_GET_RESPONSE.
 */
static inline void tandem_back_ring_respond(struct tandem_back_ring *r,
					    const void *rsp, u32 len)
{
	u8 *slot = tandem_ring_slot(r->slots, r->size, r->entry, r->rsp_prod);

	if (WARN_ON_ONCE(r->rsp_prod == r->req_cons))
		return;
	tandem_env_assert(!(len % 4) && len <= r->entry);
	tandem_ring_copy_out(slot, rsp, len);
	r->rsp_prod++;
}

/**
 * tandem_back_ring_push() - publish the responses written so far
 * @r: the backend's end
 *
 * TANDEM_BACK_PUBLISH, the release of MP, pairs with TANDEM_FRONT_CONSUME: the
 * responses are complete, and the requests that they replace have been read,
 * before the frontend may look. TANDEM_BACK_PUSH pairs with TANDEM_FRONT_ARM
 * (SB): see tandem_front_ring_arm(). With nothing new to publish there is no
 * barrier and no event.
 *
 * Any value of rsp_event is legal: it can only cost the frontend its own
 * wake-up, or us at most one event per push.
 *
 * Spec: io/ring.h, RING_PUSH_RESPONSES_AND_CHECK_NOTIFY.
 *
 * Return: true if the frontend wants an event.
 */
static inline bool tandem_back_ring_push(struct tandem_back_ring *r)
{
	struct tandem_sring *sring = r->sring;
	u32 old = r->rsp_pushed;
	u32 prod = r->rsp_prod;
	tandem_peer32 event;

	if (prod == old)
		return false;

	tandem_env_release(TANDEM_BACK_PUBLISH, &sring->rsp_prod,
			   tandem_peer32(prod));
	r->rsp_pushed = prod;
	tandem_env_mb(TANDEM_BACK_PUSH);
	event = tandem_env_load(&sring->rsp_event);

	return tandem_ring_crossed(old, prod, tandem_peer32_raw(event));
}

/*
 * Frontend
 */

/**
 * tandem_front_ring_init() - set up a ring, both the shared and the private part
 * @r: the frontend's end
 * @shared: memory to be shared, four-byte aligned, contiguous over all its
 *          pages
 * @bytes: size of @shared
 * @entry: bytes per slot, a multiple of four
 *
 * To be called before the backend may see the memory. Only the indices and the
 * padding beside them are written: that the slots hold no stale data is up to
 * the caller, who gets zeroed pages.
 *
 * Spec: io/ring.h, XEN_FRONT_RING_INIT.
 */
static inline void tandem_front_ring_init(struct tandem_front_ring *r,
					  void *shared, size_t bytes, u32 entry)
{
	struct tandem_sring *sring = (struct tandem_sring *)shared;

	tandem_env_store(&sring->req_prod, tandem_peer32(0));
	tandem_env_store(&sring->req_event, tandem_peer32(1));
	tandem_env_store(&sring->rsp_prod, tandem_peer32(0));
	tandem_env_store(&sring->rsp_event, tandem_peer32(1));
	memset(sring->pad, 0, sizeof(sring->pad));

	r->sring = sring;
	r->slots = (u8 *)shared + sizeof(struct tandem_sring);
	r->size = tandem_ring_slots(bytes, entry);
	r->entry = entry;
	r->req_prod = 0;
	r->req_pushed = 0;
	r->rsp_cons = 0;
}

/**
 * tandem_front_ring_free() - how many more requests fit
 * @r: the frontend's end
 *
 * Spec: io/ring.h, RING_FREE_REQUESTS.
 *
 * Return: their number.
 */
static inline u32 tandem_front_ring_free(const struct tandem_front_ring *r)
{
	return r->size - (r->req_prod - r->rsp_cons);
}

/**
 * tandem_front_ring_full() - is there no room for a request
 * @r: the frontend's end
 *
 * Spec: io/ring.h, RING_FULL.
 *
 * Return: true if none fits.
 */
static inline bool tandem_front_ring_full(const struct tandem_front_ring *r)
{
	return r->req_prod - r->rsp_cons == r->size;
}

/**
 * tandem_front_ring_write() - write a request, without publishing it
 * @r: the frontend's end
 * @req: private memory; padding included, as the backend sees every byte
 * @len: bytes of the request, a multiple of four, at most the entry
 *
 * The slot is free because the response that was in it has been taken. Writing
 * to a full ring is a bug of the caller: it warns and writes nothing.
 *
 * Spec: io/ring.h, RING_GET_REQUEST.
 */
static inline void tandem_front_ring_write(struct tandem_front_ring *r,
					   const void *req, u32 len)
{
	u8 *slot = tandem_ring_slot(r->slots, r->size, r->entry, r->req_prod);

	if (WARN_ON_ONCE(tandem_front_ring_full(r)))
		return;
	tandem_env_assert(!(len % 4) && len <= r->entry);
	tandem_ring_copy_out(slot, req, len);
	r->req_prod++;
}

/**
 * tandem_front_ring_push() - publish the requests written so far
 * @r: the frontend's end
 *
 * TANDEM_FRONT_PUBLISH, the release of MP, pairs with TANDEM_BACK_CONSUME;
 * TANDEM_FRONT_PUSH pairs with TANDEM_BACK_ARM (SB), see tandem_back_ring_arm().
 * With nothing new to publish there is no barrier and no event. Any value of
 * req_event is legal.
 *
 * Spec: io/ring.h, RING_PUSH_REQUESTS_AND_CHECK_NOTIFY.
 *
 * Return: true if the backend wants an event.
 */
static inline bool tandem_front_ring_push(struct tandem_front_ring *r)
{
	struct tandem_sring *sring = r->sring;
	u32 old = r->req_pushed;
	u32 prod = r->req_prod;
	tandem_peer32 event;

	if (prod == old)
		return false;

	tandem_env_release(TANDEM_FRONT_PUBLISH, &sring->req_prod,
			   tandem_peer32(prod));
	r->req_pushed = prod;
	tandem_env_mb(TANDEM_FRONT_PUSH);
	event = tandem_env_load(&sring->req_event);

	return tandem_ring_crossed(old, prod, tandem_peer32_raw(event));
}

/**
 * tandem_front_ring_pending() - how many responses wait to be taken
 * @r: the frontend's end
 *
 * There is at most one response for each request published, and none is taken
 * back. The responses counted may be read, and their slots written again, with
 * no further barrier: TANDEM_FRONT_CONSUME, the acquire of MP, pairs with
 * TANDEM_BACK_PUBLISH.
 *
 * Spec: io/ring.h, RING_RESPONSE_PROD_OVERFLOW.
 *
 * Return: their number; -EPROTO if the index is impossible, in which case
 * nothing has changed and the connection is not to be trusted any more.
 */
static inline int tandem_front_ring_pending(const struct tandem_front_ring *r)
{
	tandem_peer32 shared = tandem_env_acquire(TANDEM_FRONT_CONSUME,
						  &r->sring->rsp_prod);
	u32 n = tandem_peer32_raw(shared) - r->rsp_cons;

	if (n > r->req_pushed - r->rsp_cons)
		return -EPROTO;

	return (int)n;
}

/**
 * tandem_front_ring_read() - copy part of the next response
 * @r: the frontend's end
 * @dst: private memory, any alignment
 * @off: first byte in the response, a multiple of four
 * @len: bytes to copy, a multiple of four; @off + @len is at most the entry
 *
 * The mirror of tandem_back_ring_read().
 *
 * Spec: io/ring.h, RING_COPY_RESPONSE.
 */
static inline void tandem_front_ring_read(const struct tandem_front_ring *r,
					  void *dst, u32 off, u32 len)
{
	const u8 *slot = tandem_ring_slot(r->slots, r->size, r->entry,
					  r->rsp_cons);

	tandem_env_assert(!((off | len) % 4) && off + len <= r->entry);
	tandem_ring_copy_in(dst, slot + off, len);
}

/**
 * tandem_front_ring_next() - the response at hand is taken
 * @r: the frontend's end
 *
 * Once for each response counted by tandem_front_ring_pending(). Its slot may
 * from now on be used for a request.
 */
static inline void tandem_front_ring_next(struct tandem_front_ring *r)
{
	tandem_env_assert(r->rsp_cons != r->req_pushed);
	r->rsp_cons++;
}

/**
 * tandem_front_ring_arm() - ask for an event, then look a last time
 * @r: the frontend's end
 * @ahead: how many responses to be woken after, at least 1
 *
 * The mirror of tandem_back_ring_arm(): TANDEM_FRONT_ARM pairs with
 * TANDEM_BACK_PUSH (SB).
 *
 * Spec: io/ring.h, RING_FINAL_CHECK_FOR_RESPONSES.
 *
 * Return: true if there is something to do now: responses, or an impossible
 * index for tandem_front_ring_pending() to report.
 */
static inline bool tandem_front_ring_arm(const struct tandem_front_ring *r,
					 u32 ahead)
{
	struct tandem_sring *sring = r->sring;

	tandem_env_assert(ahead);
	tandem_env_store(&sring->rsp_event, tandem_peer32(r->rsp_cons + ahead));
	tandem_env_mb(TANDEM_FRONT_ARM);

	return tandem_peer32_raw(tandem_env_load(&sring->rsp_prod)) != r->rsp_cons;
}

#endif /* TANDEM_RING_RING_H */
