// SPDX-License-Identifier: GPL-2.0-only
/*
 * backend/blk/owner: which machine may have a disk beside which other.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <stdlib.h>

#include "kselftest_harness.h"

#include "backend/blk/owner.h"

/* Two disks; the second one has two partitions. */
static const char disk[2], part[2];

static const struct blkback_owned file = { .it = &disk[0] };
static const struct blkback_owned whole = { .it = &disk[1], .whole = &disk[1] };
static const struct blkback_owned first = { .it = &part[0], .whole = &disk[1] };
static const struct blkback_owned second = { .it = &part[1], .whole = &disk[1] };

static struct blkback_claim *claim(struct blkback_owner *owner,
				   const struct blkback_owned *what,
				   enum blkback_access access)
{
	char holder[64];

	return blkback_owner_claim(owner, what, access, holder, sizeof(holder));
}

/* Return: 0 if it may have it, and then does not any more; or the error. */
static int try(struct blkback_owner *owner, const struct blkback_owned *what,
	       enum blkback_access access)
{
	struct blkback_claim *it = claim(owner, what, access);

	if (IS_ERR(it))
		return PTR_ERR(it);
	blkback_claim_release(it);
	return 0;
}

FIXTURE(two)
{
	struct blkback_owner *a, *b;
};

FIXTURE_SETUP(two)
{
	self->a = blkback_owner_get("a", 1);
	self->b = blkback_owner_get("b", 2);
	ASSERT_TRUE(self->a && self->b && self->a != self->b);
}

FIXTURE_TEARDOWN(two)
{
	blkback_owner_put(self->a);
	blkback_owner_put(self->b);
}

/* As a newcomer finds what another machine has. */
static const int beside[3][3] = {
	[BLKBACK_READS] = { 0, -EBUSY, 0 },
	[BLKBACK_WRITES] = { -EBUSY, -EBUSY, -EBUSY },
	[BLKBACK_SHARES] = { 0, 0, 0 },
};

TEST_F(two, access)
{
	enum blkback_access new, old;
	struct blkback_claim *it;

	for (new = BLKBACK_READS; new <= BLKBACK_SHARES; new++) {
		for (old = BLKBACK_READS; old <= BLKBACK_SHARES; old++) {
			it = claim(self->a, &file, old);
			ASSERT_FALSE(IS_ERR(it));
			EXPECT_EQ(0, try(self->a, &file, new));
			EXPECT_EQ(beside[new][old], try(self->b, &file, new)) {
				TH_LOG("%d beside %d", new, old);
			}
			blkback_claim_release(it);
		}
	}
	EXPECT_EQ(0, try(self->b, &file, BLKBACK_WRITES));
}

TEST_F(two, holder)
{
	struct blkback_claim *it = claim(self->a, &file, BLKBACK_SHARES);
	char holder[64] = "";

	ASSERT_FALSE(IS_ERR(it));
	EXPECT_EQ(-EBUSY, PTR_ERR(blkback_owner_claim(self->b, &file,
						      BLKBACK_WRITES, holder,
						      sizeof(holder))));
	EXPECT_STREQ("domain 1 (a)", holder);
	blkback_claim_release(it);
}

TEST_F(two, partitions)
{
	struct blkback_claim *one = claim(self->a, &first, BLKBACK_WRITES);
	struct blkback_claim *two;

	ASSERT_FALSE(IS_ERR(one));
	EXPECT_EQ(-EBUSY, try(self->b, &first, BLKBACK_READS));
	EXPECT_EQ(-EBUSY, try(self->b, &whole, BLKBACK_READS));
	two = claim(self->b, &second, BLKBACK_WRITES);
	ASSERT_FALSE(IS_ERR(two));
	EXPECT_EQ(-EBUSY, try(self->a, &whole, BLKBACK_WRITES));
	blkback_claim_release(two);
	blkback_claim_release(one);
	two = claim(self->b, &whole, BLKBACK_WRITES);
	ASSERT_FALSE(IS_ERR(two));
	EXPECT_EQ(-EBUSY, try(self->a, &second, BLKBACK_READS));
	blkback_claim_release(two);
}

/* A reboot or migration has two domains of one machine. */
TEST_F(two, successor)
{
	struct blkback_owner *again = blkback_owner_get("a", 7);

	EXPECT_EQ(self->a, again);
	blkback_owner_put(again);
}

/* What I/O that outlives its disk may still write to, its own machine may not have. */
TEST_F(two, orphan)
{
	struct blkback_claim *old = claim(self->a, &first, BLKBACK_WRITES);
	struct blkback_claim *twin = claim(self->a, &first, BLKBACK_WRITES);
	struct blkback_owner *again;

	ASSERT_FALSE(IS_ERR(old) || IS_ERR(twin));
	blkback_claim_retire(old);
	again = blkback_owner_get("a", 7);
	EXPECT_EQ(self->a, again);
	EXPECT_EQ(-EBUSY, try(again, &first, BLKBACK_WRITES));
	EXPECT_EQ(-EBUSY, try(again, &whole, BLKBACK_READS));
	EXPECT_EQ(0, try(again, &second, BLKBACK_WRITES));
	EXPECT_EQ(0, try(again, &file, BLKBACK_WRITES));
	blkback_claim_release(old);
	EXPECT_EQ(0, try(again, &first, BLKBACK_WRITES));
	EXPECT_EQ(-EBUSY, try(self->b, &first, BLKBACK_READS));
	blkback_claim_release(twin);
	EXPECT_EQ(0, try(self->b, &first, BLKBACK_READS));
	blkback_owner_put(again);
}

/* What an earlier domain of the machine writes, and what of it the later one would see. */
TEST_F(two, rewrites)
{
	struct blkback_claim *old = claim(self->a, &first, BLKBACK_WRITES);
	struct blkback_claim *reads = claim(self->a, &second, BLKBACK_READS);
	struct blkback_claim *now = claim(self->a, &whole, BLKBACK_WRITES);
	struct blkback_claim *other = claim(self->a, &file, BLKBACK_WRITES);
	struct blkback_claim *shares = claim(self->b, &file, BLKBACK_SHARES);

	ASSERT_FALSE(IS_ERR(old) || IS_ERR(reads) || IS_ERR(now));
	ASSERT_FALSE(IS_ERR(other));
	EXPECT_TRUE(blkback_claim_rewrites(old, now));
	EXPECT_TRUE(blkback_claim_rewrites(now, reads));
	EXPECT_FALSE(blkback_claim_rewrites(reads, now));
	EXPECT_FALSE(blkback_claim_rewrites(old, reads));
	EXPECT_FALSE(blkback_claim_rewrites(other, now));
	blkback_claim_retire(old);
	EXPECT_TRUE(blkback_claim_rewrites(old, now));
	/* Another machine's, that was told to suffer it. */
	if (!IS_ERR(shares))
		EXPECT_FALSE(blkback_claim_rewrites(shares, other));
	blkback_claim_release(IS_ERR(shares) ? NULL : shares);
	blkback_claim_release(other);
	blkback_claim_release(now);
	blkback_claim_release(reads);
	blkback_claim_release(old);
}

/* Without a claim there is nothing to end. */
TEST(no_claim)
{
	blkback_claim_retire(NULL);
	blkback_claim_release(NULL);
}

TEST_HARNESS_MAIN
