// SPDX-License-Identifier: GPL-2.0-only
/*
 * backend/blk/owner: which machine may have a disk beside which other.
 */
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

static int claim(struct blkback_owner *owner, const struct blkback_owned *what,
		 enum blkback_access access)
{
	char holder[64];

	return blkback_owner_claim(owner, what, access, holder, sizeof(holder));
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
	int err;

	for (new = BLKBACK_READS; new <= BLKBACK_SHARES; new++) {
		for (old = BLKBACK_READS; old <= BLKBACK_SHARES; old++) {
			ASSERT_EQ(0, claim(self->a, &file, old));
			ASSERT_EQ(0, claim(self->a, &file, new));
			blkback_owner_release(self->a, &file, new);
			err = claim(self->b, &file, new);
			EXPECT_EQ(beside[new][old], err) {
				TH_LOG("%d beside %d", new, old);
			}
			if (!err)
				blkback_owner_release(self->b, &file, new);
			blkback_owner_release(self->a, &file, old);
		}
	}
	ASSERT_EQ(0, claim(self->b, &file, BLKBACK_WRITES));
	blkback_owner_release(self->b, &file, BLKBACK_WRITES);
}

TEST_F(two, holder)
{
	char holder[64] = "";

	ASSERT_EQ(0, claim(self->a, &file, BLKBACK_SHARES));
	EXPECT_EQ(-EBUSY, blkback_owner_claim(self->b, &file, BLKBACK_WRITES,
					      holder, sizeof(holder)));
	EXPECT_STREQ("domain 1 (a)", holder);
	blkback_owner_release(self->a, &file, BLKBACK_SHARES);
}

TEST_F(two, partitions)
{
	ASSERT_EQ(0, claim(self->a, &first, BLKBACK_WRITES));
	EXPECT_EQ(-EBUSY, claim(self->b, &first, BLKBACK_READS));
	EXPECT_EQ(-EBUSY, claim(self->b, &whole, BLKBACK_READS));
	EXPECT_EQ(0, claim(self->b, &second, BLKBACK_WRITES));
	EXPECT_EQ(-EBUSY, claim(self->a, &whole, BLKBACK_WRITES));
	blkback_owner_release(self->b, &second, BLKBACK_WRITES);
	blkback_owner_release(self->a, &first, BLKBACK_WRITES);
	EXPECT_EQ(0, claim(self->b, &whole, BLKBACK_WRITES));
	EXPECT_EQ(-EBUSY, claim(self->a, &second, BLKBACK_READS));
	blkback_owner_release(self->b, &whole, BLKBACK_WRITES);
}

/* A reboot or migration has two domains of one machine. */
TEST_F(two, successor)
{
	struct blkback_owner *again = blkback_owner_get("a", 7);

	EXPECT_EQ(self->a, again);
	blkback_owner_put(again);
}

/* While I/O outlives its disk, nobody is of that machine; afterwards all is as it was. */
TEST_F(two, orphan)
{
	struct blkback_owner *again;

	ASSERT_EQ(0, claim(self->a, &file, BLKBACK_WRITES));
	blkback_owner_retire(self->a);
	blkback_owner_retire(self->a);
	again = blkback_owner_get("a", 7);
	EXPECT_NE(self->a, again);
	EXPECT_EQ(-EBUSY, claim(again, &file, BLKBACK_WRITES));
	blkback_owner_put(again);
	blkback_owner_return(self->a);
	again = blkback_owner_get("a", 7);
	EXPECT_NE(self->a, again);
	blkback_owner_put(again);
	blkback_owner_return(self->a);
	again = blkback_owner_get("a", 7);
	EXPECT_EQ(self->a, again);
	EXPECT_EQ(0, claim(again, &file, BLKBACK_WRITES));
	blkback_owner_release(again, &file, BLKBACK_WRITES);
	blkback_owner_release(self->a, &file, BLKBACK_WRITES);
	blkback_owner_put(again);
}

TEST_HARNESS_MAIN
