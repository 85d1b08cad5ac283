// SPDX-License-Identifier: GPL-2.0-only
/*
 * common/ring: which accesses to shared memory are made, how often and in which
 * order. What goes wrong here is a second look at a value that the peer may
 * have changed, or a barrier in the wrong place.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "kselftest_harness.h"

#include "common/ring/ring.h"

static u8 page[4096] __aligned(8);

FIXTURE(access) {
	struct tandem_front_ring front;
	struct tandem_back_ring back;
	u8 expect[128];
	u8 got[128];
};

FIXTURE_VARIANT(access) {
	u32 entry;
};

FIXTURE_VARIANT_ADD(access, native) {
	.entry = 112,
};

FIXTURE_VARIANT_ADD(access, x86_32) {
	.entry = 108,
};

FIXTURE_SETUP(access)
{
	size_t i;

	fetch_base = page;
	tandem_front_ring_init(&self->front, page, sizeof(page), variant->entry);
	tandem_back_ring_init(&self->back, page, sizeof(page), variant->entry);
	for (i = 64; i < sizeof(page); i++)
		page[i] = (u8)(i * 31 + (i >> 8));
	memset(fetch_trace, 0, sizeof(fetch_trace));
	fetch_steps = 0;
}

FIXTURE_TEARDOWN(access)
{
}

/* The slots of the first two indices differ in alignment if entries are odd. */
TEST_F(access, each_byte_is_fetched_once)
{
	u32 slot, off, len, i, at;

	for (slot = 0; slot < 2; slot++)
		for (off = 0; off <= variant->entry; off += 4)
			for (len = 0; off + len <= variant->entry; len += 4) {
				memset(fetch_count, 0, sizeof(fetch_count));
				self->back.req_cons = slot;
				at = 64 + slot * variant->entry + off;
				memcpy(self->expect, page + at, len);
				tandem_back_ring_read(&self->back, self->got,
						      off, len);
				ASSERT_EQ(0, memcmp(self->expect, self->got,
						    len));
				for (i = 0; i < sizeof(page); i++)
					ASSERT_EQ(i >= at && i < at + len,
						  fetch_count[i]);
			}
	EXPECT_FALSE(fetch_misaligned);
	EXPECT_STREQ("", fetch_trace);
}

TEST_F(access, each_byte_is_stored_once)
{
	u32 slot, len, i, at;

	for (slot = 0; slot < 2; slot++)
		for (len = 4; len <= variant->entry; len += 4) {
			memset(store_count, 0, sizeof(store_count));
			self->back.rsp_prod = slot;
			self->back.req_cons = slot + 1;
			at = 64 + slot * variant->entry;
			tandem_back_ring_respond(&self->back, self->expect, len);
			for (i = 0; i < sizeof(page); i++)
				ASSERT_EQ(i >= at && i < at + len,
					  store_count[i]);
		}
	EXPECT_FALSE(fetch_misaligned);
}

TEST_F(access, pending_is_one_acquire)
{
	tandem_back_ring_pending(&self->back);
	EXPECT_STREQ("A", fetch_trace);
	tandem_front_ring_pending(&self->front);
	EXPECT_STREQ("AA", fetch_trace);
}

TEST_F(access, push_publishes_then_looks)
{
	tandem_front_ring_write(&self->front, self->expect, variant->entry);
	EXPECT_STREQ("", fetch_trace);
	tandem_front_ring_push(&self->front);
	EXPECT_STREQ("RMl", fetch_trace);
	tandem_back_ring_next(&self->back);
	tandem_back_ring_respond(&self->back, self->expect, 16);
	EXPECT_STREQ("RMl", fetch_trace);
	tandem_back_ring_push(&self->back);
	EXPECT_STREQ("RMlRMl", fetch_trace);
}

TEST_F(access, push_of_nothing_touches_nothing)
{
	tandem_front_ring_push(&self->front);
	tandem_back_ring_push(&self->back);
	EXPECT_STREQ("", fetch_trace);
}

TEST_F(access, arm_announces_then_looks)
{
	tandem_back_ring_arm(&self->back, 1);
	EXPECT_STREQ("sMl", fetch_trace);
	tandem_front_ring_arm(&self->front, 1);
	EXPECT_STREQ("sMlsMl", fetch_trace);
}

TEST_F(access, attach_looks_once_at_each_producer)
{
	tandem_back_ring_attach(&self->back, page, sizeof(page), variant->entry);
	EXPECT_STREQ("ll", fetch_trace);
}

TEST_HARNESS_MAIN
