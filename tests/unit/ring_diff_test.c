// SPDX-License-Identifier: GPL-2.0-only
/*
 * common/ring against the macros of Xen's public header, as packaged in
 * libxen-dev: same sizes, same bytes in shared memory, same events.
 *
 * In step: a random sequence of operations runs on a pair of ours and on a pair
 * of theirs, and after each operation the shared memory must be the same byte
 * for byte, as must every answer. Crosswise: one of our ends talks to one of
 * theirs, and every message must arrive and wake the other side.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "kselftest_harness.h"

#define __XEN_INTERFACE_VERSION__ 0x00040d00
#define xen_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)
#include <xen/io/ring.h>

#include "common/ring/ring.h"

#define MAX_BYTES	65536

static u8 ours[MAX_BYTES] __aligned(4096);
static u8 theirs[MAX_BYTES] __aligned(4096);

/* What their macros do for one type of ring, as functions. */
struct xen_ring {
	u32 req;
	u32 rsp;
	void (*init)(void *shared, size_t bytes);
	void (*seek)(u32 idx);
	u32 (*size)(void);
	u32 (*free)(void);
	bool (*full)(void);
	void (*write_req)(const void *msg);
	bool (*push_req)(void);
	u32 (*pending_req)(void);
	void (*take_req)(void *msg);
	bool (*check_req)(u32 ahead);
	bool (*bad_req)(u32 prod);
	void (*write_rsp)(const void *msg);
	bool (*push_rsp)(void);
	u32 (*pending_rsp)(void);
	void (*take_rsp)(void *msg);
	bool (*check_rsp)(u32 ahead);
	bool (*bad_rsp)(u32 prod);
};

#define XEN_RING(name, req_len, rsp_len)					\
struct name##_req {							\
	u32 word[(req_len) / 4];						\
};									\
									\
struct name##_rsp {							\
	u32 word[(rsp_len) / 4];						\
};									\
									\
