// SPDX-License-Identifier: GPL-2.0-only
/*
 * common/ring: both ends against each other and against what the specification
 * says, over every kind of slot that the protocols use.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <stdlib.h>

#include "kselftest_harness.h"

#include "common/ring/ring.h"

static const u8 stale = 0xa5;

/* The same bytes for the same message, different ones for any other. */
static void pattern(u8 *buf, u32 len, u32 msg)
{
	u32 x = msg * 2654435761U + 1;
	u32 i;

	for (i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		buf[i] = (u8)x;
	}
}

static u32 get(tandem_peer32 *p)
{
	return tandem_peer32_raw(tandem_env_load(p));
}

static void put(tandem_peer32 *p, u32 v)
{
	tandem_env_store(p, tandem_peer32(v));
}

FIXTURE(ring) {
	u8 *shared;
	struct tandem_sring *sring;
	struct tandem_front_ring front;
	struct tandem_back_ring back;
	u8 msg[256];
	u8 got[256];
};

FIXTURE_VARIANT(ring) {
	size_t bytes;
	u32 entry;
	u32 slots;
	u32 rsp;
};

FIXTURE_VARIANT_ADD(ring, blk_native) {
	.bytes = 4096, .entry = 112, .slots = 32, .rsp = 16,
};

FIXTURE_VARIANT_ADD(ring, blk_x86_32) {
	.bytes = 4096, .entry = 108, .slots = 32, .rsp = 12,
};

FIXTURE_VARIANT_ADD(ring, blk_native_two_pages) {
	.bytes = 8192, .entry = 112, .slots = 64, .rsp = 16,
};

FIXTURE_VARIANT_ADD(ring, blk_native_order_4) {
	.bytes = 65536, .entry = 112, .slots = 512, .rsp = 16,
};

FIXTURE_VARIANT_ADD(ring, blk_x86_32_order_4) {
	.bytes = 65536, .entry = 108, .slots = 512, .rsp = 12,
};

FIXTURE_VARIANT_ADD(ring, net_tx) {
	.bytes = 4096, .entry = 12, .slots = 256, .rsp = 4,
};

FIXTURE_VARIANT_ADD(ring, net_rx) {
	.bytes = 4096, .entry = 8, .slots = 256, .rsp = 8,
};

FIXTURE_VARIANT_ADD(ring, one_slot) {
	.bytes = 64 + 20, .entry = 20, .slots = 1, .rsp = 20,
};

FIXTURE_SETUP(ring)
{
	self->shared = aligned_alloc(8, (variant->bytes + 7) & ~7UL);
	ASSERT_NE(NULL, self->shared);
	memset(self->shared, stale, variant->bytes);
	self->sring = (struct tandem_sring *)self->shared;
	tandem_front_ring_init(&self->front, self->shared, variant->bytes,
			       variant->entry);
	tandem_back_ring_init(&self->back, self->shared, variant->bytes,
			      variant->entry);
}

FIXTURE_TEARDOWN(ring)
{
	free(self->shared);
}

/* Both ends and the shared indices as after @idx requests and responses. */
static void seek(struct _test_data_ring *self, u32 idx)
{
	self->front.req_prod = idx;
	self->front.req_pushed = idx;
	self->front.rsp_cons = idx;
	self->back.req_cons = idx;
	self->back.rsp_prod = idx;
	self->back.rsp_pushed = idx;
	put(&self->sring->req_prod, idx);
	put(&self->sring->rsp_prod, idx);
	put(&self->sring->req_event, idx + 1);
	put(&self->sring->rsp_event, idx + 1);
}

static void take_requests(struct _test_data_ring *self, u32 n)
{
	while (n--)
		tandem_back_ring_next(&self->back);
}

static void write_requests(struct _test_data_ring *self, u32 n)
{
	while (n--)
		tandem_front_ring_write(&self->front, self->msg,
					self->front.entry);
}

