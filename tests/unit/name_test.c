// SPDX-License-Identifier: GPL-2.0-only
/*
 * frontend/blk/name: virtual device numbers, and the names that disks get.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <stdlib.h>

#include "kselftest_harness.h"

#include "frontend/blk/name.h"

#define EXTENDED	(1U << 28)
#define MAJOR_MINOR(major, minor)	((major) << 8 | (minor))

static const char *name_of(u32 number)
{
	static char name[BLKFRONT_NAME_SIZE];
	struct blkfront_vdev vdev;

	if (!tandem_blkfront_vdev(number, &vdev))
		return "";
	tandem_blkfront_name(&vdev, name);
	return name;
}

struct row {
	u32 number;
	const char *name;
};

static void check_rows(struct __test_metadata *_metadata,
		       const struct row *row, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		EXPECT_STREQ(row[i].name, name_of(row[i].number)) {
			TH_LOG("number %u", row[i].number);
		}
	}
}

#define CHECK(rows)	check_rows(_metadata, rows, ARRAY_SIZE(rows))

TEST(xvd)
{
	static const struct row rows[] = {
		{ 51712, "xvda" }, { 51713, "xvda1" }, { 51727, "xvda15" },
		{ 51728, "xvdb" }, { MAJOR_MINOR(202, 240), "xvdp" },
		{ MAJOR_MINOR(202, 255), "xvdp15" },
	};

	CHECK(rows);
}

TEST(sd)
{
	static const struct row rows[] = {
		{ 2048, "sda" }, { 2049, "sda1" }, { 2063, "sda15" },
		{ 2064, "sdb" }, { MAJOR_MINOR(8, 255), "sdp15" },
		{ MAJOR_MINOR(65, 0), "sdq" }, { MAJOR_MINOR(65, 160), "sdaa" },
		{ MAJOR_MINOR(65, 161), "sdaa1" },
		{ MAJOR_MINOR(71, 240), "sddx" },
		{ MAJOR_MINOR(71, 255), "sddx15" },
		{ MAJOR_MINOR(128, 0), "sddy" }, { MAJOR_MINOR(129, 16), "sdep" },
		{ MAJOR_MINOR(135, 240), "sdiv" },
		{ MAJOR_MINOR(135, 255), "sdiv15" },
	};

	CHECK(rows);
}

TEST(hd)
{
	static const struct row rows[] = {
		{ 768, "hda" }, { 769, "hda1" }, { 773, "hda5" },
		{ 831, "hda63" }, { 832, "hdb" }, { 895, "hdb63" },
		{ MAJOR_MINOR(22, 0), "hdc" }, { MAJOR_MINOR(22, 64), "hdd" },
		{ MAJOR_MINOR(33, 0), "hde" }, { MAJOR_MINOR(34, 65), "hdh1" },
		{ MAJOR_MINOR(56, 0), "hdi" }, { MAJOR_MINOR(57, 64), "hdl" },
		{ MAJOR_MINOR(88, 0), "hdm" }, { MAJOR_MINOR(91, 127), "hdt63" },
	};

	CHECK(rows);
}

/* With 8 bits of partition, and more disks than there are letters. */
TEST(extended)
{
	static const struct row rows[] = {
		{ EXTENDED, "xvda" }, { EXTENDED | 1, "xvda1" },
		{ EXTENDED | 255, "xvda255" }, { EXTENDED | 16 << 8, "xvdq" },
		{ EXTENDED | 25 << 8, "xvdz" }, { EXTENDED | 26 << 8, "xvdaa" },
		{ EXTENDED | 26 << 8 | 3, "xvdaa3" },
		{ EXTENDED | 51 << 8, "xvdaz" }, { EXTENDED | 52 << 8, "xvdba" },
		{ EXTENDED | 701 << 8, "xvdzz" },
		{ EXTENDED | 702 << 8, "xvdaaa" },
		{ EXTENDED | 18277 << 8, "xvdzzz" },
		{ EXTENDED | 18278 << 8, "xvdaaaa" },
		/* The largest there is, which must fit as well. */
		{ EXTENDED | 0xfffff << 8 | 255, "xvdbgqcv255" },
	};

	CHECK(rows);
}

TEST(junk)
{
	static const u32 number[] = {
		0, 1, 255, 256, 511, 767,
		MAJOR_MINOR(3, 128), MAJOR_MINOR(3, 255),
		MAJOR_MINOR(22, 128), MAJOR_MINOR(34, 200), MAJOR_MINOR(57, 255),
		MAJOR_MINOR(91, 128),
		MAJOR_MINOR(2, 0), MAJOR_MINOR(4, 0), MAJOR_MINOR(7, 0),
		MAJOR_MINOR(9, 0), MAJOR_MINOR(64, 0), MAJOR_MINOR(72, 0),
		MAJOR_MINOR(127, 0), MAJOR_MINOR(136, 0), MAJOR_MINOR(201, 0),
		MAJOR_MINOR(203, 0), MAJOR_MINOR(253, 0), 65536 + 2049,
		EXTENDED - 1, 2 * EXTENDED, 2 * EXTENDED | 51712,
		3 * EXTENDED, 3 * EXTENDED | 1, 5 * EXTENDED, 1U << 31, U32_MAX,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(number); i++) {
		EXPECT_STREQ("", name_of(number[i])) {
			TH_LOG("number %u", number[i]);
		}
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Every number that means something has a name of its own. */
TEST(no_two_alike)
{
	static char seen[256 * 256][BLKFRONT_NAME_SIZE];
	unsigned int nr = 0, number, i;

	for (number = 0; number < 256 * 256; number++)
		if (*name_of(number))
			strcpy(seen[nr++], name_of(number));
	EXPECT_EQ(256 * (1 + 1 + 7 + 8) + 128 * (1 + 1 + 2 + 2 + 4), nr);
	qsort(seen, nr, sizeof(seen[0]), compare);
	for (i = 1; i < nr; i++)
		EXPECT_STRNE(seen[i - 1], seen[i]);
}

TEST_HARNESS_MAIN