DEFINE_RING_TYPES(name, struct name##_req, struct name##_rsp);		\
									\
static struct name##_front_ring name##_front;				\
static struct name##_back_ring name##_back;				\
									\
static void name##_init(void *shared, size_t bytes)			\
{									\
	struct name##_sring *sring = shared;				\
									\
	XEN_FRONT_RING_INIT(&name##_front, sring, bytes);		\
	BACK_RING_INIT(&name##_back, sring, bytes);			\
}									\
									\
static void name##_seek(u32 idx)					\
{									\
	name##_front.req_prod_pvt = idx;				\
	name##_front.rsp_cons = idx;					\
	name##_back.req_cons = idx;					\
	name##_back.rsp_prod_pvt = idx;					\
}									\
									\
static u32 name##_size(void)						\
{									\
	return RING_SIZE(&name##_front);				\
}									\
									\
static u32 name##_free(void)						\
{									\
	return RING_FREE_REQUESTS(&name##_front);			\
}									\
									\
static bool name##_full(void)						\
{									\
	return RING_FULL(&name##_front);				\
}									\
									\
static void name##_write_req(const void *msg)				\
{									\
	*RING_GET_REQUEST(&name##_front, name##_front.req_prod_pvt) =	\
		*(const struct name##_req *)msg;			\
	name##_front.req_prod_pvt++;					\
}									\
									\
static bool name##_push_req(void)					\
{									\
	bool notify;							\
									\
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&name##_front, notify);	\
	return notify;							\
}									\
									\
static u32 name##_pending_req(void)					\
{									\
	return XEN_RING_NR_UNCONSUMED_REQUESTS(&name##_back);		\
}									\
									\
static void name##_take_req(void *msg)					\
{									\
	RING_COPY_REQUEST(&name##_back, name##_back.req_cons,		\
			  (struct name##_req *)msg);			\
	name##_back.req_cons++;						\
}									\
									\
/* Theirs leaves the event alone if work waits already; ours never does. */ \
static bool name##_check_req(u32 ahead)					\
{									\
	bool work;							\
									\
	RING_FINAL_CHECK_FOR_REQUESTS(&name##_back, work);		\
	name##_back.sring->req_event = name##_back.req_cons + ahead;	\
	return work;							\
}									\
									\
static bool name##_bad_req(u32 prod)					\
{									\
	return RING_REQUEST_PROD_OVERFLOW(&name##_back, prod);		\
}									\
									\
static void name##_write_rsp(const void *msg)				\
{									\
	*RING_GET_RESPONSE(&name##_back, name##_back.rsp_prod_pvt) =	\
		*(const struct name##_rsp *)msg;			\
	name##_back.rsp_prod_pvt++;					\
}									\
									\
static bool name##_push_rsp(void)					\
{									\
	bool notify;							\
									\
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&name##_back, notify);	\
	return notify;							\
}									\
									\
static u32 name##_pending_rsp(void)					\
{									\
	return XEN_RING_NR_UNCONSUMED_RESPONSES(&name##_front);		\
}									\
									\
static void name##_take_rsp(void *msg)					\
{									\
	RING_COPY_RESPONSE(&name##_front, name##_front.rsp_cons,		\
			   (struct name##_rsp *)msg);			\
	name##_front.rsp_cons++;					\
}									\
									\
static bool name##_check_rsp(u32 ahead)					\
{									\
	bool work;							\
									\
	RING_FINAL_CHECK_FOR_RESPONSES(&name##_front, work);		\
	name##_front.sring->rsp_event = name##_front.rsp_cons + ahead;	\
	return work;							\
}									\
									\
static bool name##_bad_rsp(u32 prod)					\
{									\
	return RING_RESPONSE_PROD_OVERFLOW(&name##_front, prod);	\
}									\
									\
static_assert(offsetof(struct name##_sring, ring) == 64);		\
static_assert(offsetof(struct name##_sring, req_prod) ==		\
	      offsetof(struct tandem_sring, req_prod));			\
static_assert(offsetof(struct name##_sring, req_event) ==		\
	      offsetof(struct tandem_sring, req_event));		\
static_assert(offsetof(struct name##_sring, rsp_prod) ==		\
	      offsetof(struct tandem_sring, rsp_prod));			\
static_assert(offsetof(struct name##_sring, rsp_event) ==		\
	      offsetof(struct tandem_sring, rsp_event));		\
									\
static const struct xen_ring name##_ring = {				\
	.req = sizeof(union name##_sring_entry),			\
	.rsp = sizeof(struct name##_rsp),				\
	.init = name##_init,						\
	.seek = name##_seek,						\
	.size = name##_size,						\
	.free = name##_free,						\
	.full = name##_full,						\
	.write_req = name##_write_req,					\
	.push_req = name##_push_req,					\
	.pending_req = name##_pending_req,				\
	.take_req = name##_take_req,					\
	.check_req = name##_check_req,					\
	.bad_req = name##_bad_req,					\
	.write_rsp = name##_write_rsp,					\
	.push_rsp = name##_push_rsp,					\
	.pending_rsp = name##_pending_rsp,				\
	.take_rsp = name##_take_rsp,					\
	.check_rsp = name##_check_rsp,					\
	.bad_rsp = name##_bad_rsp,					\
}

XEN_RING(blk_native, 112, 16);
XEN_RING(blk_x86_32, 108, 12);
XEN_RING(net_tx, 12, 4);
XEN_RING(net_rx, 8, 8);
XEN_RING(net_ctrl, 16, 16);

FIXTURE(diff) {
	const struct xen_ring *xen;
	struct tandem_front_ring front;
	struct tandem_back_ring back;
	u64 dice;
	u32 msg[64];
	u32 got[64];
	u32 xgot[64];
};

FIXTURE_VARIANT(diff) {
	const struct xen_ring *xen;
};

FIXTURE_VARIANT_ADD(diff, blk_native) {
	.xen = &blk_native_ring,
};

FIXTURE_VARIANT_ADD(diff, blk_x86_32) {
	.xen = &blk_x86_32_ring,
};

FIXTURE_VARIANT_ADD(diff, net_tx) {
	.xen = &net_tx_ring,
};

FIXTURE_VARIANT_ADD(diff, net_rx) {
	.xen = &net_rx_ring,
};

FIXTURE_VARIANT_ADD(diff, net_ctrl) {
	.xen = &net_ctrl_ring,
};

FIXTURE_SETUP(diff)
{
	self->xen = variant->xen;
}

FIXTURE_TEARDOWN(diff)
{
}

/* A fixed sequence, so that a failure repeats. */
static u32 dice(struct _test_data_diff *self, u32 sides)
{
	self->dice = self->dice * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(self->dice >> 33) % sides;
}

static const void *fill(struct _test_data_diff *self, u32 len, u32 number)
{
	u32 i;

	for (i = 0; i < len / 4; i++)
		self->msg[i] = number * 2654435761U + i;
	return self->msg;
}

static void put_shared(u8 *shared, u32 idx)
{
	struct tandem_sring *sring = (struct tandem_sring *)shared;

	sring->req_prod = tandem_peer32(idx);
	sring->rsp_prod = tandem_peer32(idx);
	sring->req_event = tandem_peer32(idx + 1);
	sring->rsp_event = tandem_peer32(idx + 1);
}

/* Everything as after @idx messages; ours on @ours, theirs on @shared. */
static void start_at(struct _test_data_diff *self, u8 *shared, size_t bytes, u32 idx)
{
	self->xen->init(shared, bytes);
	self->xen->seek(idx);
	tandem_front_ring_init(&self->front, ours, bytes, self->xen->req);
	tandem_back_ring_init(&self->back, ours, bytes, self->xen->req);
	self->front.req_prod = idx;
	self->front.req_pushed = idx;
	self->front.rsp_cons = idx;
	self->back.req_cons = idx;
	self->back.rsp_prod = idx;
	self->back.rsp_pushed = idx;
	put_shared(ours, idx);
	put_shared(shared, idx);
}

TEST_F(diff, size_is_the_same)
{
	size_t bytes;

	for (bytes = 64 + self->xen->req; bytes <= MAX_BYTES;
	     bytes += bytes < 8192 ? 1 : 1021) {
		self->xen->init(theirs, bytes);
		ASSERT_EQ(self->xen->size(),
			  tandem_ring_slots(bytes, self->xen->req));
	}
}

TEST_F(diff, init_is_the_same)
{
	memset(ours, 0x5a, 4096);
	memset(theirs, 0x5a, 4096);
	tandem_front_ring_init(&self->front, ours, 4096, self->xen->req);
	self->xen->init(theirs, 4096);
	EXPECT_EQ(0, memcmp(ours, theirs, 4096));
}

/* One random operation on both pairs; they must agree on what it returns. */
static void one_step(struct __test_metadata *_metadata, struct _test_data_diff *self)
{
	const struct xen_ring *xen = self->xen;
	u32 n, ahead = 1 + dice(self, 3);
	int pending;

	switch (dice(self, 9)) {
	case 0:
	case 1:
		ASSERT_EQ(xen->free(), tandem_front_ring_free(&self->front));
		ASSERT_EQ(xen->full(), tandem_front_ring_full(&self->front));
		for (n = dice(self, xen->free() + 1); n; n--) {
			fill(self, xen->req, self->front.req_prod);
			tandem_front_ring_write(&self->front, self->msg,
						xen->req);
			xen->write_req(self->msg);
		}
		break;
	case 2:
		ASSERT_EQ(xen->push_req(), tandem_front_ring_push(&self->front));
		break;
	case 3:
		pending = tandem_back_ring_pending(&self->back);
		ASSERT_EQ((int)xen->pending_req(), pending);
		for (n = dice(self, pending + 1); n; n--) {
			tandem_back_ring_read(&self->back, self->got, 0,
					      xen->req);
			tandem_back_ring_next(&self->back);
			xen->take_req(self->xgot);
			ASSERT_EQ(0, memcmp(self->xgot, self->got, xen->req));
		}
		break;
	case 4:
		n = tandem_back_ring_unanswered(&self->back);
		for (n = dice(self, n + 1); n; n--) {
			fill(self, xen->rsp, ~self->back.rsp_prod);
			tandem_back_ring_respond(&self->back, self->msg,
						 xen->rsp);
			xen->write_rsp(self->msg);
		}
		break;
	case 5:
		ASSERT_EQ(xen->push_rsp(), tandem_back_ring_push(&self->back));
		break;
	case 6:
		pending = tandem_front_ring_pending(&self->front);
		ASSERT_EQ((int)xen->pending_rsp(), pending);
		for (n = dice(self, pending + 1); n; n--) {
			tandem_front_ring_read(&self->front, self->got, 0,
					       xen->rsp);
			tandem_front_ring_next(&self->front);
			xen->take_rsp(self->xgot);
			ASSERT_EQ(0, memcmp(self->xgot, self->got, xen->rsp));
		}
		break;
	case 7:
		ASSERT_EQ(xen->check_req(ahead),
			  tandem_back_ring_arm(&self->back, ahead));
		break;
	default:
		ASSERT_EQ(xen->check_rsp(ahead),
			  tandem_front_ring_arm(&self->front, ahead));
		break;
	}
}

static void run_in_step(struct __test_metadata *_metadata,
			struct _test_data_diff *self, size_t bytes, u32 start)
{
	u32 step, i;

	memset(ours, 0x5a, bytes);
	memset(theirs, 0x5a, bytes);
	start_at(self, theirs, bytes, start);
	for (step = 0; step < 5000; step++) {
		one_step(_metadata, self);
		ASSERT_EQ(0, memcmp(ours, theirs, bytes));
	}
	/* Many times round, and nothing behind the last slot. */
	ASSERT_LT(2 * self->front.size, self->front.rsp_cons - start);
	for (i = 64 + self->front.size * self->xen->req; i < bytes; i++)
		ASSERT_EQ(0x5a, ours[i]);
}

TEST_F(diff, pairs_stay_in_step)
{
	u32 slots;

	run_in_step(_metadata, self, 4096, 0);
	run_in_step(_metadata, self, 4096, 0U - 100);
	run_in_step(_metadata, self, 8192, 0U - 100);
	run_in_step(_metadata, self, 65536, 0x7fffff00);
	for (slots = 1; slots < 6; slots++)
		run_in_step(_metadata, self, 64 + slots * self->xen->req,
			    0U - 9);
}

static void run_with_their_front(struct __test_metadata *_metadata,
				 struct _test_data_diff *self, u32 start)
{
	const struct xen_ring *xen = self->xen;
	u32 sent = start, seen = start, done = start, turn, n;

	start_at(self, ours, 4096, start);
	for (turn = 0; turn < 3000; turn++) {
		for (n = dice(self, xen->free() + 1); n; n--)
			xen->write_req(fill(self, xen->req, sent++));
		ASSERT_EQ(sent != seen, xen->push_req());
		ASSERT_EQ((int)(sent - seen),
			  tandem_back_ring_pending(&self->back));
		for (; seen != sent; seen++) {
			tandem_back_ring_read(&self->back, self->got, 0,
					      xen->req);
			tandem_back_ring_next(&self->back);
			fill(self, xen->req, seen);
			ASSERT_EQ(0, memcmp(self->msg, self->got, xen->req));
			fill(self, xen->rsp, ~seen);
			tandem_back_ring_respond(&self->back, self->msg,
						 xen->rsp);
		}
		ASSERT_FALSE(tandem_back_ring_arm(&self->back, 1));
		ASSERT_EQ(done != seen, tandem_back_ring_push(&self->back));
		ASSERT_EQ(seen - done, xen->pending_rsp());
		for (; done != seen; done++) {
			xen->take_rsp(self->xgot);
			fill(self, xen->rsp, ~done);
			ASSERT_EQ(0, memcmp(self->msg, self->xgot, xen->rsp));
		}
		ASSERT_FALSE(xen->check_rsp(1));
	}
}

static void run_with_their_back(struct __test_metadata *_metadata,
				struct _test_data_diff *self, u32 start)
{
	const struct xen_ring *xen = self->xen;
	u32 sent = start, seen = start, done = start, turn, n;

	start_at(self, ours, 4096, start);
	for (turn = 0; turn < 3000; turn++) {
		n = dice(self, tandem_front_ring_free(&self->front) + 1);
		for (; n; n--)
			tandem_front_ring_write(&self->front,
						fill(self, xen->req, sent++),
						xen->req);
		ASSERT_EQ(sent != seen, tandem_front_ring_push(&self->front));
		ASSERT_EQ(sent - seen, xen->pending_req());
		for (; seen != sent; seen++) {
			xen->take_req(self->xgot);
			fill(self, xen->req, seen);
			ASSERT_EQ(0, memcmp(self->msg, self->xgot, xen->req));
			xen->write_rsp(fill(self, xen->rsp, ~seen));
		}
		ASSERT_FALSE(xen->check_req(1));
		ASSERT_EQ(done != seen, xen->push_rsp());
		ASSERT_EQ((int)(seen - done),
			  tandem_front_ring_pending(&self->front));
		for (; done != seen; done++) {
			tandem_front_ring_read(&self->front, self->got, 0,
					       xen->rsp);
			tandem_front_ring_next(&self->front);
			fill(self, xen->rsp, ~done);
			ASSERT_EQ(0, memcmp(self->msg, self->got, xen->rsp));
		}
		ASSERT_FALSE(tandem_front_ring_arm(&self->front, 1));
	}
}

TEST_F(diff, their_front_talks_to_our_back)
{
	run_with_their_front(_metadata, self, 0);
	run_with_their_front(_metadata, self, 0U - 200);
}

TEST_F(diff, our_front_talks_to_their_back)
{
	run_with_their_back(_metadata, self, 0);
	run_with_their_back(_metadata, self, 0U - 200);
}

/*
 * Their check on requests leaves out a producer behind the consumer, and their
 * check on responses supposes that every slot holds a request; given that, and
 * with nothing unpublished, the verdicts are the same.
 */
TEST_F(diff, producers_are_judged_alike)
{
	struct tandem_sring *sring = (struct tandem_sring *)ours;
	u32 round, prod, taken, size, start;
	bool bad;

	size = tandem_ring_slots(4096, self->xen->req);
	for (round = 0; round < 50000; round++) {
		start = dice(self, 2) ? dice(self, 1000) - 500 :
			dice(self, 0x7fffffff) * 2;
		start_at(self, ours, 4096, start);
		taken = dice(self, size + 1);
		self->back.req_cons += taken;
		self->front.req_prod += size;
		self->front.req_pushed += size;
		prod = start + dice(self, 4 * size) - 2 * size;
		if (!dice(self, 8))
			prod = dice(self, 0x7fffffff) * 2;
		sring->req_prod = tandem_peer32(prod);
		sring->rsp_prod = tandem_peer32(prod);

		bad = self->xen->bad_req(prod) || prod - start < taken;
		ASSERT_EQ(bad ? -EPROTO : (int)(prod - start - taken),
			  tandem_back_ring_pending(&self->back));
		bad = self->xen->bad_rsp(prod);
		ASSERT_EQ(bad ? -EPROTO : (int)(prod - start),
			  tandem_front_ring_pending(&self->front));
	}
}

TEST_HARNESS_MAIN