static void write_responses(struct _test_data_ring *self, u32 n)
{
	while (n--)
		tandem_back_ring_respond(&self->back, self->msg, 4);
}

TEST(layout_is_the_specification_s)
{
	EXPECT_EQ(64, sizeof(struct tandem_sring));
	EXPECT_EQ(0, offsetof(struct tandem_sring, req_prod));
	EXPECT_EQ(4, offsetof(struct tandem_sring, req_event));
	EXPECT_EQ(8, offsetof(struct tandem_sring, rsp_prod));
	EXPECT_EQ(12, offsetof(struct tandem_sring, rsp_event));
}

TEST(slots_is_the_largest_power_of_two_that_fits)
{
	u32 entry, n;
	size_t bytes;

	for (entry = 4; entry <= 256; entry += 4) {
		for (bytes = 0; bytes <= 9000; bytes += 4) {
			n = tandem_ring_slots(bytes, entry);
			ASSERT_EQ(0, n & (n - 1));
			if (!n) {
				ASSERT_LT(bytes, 64 + (size_t)entry);
				continue;
			}
			ASSERT_LE(64 + (size_t)n * entry, bytes);
			ASSERT_GT(64 + 2 * (size_t)n * entry, bytes);
		}
	}
}

TEST(slots_refuses_what_cannot_be_a_ring)
{
	EXPECT_EQ(0, tandem_ring_slots(4096, 0));
	EXPECT_EQ(0, tandem_ring_slots(4096, 13));
	EXPECT_EQ(0, tandem_ring_slots(4096, 14));
	EXPECT_EQ(0, tandem_ring_slots(0, 112));
	EXPECT_EQ(0, tandem_ring_slots(63, 4));
	EXPECT_EQ(0, tandem_ring_slots(64, 4));
	EXPECT_EQ(0, tandem_ring_slots(67, 4));
	EXPECT_EQ(1, tandem_ring_slots(68, 4));
	EXPECT_EQ(0, tandem_ring_slots(4096, 0xfffffffcU));
	EXPECT_EQ(1U << 30, tandem_ring_slots(SIZE_MAX, 4));
}

TEST_F(ring, init_sets_indices_and_nothing_else)
{
	size_t i;

	EXPECT_EQ(variant->slots, self->front.size);
	EXPECT_EQ(variant->slots, self->back.size);
	EXPECT_EQ(0, get(&self->sring->req_prod));
	EXPECT_EQ(0, get(&self->sring->rsp_prod));
	EXPECT_EQ(1, get(&self->sring->req_event));
	EXPECT_EQ(1, get(&self->sring->rsp_event));
	for (i = 16; i < 64; i++)
		ASSERT_EQ(0, self->shared[i]);
	for (; i < variant->bytes; i++)
		ASSERT_EQ(stale, self->shared[i]);
	EXPECT_EQ(0, tandem_back_ring_pending(&self->back));
	EXPECT_EQ(0, tandem_front_ring_pending(&self->front));
	EXPECT_EQ(variant->slots, tandem_front_ring_free(&self->front));
}

TEST_F(ring, request_lands_in_its_slot)
{
	u32 i, entry = variant->entry;
	u8 *slot;

	for (i = 0; i < variant->slots; i++) {
		pattern(self->msg, entry, i);
		tandem_front_ring_write(&self->front, self->msg, entry);
	}
	for (i = 0; i < variant->slots; i++) {
		slot = self->shared + 64 + (size_t)i * entry;
		pattern(self->msg, entry, i);
		ASSERT_EQ(0, memcmp(self->msg, slot, entry));
	}
	/* What is behind the last slot belongs to nobody. */
	for (i = 64 + i * entry; i < variant->bytes; i++)
		ASSERT_EQ(stale, self->shared[i]);
}

/* Batches of every size up to the ring's, over the wrap of the indices. */
static void all_messages_arrive(struct __test_metadata *_metadata,
				struct _test_data_ring *self, u32 rsp_len, u32 start)
{
	u32 entry = self->front.entry, size = self->front.size;
	u32 sent = start, taken = start, answered = start, done = start;
	u32 batch, i;

