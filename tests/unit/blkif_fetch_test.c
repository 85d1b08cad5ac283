// SPDX-License-Identifier: GPL-2.0-only
/*
 * blkif: which bytes of a request are looked at, under a peer that changes each
 * word as soon as it was read. A second look at anything would see the change.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "kselftest_harness.h"

#include "blkif/decode.c"

static u8 page[4096] __aligned(8);

FIXTURE(fetch) {
	struct tandem_back_ring ring;
	struct tandem_blkif_limits lim;
	struct tandem_blkif_msg msg;
	enum tandem_blkif_why why;
};

FIXTURE_VARIANT(fetch) {
	enum tandem_blkif_abi abi;
	u32 entry, head, gref;
};

FIXTURE_VARIANT_ADD(fetch, x86_64) {
	.abi = TANDEM_BLKIF_X86_64, .entry = 112, .head = 24, .gref = 28,
};

FIXTURE_VARIANT_ADD(fetch, x86_32) {
	.abi = TANDEM_BLKIF_X86_32, .entry = 108, .head = 20, .gref = 24,
};

FIXTURE_SETUP(fetch)
{
	fetch_base = page;
	memset(fetch_count, 0, sizeof(fetch_count));
	memset(store_count, 0, sizeof(store_count));
	memset(page, 0, sizeof(page));
	tandem_back_ring_init(&self->ring, page, sizeof(page), variant->entry);
	self->lim = (struct tandem_blkif_limits){
		.sectors = 2048, .sector_size = 512, .max_indirect_segs = 4096,
		.flush = true, .barrier = true, .discard = true, .secure = true,
	};
}

FIXTURE_TEARDOWN(fetch)
{
}

/* Exactly the bytes of [from, to) of the slot, once each, and none written. */
static bool fetched(unsigned int from, unsigned int to, unsigned int from2,
		    unsigned int to2)
{
	unsigned int i, at;

	for (i = 0; i < sizeof(page); i++) {
		at = i - 64;
		if (fetch_count[i] != ((at >= from && at < to) ||
				       (at >= from2 && at < to2)))
			return false;
		if (store_count[i])
			return false;
	}
	return !fetch_misaligned;
}

TEST_F(fetch, as_many_segments_as_announced)
{
	unsigned int nr, i;

	for (nr = 1; nr <= 11; nr++) {
		memset(page, 0, sizeof(page));
		memset(fetch_count, 0, sizeof(fetch_count));
		page[65] = nr;
		for (i = 0; i < 11; i++)
			page[64 + variant->head + 8 * i + 5] = 7;
		ASSERT_EQ(0, tandem_blkif_take(&self->ring, variant->abi,
					       &self->lim, &self->msg, &self->why));
		EXPECT_EQ(nr, self->msg.nr_segs);
		EXPECT_EQ(8 * nr, self->msg.nr_sectors);
		EXPECT_TRUE(fetched(0, variant->head + 8 * nr, 0, 0));
	}
}

TEST_F(fetch, nothing_but_the_head_of_a_refused_request)
{
	page[65] = 255;
	EXPECT_EQ(-1, tandem_blkif_take(&self->ring, variant->abi, &self->lim,
					&self->msg, &self->why));
	EXPECT_TRUE(fetched(0, variant->head, 0, 0));
}

TEST_F(fetch, flush_is_only_a_head)
{
	page[64] = TANDEM_BLKIF_OP_FLUSH;
	EXPECT_EQ(0, tandem_blkif_take(&self->ring, variant->abi, &self->lim,
				       &self->msg, &self->why));
	EXPECT_TRUE(fetched(0, variant->head, 0, 0));
}

TEST_F(fetch, discard_has_a_length)
{
	page[64] = TANDEM_BLKIF_OP_DISCARD;
	page[64 + variant->head] = 8;
	EXPECT_EQ(0, tandem_blkif_take(&self->ring, variant->abi, &self->lim,
				       &self->msg, &self->why));
	EXPECT_EQ(8, self->msg.nr_sectors);
	EXPECT_TRUE(fetched(0, variant->head + 8, 0, 0));
}

TEST_F(fetch, as_many_grants_as_needed)
{
	u16 nr;

	for (nr = 1; nr <= 4096; nr++) {
		unsigned int pages = (nr + 511) / 512;

		memset(page, 0, sizeof(page));
		memset(fetch_count, 0, sizeof(fetch_count));
		page[64] = TANDEM_BLKIF_OP_INDIRECT;
		memcpy(page + 66, &nr, 2);
		ASSERT_EQ(0, tandem_blkif_take(&self->ring, variant->abi,
					       &self->lim, &self->msg, &self->why));
		ASSERT_EQ(nr, self->msg.nr_segs);
		ASSERT_EQ(pages, self->msg.nr_indirect);
		ASSERT_TRUE(fetched(0, variant->head, variant->gref,
				    variant->gref + 4 * pages));
	}
}

TEST_F(fetch, indirect_page)
{
	struct tandem_blkif_seg out[512];
	u64 nr_sectors = 0;
	unsigned int i;

	for (i = 0; i < 512; i++) {
		page[8 * i] = i;
		page[8 * i + 4] = 1;
		page[8 * i + 5] = 3;
	}
	ASSERT_EQ(0, tandem_blkif_take_indirect(page, 511, &self->lim, out,
						&nr_sectors, &self->why));
	EXPECT_EQ(511 * 3, nr_sectors);
	for (i = 0; i < 511; i++)
		EXPECT_EQ(i & 255, out[i].gref);
	for (i = 0; i < sizeof(page); i++)
		EXPECT_EQ(i < 511 * 8, fetch_count[i]);
	EXPECT_TRUE(mem_is_zero(store_count, sizeof(store_count)));
}

TEST_HARNESS_MAIN