	seek(self, start);
	for (batch = 1; batch <= size; batch += batch < 8 ? 1 : size / 5 + 1) {
		for (i = 0; i < batch; i++, sent++) {
			ASSERT_FALSE(tandem_front_ring_full(&self->front));
			pattern(self->msg, entry, sent);
			tandem_front_ring_write(&self->front, self->msg, entry);
		}
		ASSERT_EQ(size - batch, tandem_front_ring_free(&self->front));
		ASSERT_EQ(batch == size, tandem_front_ring_full(&self->front));
		ASSERT_EQ(0, tandem_back_ring_pending(&self->back));
		tandem_front_ring_push(&self->front);

		ASSERT_EQ((int)batch, tandem_back_ring_pending(&self->back));
		for (i = 0; i < batch; i++, taken++) {
			pattern(self->msg, entry, taken);
			tandem_back_ring_read(&self->back, self->got, 0, entry);
			ASSERT_EQ(0, memcmp(self->msg, self->got, entry));
			tandem_back_ring_next(&self->back);
		}
		ASSERT_EQ(0, tandem_back_ring_pending(&self->back));
		ASSERT_EQ(batch, tandem_back_ring_unanswered(&self->back));

		for (i = 0; i < batch; i++, answered++) {
			pattern(self->msg, rsp_len, ~answered);
			tandem_back_ring_respond(&self->back, self->msg,
						 rsp_len);
		}
		ASSERT_EQ(0, tandem_back_ring_unanswered(&self->back));
		ASSERT_EQ(0, tandem_front_ring_pending(&self->front));
		tandem_back_ring_push(&self->back);

		ASSERT_EQ((int)batch, tandem_front_ring_pending(&self->front));
		for (i = 0; i < batch; i++, done++) {
			pattern(self->msg, rsp_len, ~done);
			tandem_front_ring_read(&self->front, self->got, 0,
					       rsp_len);
			ASSERT_EQ(0, memcmp(self->msg, self->got, rsp_len));
			tandem_front_ring_next(&self->front);
		}
		ASSERT_EQ(size, tandem_front_ring_free(&self->front));
	}
	ASSERT_EQ(sent, done);
}

TEST_F(ring, all_messages_arrive_from_the_start)
{
	all_messages_arrive(_metadata, self, variant->rsp, 0);
}

TEST_F(ring, all_messages_arrive_over_the_wrap)
{
	all_messages_arrive(_metadata, self, variant->rsp, 0U - 3);
	all_messages_arrive(_metadata, self, variant->rsp, 0U - variant->slots);
	all_messages_arrive(_metadata, self, variant->rsp, 0x7ffffffe);
}

TEST_F(ring, any_part_of_a_message_can_be_read)
{
	u32 entry = variant->entry, i, off, len, shift;
	u8 *dst = self->got + 32;

	pattern(self->msg, entry, 7);
	write_requests(self, variant->slots);
	tandem_front_ring_push(&self->front);
	for (i = 0; i < min(variant->slots, 2U); i++) {
		for (off = 0; off <= entry; off += 4) {
			for (len = 0; off + len <= entry; len += 4) {
				shift = 1 + (off + len / 4) % 8;
				memset(self->got, stale, sizeof(self->got));
				tandem_back_ring_read(&self->back, dst + shift,
						      off, len);
				ASSERT_EQ(stale, dst[shift - 1]);
				ASSERT_EQ(stale, dst[shift + len]);
				ASSERT_EQ(0, memcmp(dst + shift,
						    self->msg + off, len));
			}
		}
		tandem_back_ring_next(&self->back);
	}
}

TEST_F(ring, any_length_of_a_message_can_be_written)
{
	u32 entry = variant->entry, len, i;
	u8 *slot;

	for (len = 4; len <= entry; len += 4) {
		memset(self->shared + 64, stale, variant->bytes - 64);
		slot = self->shared + 64 + (size_t)entry *
			(self->back.rsp_prod % variant->slots);
		/* Filled by the caller at an odd address on purpose. */
		pattern(self->msg + 1, len, len);
		take_requests(self, 1);
		tandem_back_ring_respond(&self->back, self->msg + 1, len);
		ASSERT_EQ(0, memcmp(self->msg + 1, slot, len));
		for (i = len; i < entry; i++)
			ASSERT_EQ(stale, slot[i]);
		if (slot != self->shared + 64)
			ASSERT_EQ(stale, slot[-1]);
	}
}

TEST_F(ring, request_producer_ahead_by_up_to_the_size_is_taken)
{
	u32 n;

	for (n = 0; n <= variant->slots; n++) {
		put(&self->sring->req_prod, n);
		ASSERT_EQ((int)n, tandem_back_ring_pending(&self->back));
	}
}

TEST_F(ring, absurd_request_producer_is_an_error)
{
	const u32 starts[] = { 0, 5, 0x7fffffff, 0x80000000, 0U - 1, 0U - 40 };
	u32 s = variant->slots, i, j;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		const u32 ahead[] = {
			s + 1, s + 2, 2 * s, 2 * s + 1, 0x7fffffff, 0x80000000,
			0x80000001, 0U - s - 1, 0U - s, 0U - 2, 0U - 1,
		};

		for (j = 0; j < ARRAY_SIZE(ahead); j++) {
			struct tandem_back_ring before;

			/* With one slot, twice the size may be allowed. */
			if (ahead[j] <= s)
				continue;
			seek(self, starts[i]);
			before = self->back;
			put(&self->sring->req_prod, starts[i] + ahead[j]);
			ASSERT_EQ(-EPROTO, tandem_back_ring_pending(&self->back));
			ASSERT_TRUE(tandem_back_ring_arm(&self->back, 1));
			ASSERT_EQ(-EPROTO, tandem_back_ring_pending(&self->back));
			ASSERT_EQ(0, memcmp(&before, &self->back,
					    sizeof(before)));
		}
	}
}

TEST_F(ring, request_producer_may_not_move_backwards)
{
	u32 s = variant->slots, n;

	write_requests(self, s);
	tandem_front_ring_push(&self->front);
	ASSERT_EQ((int)s, tandem_back_ring_pending(&self->back));
	take_requests(self, s);
	ASSERT_EQ(0, tandem_back_ring_pending(&self->back));
	for (n = 1; n <= s; n++) {
		put(&self->sring->req_prod, s - n);
		ASSERT_EQ(-EPROTO, tandem_back_ring_pending(&self->back));
	}
}

/*
 * Every legal state of a backend and every producer near it, against the chain
 * of inequalities in ring.h, computed without wrapping.
 */
TEST_F(ring, pending_requests_match_the_rule_in_every_state)
{
	s64 size = variant->slots, base = (1LL << 32) - 2;
	s64 unpushed, unanswered, ahead, pushed, cons, prod;
	int expect;

	if (size > 32)
		return; /* the small rings cover it */
	for (unpushed = 0; unpushed <= size; unpushed++)
		for (unanswered = 0; unpushed + unanswered <= size; unanswered++)
			for (ahead = -2 * size - 2; ahead <= 2 * size + 2; ahead++) {
				pushed = base;
				cons = pushed + unpushed + unanswered;
				prod = cons + ahead;
				self->back.rsp_pushed = pushed;
				self->back.rsp_prod = pushed + unpushed;
				self->back.req_cons = cons;
				put(&self->sring->req_prod, prod);
				expect = -EPROTO;
				if (cons <= prod && prod <= pushed + size)
					expect = prod - cons;
				ASSERT_EQ(expect,
					  tandem_back_ring_pending(&self->back));
			}
}

/* The slot of a response that is not published yet is not free. */
TEST_F(ring, unpublished_response_gives_no_room)
{
	u32 s = variant->slots;

	write_requests(self, s);
	tandem_front_ring_push(&self->front);
	take_requests(self, s);
	write_responses(self, s);
	put(&self->sring->req_prod, s + 1);
	EXPECT_EQ(-EPROTO, tandem_back_ring_pending(&self->back));
	tandem_back_ring_push(&self->back);
	EXPECT_EQ(1, tandem_back_ring_pending(&self->back));
}

TEST_F(ring, absurd_response_producer_is_an_error)
{
	u32 s = variant->slots, sent, n;
	struct tandem_front_ring before;

	for (sent = 0; sent <= min(s, 32U); sent++) {
		seek(self, 0U - 2);
		write_requests(self, sent);
		tandem_front_ring_push(&self->front);
		before = self->front;
		for (n = 0; n <= 2 * s; n++) {
			put(&self->sring->rsp_prod, n - 2);
			ASSERT_EQ(n <= sent ? (int)n : -EPROTO,
				  tandem_front_ring_pending(&self->front));
		}
		for (n = 1; n <= 2 * s; n++) {
			put(&self->sring->rsp_prod, 0U - 2 - n);
			ASSERT_EQ(-EPROTO,
				  tandem_front_ring_pending(&self->front));
			ASSERT_TRUE(tandem_front_ring_arm(&self->front, 1));
		}
		put(&self->sring->rsp_prod, 0x7ffffffd);
		ASSERT_EQ(-EPROTO, tandem_front_ring_pending(&self->front));
		put(&self->sring->rsp_prod, 0x7ffffffe);
		ASSERT_EQ(-EPROTO, tandem_front_ring_pending(&self->front));
		ASSERT_EQ(0, memcmp(&before, &self->front, sizeof(before)));
	}
}

TEST_F(ring, response_to_an_unpublished_request_is_an_error)
{
	write_requests(self, 1);
	put(&self->sring->rsp_prod, 1);
	EXPECT_EQ(-EPROTO, tandem_front_ring_pending(&self->front));
	tandem_front_ring_push(&self->front);
	EXPECT_EQ(1, tandem_front_ring_pending(&self->front));
}

/* Does one of the messages old + 1 .. old + n have the number @event? */
static bool event_in_batch(u32 old, u32 n, u32 event)
{
	while (n--)
		if (++old == event)
			return true;
	return false;
}

TEST_F(ring, request_push_notifies_when_the_event_is_crossed)
{
	const u32 starts[] = { 0, 0U - 1, 0U - 3, 0x7ffffffe };
	const s64 far[] = { 1LL << 30, (1LL << 31) - 1, 1LL << 31, -(1LL << 30) };
	u32 i, n, event;
	size_t k;
	s64 d;

	for (i = 0; i < ARRAY_SIZE(starts); i++)
		for (n = 1; n <= min(variant->slots, 9U); n++) {
			for (d = -12; d <= 12; d++) {
				seek(self, starts[i]);
				event = starts[i] + d;
				put(&self->sring->req_event, event);
				write_requests(self, n);
				ASSERT_EQ(event_in_batch(starts[i], n, event),
					  tandem_front_ring_push(&self->front));
			}
			for (k = 0; k < ARRAY_SIZE(far); k++) {
				seek(self, starts[i]);
				put(&self->sring->req_event, starts[i] + far[k]);
				write_requests(self, n);
				ASSERT_FALSE(tandem_front_ring_push(&self->front));
			}
		}
}

TEST_F(ring, response_push_notifies_when_the_event_is_crossed)
{
	const u32 starts[] = { 0, 0U - 1, 0U - 3, 0x7ffffffe };
	u32 i, n, event;
	s64 d;

	for (i = 0; i < ARRAY_SIZE(starts); i++)
		for (n = 1; n <= min(variant->slots, 9U); n++)
			for (d = -12; d <= 12; d++) {
				seek(self, starts[i]);
				event = starts[i] + d;
				put(&self->sring->rsp_event, event);
				take_requests(self, n);
				write_responses(self, n);
				ASSERT_EQ(event_in_batch(starts[i], n, event),
					  tandem_back_ring_push(&self->back));
			}
}

TEST_F(ring, push_of_nothing_is_silent)
{
	put(&self->sring->req_prod, 77);
	put(&self->sring->req_event, 0);
	EXPECT_FALSE(tandem_front_ring_push(&self->front));
	EXPECT_EQ(77, get(&self->sring->req_prod));

	put(&self->sring->rsp_prod, 78);
	put(&self->sring->rsp_event, 0);
	EXPECT_FALSE(tandem_back_ring_push(&self->back));
	EXPECT_EQ(78, get(&self->sring->rsp_prod));
}

/* A peer that rewrites our producer changes neither what we publish nor when. */
TEST_F(ring, own_producer_is_never_read_back)
{
	write_requests(self, 1);
	put(&self->sring->req_prod, 0x12345678);
	put(&self->sring->req_event, 1);
	EXPECT_TRUE(tandem_front_ring_push(&self->front));
	EXPECT_EQ(1, get(&self->sring->req_prod));

	take_requests(self, 1);
	write_responses(self, 1);
	put(&self->sring->rsp_prod, 0x12345678);
	put(&self->sring->rsp_event, 1);
	EXPECT_TRUE(tandem_back_ring_push(&self->back));
	EXPECT_EQ(1, get(&self->sring->rsp_prod));
	EXPECT_EQ(1, tandem_front_ring_pending(&self->front));
}

TEST_F(ring, written_is_not_published_before_the_push)
{
	write_requests(self, 1);
	EXPECT_EQ(0, get(&self->sring->req_prod));
	EXPECT_EQ(0, tandem_back_ring_pending(&self->back));
	tandem_front_ring_push(&self->front);
	take_requests(self, 1);
	write_responses(self, 1);
	EXPECT_EQ(0, get(&self->sring->rsp_prod));
	EXPECT_EQ(0, tandem_front_ring_pending(&self->front));
}

TEST_F(ring, arm_sets_the_event_and_looks)
{
	u32 ahead, start = 0U - 2;

	for (ahead = 1; ahead <= variant->slots; ahead++) {
		seek(self, start);
		ASSERT_FALSE(tandem_back_ring_arm(&self->back, ahead));
		ASSERT_EQ(start + ahead, get(&self->sring->req_event));
		ASSERT_FALSE(tandem_front_ring_arm(&self->front, ahead));
		ASSERT_EQ(start + ahead, get(&self->sring->rsp_event));
	}
	seek(self, start);
	write_requests(self, 1);
	EXPECT_FALSE(tandem_back_ring_arm(&self->back, 1));
	tandem_front_ring_push(&self->front);
	EXPECT_TRUE(tandem_back_ring_arm(&self->back, 1));
	take_requests(self, 1);
	EXPECT_FALSE(tandem_back_ring_arm(&self->back, 1));
	write_responses(self, 1);
	EXPECT_FALSE(tandem_front_ring_arm(&self->front, 1));
	tandem_back_ring_push(&self->back);
	EXPECT_TRUE(tandem_front_ring_arm(&self->front, 1));
}

TEST_F(ring, moderation_gives_one_event_for_a_batch)
{
	u32 ahead = variant->slots, i, events = 0;

	ASSERT_FALSE(tandem_back_ring_arm(&self->back, ahead));
	for (i = 1; i <= ahead; i++) {
		write_requests(self, 1);
		events += tandem_front_ring_push(&self->front);
		ASSERT_EQ(i == ahead, events);
	}
	take_requests(self, ahead);
	ASSERT_FALSE(tandem_front_ring_arm(&self->front, ahead));
	for (i = 1, events = 0; i <= ahead; i++) {
		write_responses(self, 1);
		events += tandem_back_ring_push(&self->back);
		ASSERT_EQ(i == ahead, events);
	}
}

TEST_F(ring, response_without_a_request_is_refused)
{
	u8 copy[64];

	tandem_shim_warn_ok = 1;
	memcpy(copy, self->shared, sizeof(copy));
	write_responses(self, 1);
	EXPECT_EQ(1, tandem_shim_warnings);
	EXPECT_EQ(0, self->back.rsp_prod);
	EXPECT_EQ(stale, self->shared[64]);

	write_requests(self, 1);
	tandem_front_ring_push(&self->front);
	write_responses(self, 1); /* published, but not taken yet */
	EXPECT_EQ(2, tandem_shim_warnings);
	EXPECT_EQ(0, self->back.rsp_prod);

	take_requests(self, 1);
	write_responses(self, 2);
	EXPECT_EQ(3, tandem_shim_warnings);
	EXPECT_EQ(1, self->back.rsp_prod);
}

/* Answers in another order still fill the slots of the oldest requests. */
TEST_F(ring, responses_go_into_taken_slots_only)
{
	u32 entry = variant->entry, s = variant->slots, i;

	if (s < 4)
		return;
	for (i = 0; i < s; i++) {
		pattern(self->msg, entry, i);
		tandem_front_ring_write(&self->front, self->msg, entry);
	}
	tandem_front_ring_push(&self->front);
	take_requests(self, 3);
	memset(self->msg, 0, sizeof(self->msg));
	write_responses(self, 3);
	tandem_back_ring_push(&self->back);
	for (i = 3; i < s; i++) {
		pattern(self->msg, entry, i);
		tandem_back_ring_read(&self->back, self->got, 0, entry);
		ASSERT_EQ(0, memcmp(self->msg, self->got, entry));
		tandem_back_ring_next(&self->back);
	}
}

TEST_F(ring, write_to_a_full_ring_is_refused)
{
	u8 before;

	write_requests(self, variant->slots);
	ASSERT_TRUE(tandem_front_ring_full(&self->front));
	ASSERT_EQ(0, tandem_front_ring_free(&self->front));
	tandem_shim_warn_ok = 1;
	before = self->shared[64];
	self->msg[0] = ~before;
	write_requests(self, 1);
	EXPECT_EQ(1, tandem_shim_warnings);
	EXPECT_EQ(variant->slots, self->front.req_prod);
	EXPECT_EQ(before, self->shared[64]);
}

TEST_F(ring, attach_resumes_at_the_last_response)
{
	u32 start = 0U - 3, s = variant->slots, n = min(s, 5U), i;
	struct tandem_back_ring again;
	u32 entry = variant->entry;

	seek(self, start);
	for (i = 0; i < n; i++) {
		pattern(self->msg, entry, i);
		tandem_front_ring_write(&self->front, self->msg, entry);
	}
	tandem_front_ring_push(&self->front);
	take_requests(self, n);
	if (n > 1) {
		write_responses(self, 1);
		tandem_back_ring_push(&self->back);
	}

	memset(&again, stale, sizeof(again));
	ASSERT_EQ(0, tandem_back_ring_attach(&again, self->shared,
					     variant->bytes, entry));
	EXPECT_EQ(0, tandem_back_ring_unanswered(&again));
	i = n > 1;
	ASSERT_EQ((int)(n - i), tandem_back_ring_pending(&again));
	for (; i < n; i++) {
		pattern(self->msg, entry, i);
		tandem_back_ring_read(&again, self->got, 0, entry);
		ASSERT_EQ(0, memcmp(self->msg, self->got, entry));
		tandem_back_ring_next(&again);
		tandem_back_ring_respond(&again, self->msg, variant->rsp);
	}
	tandem_back_ring_push(&again);
	EXPECT_EQ((int)n, tandem_front_ring_pending(&self->front));
}

TEST_F(ring, attach_refuses_an_impossible_ring)
{
	const u32 starts[] = { 0, 1, 0x7fffffff, 0U - 1 };
	struct tandem_back_ring again;
	u32 s = variant->slots, i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		const struct {
			u32 ahead;
			int ret;
		} row[] = {
			{ 0, 0 }, { s, 0 }, { s + 1, -EPROTO },
			{ 0x7fffffff, -EPROTO }, { 0x80000000, -EPROTO },
			{ 0U - 1, -EPROTO }, { 0U - s, -EPROTO },
		};
		size_t k;

		for (k = 0; k < ARRAY_SIZE(row); k++) {
			put(&self->sring->rsp_prod, starts[i]);
			put(&self->sring->req_prod, starts[i] + row[k].ahead);
			ASSERT_EQ(row[k].ret,
				  tandem_back_ring_attach(&again, self->shared,
							  variant->bytes,
							  variant->entry));
		}
	}
	EXPECT_EQ(-EINVAL, tandem_back_ring_attach(&again, self->shared, 64,
						   variant->entry));
}

TEST_F(ring, without_a_slot_the_ring_is_inert)
{
	tandem_shim_warn_ok = 1;
	tandem_front_ring_init(&self->front, self->shared, 64, variant->entry);
	tandem_back_ring_init(&self->back, self->shared, 64, variant->entry);
	EXPECT_EQ(0, tandem_front_ring_free(&self->front));
	EXPECT_TRUE(tandem_front_ring_full(&self->front));
	write_requests(self, 1);
	EXPECT_FALSE(tandem_front_ring_push(&self->front));
	EXPECT_EQ(0, tandem_back_ring_pending(&self->back));
	put(&self->sring->req_prod, 1);
	put(&self->sring->rsp_prod, 1);
	EXPECT_EQ(-EPROTO, tandem_back_ring_pending(&self->back));
	EXPECT_EQ(-EPROTO, tandem_front_ring_pending(&self->front));
	write_responses(self, 1);
	EXPECT_FALSE(tandem_back_ring_push(&self->back));
	EXPECT_EQ(stale, self->shared[64]);
}

TEST_F(ring, view_shows_the_shared_indices)
{
	struct tandem_ring_view view;

	put(&self->sring->req_prod, 0xfffffffe);
	put(&self->sring->req_event, 2);
	put(&self->sring->rsp_prod, 3);
	put(&self->sring->rsp_event, 4);
	tandem_sring_view(self->sring, &view);
	EXPECT_EQ(0xfffffffe, view.req_prod);
	EXPECT_EQ(2, view.req_event);
	EXPECT_EQ(3, view.rsp_prod);
	EXPECT_EQ(4, view.rsp_event);
}

#define EXPECT_CHECKED(n) do {						\
	u##n top = (u##n)~0ULL, out = 42;				\
									\
	EXPECT_TRUE(tandem_peer##n##_max(tandem_peer##n(0), 0, &out));	\
	EXPECT_EQ(0, out);						\
	EXPECT_TRUE(tandem_peer##n##_max(tandem_peer##n(11), 11, &out));\
	EXPECT_EQ(11, out);						\
	EXPECT_FALSE(tandem_peer##n##_max(tandem_peer##n(12), 11, &out));\
	EXPECT_FALSE(tandem_peer##n##_max(tandem_peer##n(top), top - 1,	\
					  &out));			\
	EXPECT_EQ(11, out);						\
	EXPECT_TRUE(tandem_peer##n##_max(tandem_peer##n(top), top, &out));\
	EXPECT_EQ(top, out);						\
	EXPECT_EQ(top, tandem_peer##n##_raw(tandem_peer##n(top)));	\
	EXPECT_EQ(sizeof(u##n), sizeof(tandem_peer##n));		\
} while (0)

TEST(peer_values_leave_only_through_a_check)
{
	EXPECT_CHECKED(8);
	EXPECT_CHECKED(16);
	EXPECT_CHECKED(32);
	EXPECT_CHECKED(64);
}

TEST_HARNESS_MAIN
