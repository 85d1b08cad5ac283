// SPDX-License-Identifier: GPL-2.0-only
/*
 * blkif: layouts, decoding, building, responses.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <stdlib.h>
#include <xen/io/blkif.h>

#include "kselftest_harness.h"

/* Included, as what it warns of is counted per file. */
#include "blkif/build.c"

/* Our structs and Xen's own header agree, see blkif_layout.h. */
#define LAYOUT(ours, member, xen, xen_member, v64, v32)			\
	static_assert(offsetof(struct tandem_blkif_##ours##64, member) == (v64)); \
	static_assert(offsetof(struct tandem_blkif_##ours##32, member) == (v32));
#define SIZE(ours, xen, v64, v32)					\
	static_assert(sizeof(struct tandem_blkif_##ours##64) == (v64));	\
	static_assert(sizeof(struct tandem_blkif_##ours##32) == (v32));

#include "blkif_layout.h"

static_assert(TANDEM_BLKIF_OP_READ == BLKIF_OP_READ);
static_assert(TANDEM_BLKIF_OP_WRITE == BLKIF_OP_WRITE);
static_assert(TANDEM_BLKIF_OP_BARRIER == BLKIF_OP_WRITE_BARRIER);
static_assert(TANDEM_BLKIF_OP_FLUSH == BLKIF_OP_FLUSH_DISKCACHE);
static_assert(TANDEM_BLKIF_OP_RESERVED == BLKIF_OP_RESERVED_1);
static_assert(TANDEM_BLKIF_OP_DISCARD == BLKIF_OP_DISCARD);
static_assert(TANDEM_BLKIF_OP_INDIRECT == BLKIF_OP_INDIRECT);
static_assert(TANDEM_BLKIF_RSP_OKAY == BLKIF_RSP_OKAY);
static_assert(TANDEM_BLKIF_RSP_ERROR == BLKIF_RSP_ERROR);
static_assert(TANDEM_BLKIF_RSP_EOPNOTSUPP == BLKIF_RSP_EOPNOTSUPP);
static_assert(TANDEM_BLKIF_DISCARD_SECURE == BLKIF_DISCARD_SECURE);
static_assert(TANDEM_BLKIF_MAX_SEGS == BLKIF_MAX_SEGMENTS_PER_REQUEST);
static_assert(TANDEM_BLKIF_MAX_INDIRECT == BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST);
static_assert(TANDEM_BLKIF_INFO_CDROM == VDISK_CDROM);
static_assert(TANDEM_BLKIF_INFO_REMOVABLE == VDISK_REMOVABLE);
static_assert(TANDEM_BLKIF_INFO_READONLY == VDISK_READONLY);
static_assert(TANDEM_BLKIF_REQ_BYTES == sizeof(struct tandem_blkif_rw64));
static_assert(TANDEM_BLKIF_RSP_BYTES == sizeof(struct tandem_blkif_rsp64));

#define ID	0x1122334455667788ULL
#define SECTORS	2048ULL
#define WHY(x)	TANDEM_BLKIF_WHY_##x
#define ERR	TANDEM_BLKIF_RSP_ERROR
#define NOTSUPP	TANDEM_BLKIF_RSP_EOPNOTSUPP

FIXTURE(decode) {
	u8 page[4096] __aligned(8);
	u8 req[112] __aligned(8);
	struct tandem_back_ring ring;
	struct tandem_blkif_limits lim;
	struct tandem_blkif_msg msg;
	enum tandem_blkif_why why;
	int ret;
};

FIXTURE_VARIANT(decode) {
	enum tandem_blkif_abi abi;
	u32 entry;
	u32 id, sector, seg, gref, length;
};

FIXTURE_VARIANT_ADD(decode, native) {
	.abi = TANDEM_BLKIF_NATIVE, .entry = 112,
	.id = 8, .sector = 16, .seg = 24, .gref = 28, .length = 24,
};

FIXTURE_VARIANT_ADD(decode, x86_64) {
	.abi = TANDEM_BLKIF_X86_64, .entry = 112,
	.id = 8, .sector = 16, .seg = 24, .gref = 28, .length = 24,
};

FIXTURE_VARIANT_ADD(decode, x86_32) {
	.abi = TANDEM_BLKIF_X86_32, .entry = 108,
	.id = 4, .sector = 12, .seg = 20, .gref = 24, .length = 20,
};

FIXTURE_SETUP(decode)
{
	u64 id = ID;

	memset(self->page, 0xa5, sizeof(self->page));
	memset(self->req, 0, sizeof(self->req));
	memcpy(self->req + variant->id, &id, 8);
	tandem_back_ring_init(&self->ring, self->page, sizeof(self->page),
			      variant->entry);
	self->lim = (struct tandem_blkif_limits){
		.sectors = SECTORS, .sector_size = 512, .max_indirect_segs = 256,
		.flush = true, .barrier = true, .discard = true, .secure = true,
	};
}

FIXTURE_TEARDOWN(decode)
{
}

typedef FIXTURE_DATA(decode) decode_t;
typedef const FIXTURE_VARIANT(decode) variant_t;

static void head(decode_t *t, variant_t *v, u8 op, u8 arg, u64 sector)
{
	t->req[0] = op;
	t->req[1] = arg;
	memcpy(t->req + v->sector, &sector, 8);
}

static void seg(decode_t *t, variant_t *v, unsigned int i, u32 gref, u8 first,
		u8 last)
{
	u8 *p = t->req + v->seg + 8 * i;

	memcpy(p, &gref, 4);
	p[4] = first;
	p[5] = last;
}

/* @nr whole pages. */
static void segs(decode_t *t, variant_t *v, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		seg(t, v, i, 1000 + i, 0, 7);
}

static void length(decode_t *t, variant_t *v, u64 nr)
{
	memcpy(t->req + v->length, &nr, 8);
}

static void indirect(decode_t *t, variant_t *v, u8 op, u16 nr, u64 sector)
{
	u32 i, gref;

	head(t, v, TANDEM_BLKIF_OP_INDIRECT, op, sector);
	memcpy(t->req + 2, &nr, 2);
	for (i = 0; i < 8; i++) {
		gref = 0xf0000000 + i;
		memcpy(t->req + v->gref + 4 * i, &gref, 4);
	}
}

/* The slot is not the first one, and what is not decoded stays as poisoned. */
static int take(decode_t *t, variant_t *v)
{
	memset(&t->msg, 0x5a, sizeof(t->msg));
	t->ring.req_cons = 33;
	memcpy(t->page + 64 + v->entry, t->req, v->entry);
	t->why = WHY(COUNT);
	t->ret = tandem_blkif_take(&t->ring, v->abi, &t->lim, &t->msg, &t->why);
	return t->ret;
}

#define ACCEPTED()	do {						\
		EXPECT_EQ(0, take(self, variant))			\
			TH_LOG("%s", tandem_blkif_why_str(self->why));	\
		EXPECT_EQ(WHY(OK), self->why);				\
		EXPECT_EQ(ID, self->msg.id);				\
		EXPECT_EQ(33, self->ring.req_cons);			\
	} while (0)

#define REFUSED(status, reason)	do {					\
		EXPECT_EQ(status, take(self, variant));			\
		EXPECT_EQ(WHY(reason), self->why)			\
			TH_LOG("%s", tandem_blkif_why_str(self->why));	\
		EXPECT_EQ(ID, self->msg.id);				\
	} while (0)

TEST_F(decode, entry_size)
{
	EXPECT_EQ(variant->entry, tandem_blkif_entry(variant->abi));
	EXPECT_EQ(32, self->ring.size);
}

TEST_F(decode, read_and_write)
{
	unsigned int nr, i;
	u8 op;

	for (op = 0; op < 2; op++)
		for (nr = 1; nr <= 11; nr++) {
			head(self, variant, op, nr, 24);
			segs(self, variant, nr);
			ACCEPTED();
			EXPECT_EQ(op, self->msg.op);
			EXPECT_EQ(op ? TANDEM_BLKIF_WRITE : TANDEM_BLKIF_READ,
				  self->msg.kind);
			EXPECT_EQ(0, self->msg.flags);
			EXPECT_EQ(24, self->msg.sector);
			EXPECT_EQ(8 * nr, self->msg.nr_sectors);
			EXPECT_EQ(nr, self->msg.nr_segs);
			EXPECT_EQ(0, self->msg.nr_indirect);
			for (i = 0; i < nr; i++)
				EXPECT_EQ(1000 + i, self->msg.seg[i].gref);
			for (; i < 11; i++)
				EXPECT_EQ(0x5a5a5a5a, self->msg.seg[i].gref);
		}
}

/* Every pair of first and last, in every place. */
TEST_F(decode, segment_bounds)
{
	unsigned int first, last, at;

	for (at = 0; at < 11; at++)
		for (first = 0; first < 256; first++)
			for (last = 0; last < 256; last++) {
				head(self, variant, TANDEM_BLKIF_OP_READ, 11, 0);
				segs(self, variant, 11);
				seg(self, variant, at, 7, first, last);
				if (first <= last && last < 8) {
					ASSERT_EQ(0, take(self, variant));
					ASSERT_EQ(80 + last - first + 1,
						  self->msg.nr_sectors);
					ASSERT_EQ(first, self->msg.seg[at].first);
					ASSERT_EQ(last, self->msg.seg[at].last);
					ASSERT_EQ(0, self->msg.seg[at].pad);
				} else {
					ASSERT_EQ(ERR, take(self, variant));
					ASSERT_EQ(WHY(BAD_SEGMENT), self->why);
				}
			}
}

TEST_F(decode, segment_counts)
{
	unsigned int nr;

	segs(self, variant, 11);
	head(self, variant, TANDEM_BLKIF_OP_READ, 0, 0);
	REFUSED(ERR, NO_SEGMENTS);
	head(self, variant, TANDEM_BLKIF_OP_WRITE, 0, 0);
	REFUSED(ERR, NO_SEGMENTS);
	for (nr = 12; nr < 256; nr++) {
		head(self, variant, TANDEM_BLKIF_OP_READ, nr, 0);
		REFUSED(ERR, MANY_SEGMENTS);
		head(self, variant, TANDEM_BLKIF_OP_FLUSH, nr, 0);
		REFUSED(ERR, MANY_SEGMENTS);
	}
}

TEST_F(decode, range)
{
	static const struct {
		u64 sector;
		u8 last;
		bool good;
	} rows[] = {
		{ 0, 0, true },
		{ SECTORS - 1, 0, true },
		{ SECTORS - 8, 7, true },
		{ SECTORS - 7, 7, false },
		{ SECTORS, 0, false },
		{ SECTORS + 1, 0, false },
		{ 1ULL << 32, 0, false },
		{ 1ULL << 63, 0, false },
		{ U64_MAX, 0, false },
		{ U64_MAX - 7, 7, false },
		{ U64_MAX - 6, 7, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		head(self, variant, TANDEM_BLKIF_OP_READ, 1, rows[i].sector);
		seg(self, variant, 0, 1, 0, rows[i].last);
		if (rows[i].good)
			ACCEPTED();
		else
			REFUSED(ERR, RANGE);
	}
}

/* The end is reached by the sum only, and that wraps at 2^64. */
TEST_F(decode, range_of_the_largest_disk)
{
	self->lim.sectors = U64_MAX;
	head(self, variant, TANDEM_BLKIF_OP_READ, 1, U64_MAX - 8);
	seg(self, variant, 0, 1, 0, 7);
	ACCEPTED();
	head(self, variant, TANDEM_BLKIF_OP_READ, 1, U64_MAX - 7);
	REFUSED(ERR, RANGE);
	head(self, variant, TANDEM_BLKIF_OP_DISCARD, 0, 8);
	length(self, variant, U64_MAX - 8);
	ACCEPTED();
	length(self, variant, U64_MAX - 7);
	REFUSED(ERR, RANGE);
	length(self, variant, U64_MAX);
	REFUSED(ERR, RANGE);
}

TEST_F(decode, empty_disk)
{
	self->lim.sectors = 0;
	head(self, variant, TANDEM_BLKIF_OP_READ, 1, 0);
	segs(self, variant, 1);
	REFUSED(ERR, RANGE);
	head(self, variant, TANDEM_BLKIF_OP_FLUSH, 0, 0);
	ACCEPTED();
}

TEST_F(decode, large_sectors)
{
	self->lim.sector_size = 4096;
	head(self, variant, TANDEM_BLKIF_OP_READ, 2, 16);
	segs(self, variant, 2);
	ACCEPTED();
	head(self, variant, TANDEM_BLKIF_OP_READ, 2, 12);
	REFUSED(ERR, ALIGN);
	/* two halves of a page each: the sum fits, the segments do not */
	head(self, variant, TANDEM_BLKIF_OP_READ, 2, 16);
	seg(self, variant, 0, 1, 0, 3);
	seg(self, variant, 1, 1, 4, 7);
	REFUSED(ERR, ALIGN);
	seg(self, variant, 0, 1, 0, 7);
	seg(self, variant, 1, 1, 1, 7);
	REFUSED(ERR, ALIGN);
	seg(self, variant, 1, 1, 0, 6);
	REFUSED(ERR, ALIGN);
	/* a wrong segment is that, not a misaligned one */
	seg(self, variant, 1, 1, 0, 15);
	REFUSED(ERR, BAD_SEGMENT);
	head(self, variant, TANDEM_BLKIF_OP_DISCARD, 0, 8);
	length(self, variant, 8);
	ACCEPTED();
	length(self, variant, 12);
	REFUSED(ERR, ALIGN);
	self->lim.sector_size = 1024;
	ACCEPTED();
	length(self, variant, 13);
	REFUSED(ERR, ALIGN);
}

/* Nonsense from our own side refuses all, rather than letting all pass. */
TEST_F(decode, no_sector_size)
{
	self->lim.sector_size = 0;
	head(self, variant, TANDEM_BLKIF_OP_READ, 1, 0);
	segs(self, variant, 1);
	REFUSED(ERR, ALIGN);
	head(self, variant, TANDEM_BLKIF_OP_DISCARD, 0, 0);
	length(self, variant, 8);
	REFUSED(ERR, ALIGN);
}

TEST_F(decode, readonly)
{
	self->lim.readonly = true;
	segs(self, variant, 1);
	head(self, variant, TANDEM_BLKIF_OP_READ, 1, 0);
	ACCEPTED();
	head(self, variant, TANDEM_BLKIF_OP_WRITE, 1, 0);
	REFUSED(ERR, READONLY);
	head(self, variant, TANDEM_BLKIF_OP_BARRIER, 1, 0);
	REFUSED(ERR, READONLY);
	head(self, variant, TANDEM_BLKIF_OP_FLUSH, 1, 0);
	REFUSED(ERR, READONLY);
	head(self, variant, TANDEM_BLKIF_OP_FLUSH, 0, 0);
	ACCEPTED();
	head(self, variant, TANDEM_BLKIF_OP_DISCARD, 0, 0);
	length(self, variant, 8);
	REFUSED(ERR, READONLY);
	indirect(self, variant, TANDEM_BLKIF_OP_WRITE, 16, 0);
	REFUSED(ERR, READONLY);
	indirect(self, variant, TANDEM_BLKIF_OP_READ, 16, 0);
	ACCEPTED();
}

TEST_F(decode, flush)
{
	head(self, variant, TANDEM_BLKIF_OP_FLUSH, 0, U64_MAX);
	ACCEPTED();
	EXPECT_EQ(TANDEM_BLKIF_FLUSH, self->msg.kind);
	EXPECT_EQ(0, self->msg.flags);
	EXPECT_EQ(0, self->msg.sector);
	EXPECT_EQ(0, self->msg.nr_sectors);
	EXPECT_EQ(0, self->msg.nr_segs);
	EXPECT_EQ(TANDEM_BLKIF_OP_FLUSH, self->msg.op);

	head(self, variant, TANDEM_BLKIF_OP_FLUSH, 3, 8);
	segs(self, variant, 3);
	ACCEPTED();
	EXPECT_EQ(TANDEM_BLKIF_WRITE, self->msg.kind);
	EXPECT_EQ(TANDEM_BLKIF_F_PREFLUSH | TANDEM_BLKIF_F_FUA, self->msg.flags);
	EXPECT_EQ(24, self->msg.nr_sectors);

	self->lim.flush = false;
	REFUSED(NOTSUPP, NOT_OFFERED);
	EXPECT_EQ(TANDEM_BLKIF_OP_FLUSH, self->msg.op);
}

TEST_F(decode, barrier)
{
	head(self, variant, TANDEM_BLKIF_OP_BARRIER, 0, U64_MAX);
	ACCEPTED();
	EXPECT_EQ(TANDEM_BLKIF_FLUSH, self->msg.kind);
	EXPECT_EQ(TANDEM_BLKIF_F_BARRIER, self->msg.flags);

	head(self, variant, TANDEM_BLKIF_OP_BARRIER, 3, 8);
	segs(self, variant, 3);
	ACCEPTED();
	EXPECT_EQ(TANDEM_BLKIF_WRITE, self->msg.kind);
	EXPECT_EQ(TANDEM_BLKIF_F_PREFLUSH | TANDEM_BLKIF_F_FUA |
		  TANDEM_BLKIF_F_BARRIER, self->msg.flags);
	head(self, variant, TANDEM_BLKIF_OP_BARRIER, 3, SECTORS - 16);
	REFUSED(ERR, RANGE);

	self->lim.barrier = false;
	REFUSED(NOTSUPP, NOT_OFFERED);
}

TEST_F(decode, discard)
{
	head(self, variant, TANDEM_BLKIF_OP_DISCARD, 0, 100);
	length(self, variant, 900);
	ACCEPTED();
	EXPECT_EQ(TANDEM_BLKIF_DISCARD, self->msg.kind);
	EXPECT_EQ(TANDEM_BLKIF_OP_DISCARD, self->msg.op);
	EXPECT_EQ(0, self->msg.flags);
	EXPECT_EQ(100, self->msg.sector);
	EXPECT_EQ(900, self->msg.nr_sectors);
	EXPECT_EQ(0, self->msg.nr_segs);
	length(self, variant, 0);
	REFUSED(ERR, EMPTY);
	length(self, variant, SECTORS - 100);
	ACCEPTED();
	length(self, variant, SECTORS - 99);
	REFUSED(ERR, RANGE);
	length(self, variant, 0ULL - 100);
	REFUSED(ERR, RANGE);
	self->lim.discard = false;
	REFUSED(NOTSUPP, NOT_OFFERED);
}

TEST_F(decode, discard_flags)
{
	unsigned int flag;

	length(self, variant, 8);
	head(self, variant, TANDEM_BLKIF_OP_DISCARD, 1, 0);
	ACCEPTED();
	EXPECT_EQ(TANDEM_BLKIF_F_SECURE, self->msg.flags);
	self->lim.secure = false;
	ACCEPTED();
	EXPECT_EQ(0, self->msg.flags);
	for (flag = 2; flag < 256; flag++) {
		head(self, variant, TANDEM_BLKIF_OP_DISCARD, flag, 0);
		REFUSED(ERR, DISCARD_FLAG);
	}
}

TEST_F(decode, indirect)
{
	static const u16 counts[] = { 1, 2, 11, 12, 256, 511, 512, 513, 1024,
				      1025, 3584, 3585, 4095, 4096 };
	unsigned int i, j;

	self->lim.max_indirect_segs = 4096;
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		u16 pages = (counts[i] + 511) / 512;

		indirect(self, variant, i & 1, counts[i], 40);
		ACCEPTED();
		EXPECT_EQ(i & 1, self->msg.op);
		EXPECT_EQ(i & 1 ? TANDEM_BLKIF_WRITE : TANDEM_BLKIF_READ,
			  self->msg.kind);
		EXPECT_EQ(counts[i], self->msg.nr_segs);
		EXPECT_EQ(pages, self->msg.nr_indirect);
		EXPECT_EQ(40, self->msg.sector);
		EXPECT_EQ(0, self->msg.nr_sectors);
		for (j = 0; j < 8; j++)
			EXPECT_EQ(j < pages ? 0xf0000000 + j : 0x5a5a5a5a,
				  self->msg.indirect[j]);
	}
}

TEST_F(decode, indirect_limits)
{
	unsigned int op;

	indirect(self, variant, TANDEM_BLKIF_OP_READ, 0, 0);
	REFUSED(ERR, NO_SEGMENTS);
	indirect(self, variant, TANDEM_BLKIF_OP_READ, 256, 0);
	ACCEPTED();
	indirect(self, variant, TANDEM_BLKIF_OP_READ, 257, 0);
	REFUSED(ERR, MANY_SEGMENTS);
	indirect(self, variant, TANDEM_BLKIF_OP_READ, 65535, 0);
	REFUSED(ERR, MANY_SEGMENTS);
	/* our own side asks for more than there are indirect pages */
	self->lim.max_indirect_segs = 65535;
	REFUSED(ERR, MANY_SEGMENTS);
	indirect(self, variant, TANDEM_BLKIF_OP_READ, 4097, 0);
	REFUSED(ERR, MANY_SEGMENTS);
	for (op = 2; op < 256; op++) {
		indirect(self, variant, op, 16, 0);
		REFUSED(ERR, INDIRECT_OP);
		EXPECT_EQ(op, self->msg.op);
	}
	self->lim.max_indirect_segs = 0;
	indirect(self, variant, TANDEM_BLKIF_OP_READ, 1, 0);
	REFUSED(NOTSUPP, NOT_OFFERED);
	EXPECT_EQ(TANDEM_BLKIF_OP_READ, self->msg.op);
}

TEST_F(decode, unknown_operations)
{
	unsigned int op;

	segs(self, variant, 1);
	for (op = 4; op < 256; op++) {
		if (op == 5 || op == 6)
			continue;
		head(self, variant, op, 1, 0);
		REFUSED(NOTSUPP, UNKNOWN_OP);
		EXPECT_EQ(op, self->msg.op);
	}
}

TEST_F(decode, response)
{
	u8 buf[TANDEM_BLKIF_RSP_BYTES + 1];
	s16 status = -2;
	u64 id = ID;
	u32 len;

	memset(buf, 0xff, sizeof(buf));
	len = tandem_blkif_response(variant->abi, ID, 6, status, buf);
	EXPECT_EQ(variant->entry == 112 ? 16 : 12, len);
	EXPECT_EQ(0, memcmp(buf, &id, 8));
	EXPECT_EQ(6, buf[8]);
	EXPECT_EQ(0, buf[9]);
	EXPECT_EQ(0, memcmp(buf + 10, &status, 2));
	EXPECT_EQ(0, buf[12] | buf[13] | buf[14] | buf[15]);
	EXPECT_EQ(0xff, buf[16]);
}

/*
 * Arbitrary requests, held against a second decoder that is written from the
 * specification in another way: one long list of conditions over Xen's structs.
 */
static u64 seed = 88172645463325252ULL;

static u64 any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static bool oracle_span(const struct tandem_blkif_limits *lim, u64 sector,
			u64 nr)
{
	u64 unit = lim->sector_size / 512;

	return nr && sector % unit == 0 && nr % unit == 0 &&
	       sector < lim->sectors && nr <= lim->sectors - sector;
}

static bool oracle_segs(const struct tandem_blkif_limits *lim,
			const blkif_request_t *req)
{
	u64 unit = lim->sector_size / 512, nr = 0;
	unsigned int i;

	for (i = 0; i < req->nr_segments; i++) {
		unsigned int first = req->seg[i].first_sect;
		unsigned int last = req->seg[i].last_sect;

		if (last > 7 || first > last)
			return false;
		if (first % unit || (last + 1) % unit)
			return false;
		nr += last + 1 - first;
	}

	return oracle_span(lim, req->sector_number, nr);
}

static int oracle(const struct tandem_blkif_limits *lim,
		  const blkif_request_t *req)
{
	const blkif_request_discard_t *d = (const void *)req;
	const blkif_request_indirect_t *n = (const void *)req;
	bool data = req->nr_segments;

	switch (req->operation) {
	case BLKIF_OP_READ:
		return data && req->nr_segments <= 11 && oracle_segs(lim, req) ?
		       0 : -1;
	case BLKIF_OP_WRITE:
		return data && req->nr_segments <= 11 && !lim->readonly &&
		       oracle_segs(lim, req) ? 0 : -1;
	case BLKIF_OP_WRITE_BARRIER:
	case BLKIF_OP_FLUSH_DISKCACHE:
		if (!(req->operation == BLKIF_OP_WRITE_BARRIER ? lim->barrier :
								 lim->flush))
			return -2;
		if (!data)
			return 0;
		return req->nr_segments <= 11 && !lim->readonly &&
		       oracle_segs(lim, req) ? 0 : -1;
	case BLKIF_OP_DISCARD:
		if (!lim->discard)
			return -2;
		return !lim->readonly && d->flag < 2 &&
		       oracle_span(lim, d->sector_number, d->nr_sectors) ? 0 : -1;
	case BLKIF_OP_INDIRECT:
		if (!lim->max_indirect_segs)
			return -2;
		return n->indirect_op <= 1 && n->nr_segments &&
		       n->nr_segments <= lim->max_indirect_segs &&
		       n->nr_segments <= 4096 &&
		       !(n->indirect_op && lim->readonly) ? 0 : -1;
	default:
		return -2;
	}
}

/* Mostly plausible, so that the deep branches are reached. */
static void random_request(blkif_request_t *req)
{
	blkif_request_discard_t *d = (void *)req;
	unsigned int i;

	for (i = 0; i < sizeof(*req); i++)
		((u8 *)req)[i] = any();
	if (any() % 16)
		req->operation %= 8;
	if (any() % 8)
		req->nr_segments %= req->operation == BLKIF_OP_INDIRECT ? 2 : 13;
	if (any() % 4)
		req->sector_number %= SECTORS + 16;
	if (any() % 4)
		req->sector_number &= ~7ULL;
	if (req->operation == BLKIF_OP_DISCARD) {
		if (any() % 4)
			d->nr_sectors %= SECTORS + 16;
		if (any() % 4)
			d->nr_sectors &= ~7ULL;
		return;
	}
	for (i = 0; i < 11; i++) {
		if (!(any() % 64))
			continue;
		req->seg[i].first_sect %= 8;
		req->seg[i].last_sect = req->seg[i].first_sect + any() % 8;
		if (any() % 16)
			req->seg[i].last_sect &= 7;
		if (any() % 4)
			req->seg[i].first_sect = 0;
		if (any() % 4)
			req->seg[i].last_sect = 7;
	}
}

static void random_limits(struct tandem_blkif_limits *lim)
{
	u64 r = any();

	lim->sectors = r & 1 ? SECTORS : SECTORS - 8 * (any() % 8);
	lim->sector_size = 512 << (any() % 4);
	lim->readonly = !(any() % 4);
	lim->flush = any() % 4;
	lim->barrier = any() % 4;
	lim->discard = any() % 4;
	lim->secure = any() % 2;
	lim->max_indirect_segs = any() % 4 ? 1 << (any() % 13) : 0;
}

TEST(random_requests_against_an_oracle)
{
	static u8 page[4096] __aligned(8);
	unsigned int good = 0, i;
	struct tandem_blkif_limits lim = { 0 };
	struct tandem_blkif_msg msg;
	struct tandem_back_ring ring;
	enum tandem_blkif_why why;
	blkif_request_t req;

	tandem_back_ring_init(&ring, page, sizeof(page), sizeof(req));
	for (i = 0; i < 500000; i++) {
		int ret;

		random_limits(&lim);
		random_request(&req);
		memcpy(page + 64, &req, sizeof(req));
		ret = tandem_blkif_take(&ring, TANDEM_BLKIF_X86_64, &lim, &msg,
					&why);
		ASSERT_EQ(oracle(&lim, &req), ret)
			TH_LOG("op %u: %s", req.operation,
			       tandem_blkif_why_str(why));
		ASSERT_EQ(!ret, why == WHY(OK));
		ASSERT_EQ(req.id, msg.id);
		good += !ret;
		if (!ret && !msg.nr_indirect)
			ASSERT_EQ(0, tandem_blkif_check_range(&lim, &msg));
	}
	/* the test is of no use if hardly anything gets through */
	EXPECT_GT(good, 20000);
	EXPECT_LT(good, 450000);
}

/* Both layouts of one request decode to the same. */
TEST(layouts_agree)
{
	static u8 p64[4096] __aligned(8), p32[4096] __aligned(8);
	struct tandem_blkif_limits lim = { 0 };
	struct tandem_back_ring r64, r32;
	enum tandem_blkif_why w64, w32;
	blkif_request_t req;
	unsigned int i;

	tandem_back_ring_init(&r64, p64, sizeof(p64), 112);
	tandem_back_ring_init(&r32, p32, sizeof(p32), 108);
	for (i = 0; i < 100000; i++) {
		struct tandem_blkif_msg m64, m32;
		const u8 *q = (const u8 *)&req;
		int ret;

		random_limits(&lim);
		random_request(&req);
		memset(&m64, 0, sizeof(m64));
		memset(&m32, 0, sizeof(m32));
		memcpy(p64 + 64, q, 112);
		/* the padding after the first word is what is left out */
		memcpy(p32 + 64, q, 4);
		memcpy(p32 + 68, q + 8, 104);
		ret = tandem_blkif_take(&r64, TANDEM_BLKIF_X86_64, &lim, &m64, &w64);
		ASSERT_EQ(ret, tandem_blkif_take(&r32, TANDEM_BLKIF_X86_32, &lim,
						 &m32, &w32));
		ASSERT_EQ(w64, w32);
		ASSERT_EQ(0, memcmp(&m64, &m32, sizeof(m64)));
	}
}

TEST(indirect_pages)
{
	static struct blkif_request_segment page[512] __aligned(8);
	static struct tandem_blkif_seg out[513];
	struct tandem_blkif_limits lim = { .sectors = SECTORS, .sector_size = 512 };
	enum tandem_blkif_why why;
	u64 nr_sectors = 5;
	unsigned int i;

	memset(page, 0xee, sizeof(page));
	for (i = 0; i < 512; i++) {
		page[i].gref = ~i;
		page[i].first_sect = i % 8;
		page[i].last_sect = 7;
	}
	memset(out, 0x5a, sizeof(out));
	ASSERT_EQ(0, tandem_blkif_take_indirect(page, 512, &lim, out,
						&nr_sectors, &why));
	EXPECT_EQ(WHY(OK), why);
	EXPECT_EQ(5 + 64 * 36, nr_sectors);
	for (i = 0; i < 512; i++) {
		EXPECT_EQ(~i, out[i].gref);
		EXPECT_EQ(i % 8, out[i].first);
		EXPECT_EQ(7, out[i].last);
		EXPECT_EQ(0, out[i].pad);
	}
	EXPECT_EQ(0x5a5a5a5a, out[512].gref);

	nr_sectors = 0;
	ASSERT_EQ(0, tandem_blkif_take_indirect(page, 0, &lim, out, &nr_sectors,
						&why));
	EXPECT_EQ(0, nr_sectors);

	/* a bad one in every place, and one beyond the count */
	for (i = 0; i < 512; i++) {
		u8 saved = page[i].last_sect;

		page[i].last_sect = 8;
		ASSERT_EQ(ERR, tandem_blkif_take_indirect(page, 512, &lim, out,
							  &nr_sectors, &why));
		EXPECT_EQ(WHY(BAD_SEGMENT), why);
		ASSERT_EQ(0, tandem_blkif_take_indirect(page, i, &lim, out,
							&nr_sectors, &why));
		page[i].last_sect = saved;
	}

	lim.sector_size = 4096;
	ASSERT_EQ(0, tandem_blkif_take_indirect(page, 1, &lim, out, &nr_sectors,
						&why));
	ASSERT_EQ(ERR, tandem_blkif_take_indirect(page, 2, &lim, out,
						  &nr_sectors, &why));
	EXPECT_EQ(WHY(ALIGN), why);
}

TEST(range_of_an_indirect_request)
{
	struct tandem_blkif_limits lim = { .sectors = SECTORS, .sector_size = 4096 };
	struct tandem_blkif_msg msg = {
		.kind = TANDEM_BLKIF_WRITE, .nr_indirect = 1, .nr_segs = 256,
	};

	EXPECT_EQ(ERR, tandem_blkif_check_range(&lim, &msg));
	msg.nr_sectors = SECTORS;
	EXPECT_EQ(0, tandem_blkif_check_range(&lim, &msg));
	msg.sector = 8;
	EXPECT_EQ(ERR, tandem_blkif_check_range(&lim, &msg));
	msg.nr_sectors = 2040;
	EXPECT_EQ(0, tandem_blkif_check_range(&lim, &msg));
	msg.sector = 4;
	EXPECT_EQ(ERR, tandem_blkif_check_range(&lim, &msg));
	msg.sector = U64_MAX - 7;
	EXPECT_EQ(ERR, tandem_blkif_check_range(&lim, &msg));
	msg.kind = TANDEM_BLKIF_FLUSH;
	EXPECT_EQ(0, tandem_blkif_check_range(&lim, &msg));
}

TEST(indirect_page_counts)
{
	EXPECT_EQ(0, tandem_blkif_indirect_pages(0));
	EXPECT_EQ(1, tandem_blkif_indirect_pages(1));
	EXPECT_EQ(1, tandem_blkif_indirect_pages(512));
	EXPECT_EQ(2, tandem_blkif_indirect_pages(513));
	EXPECT_EQ(8, tandem_blkif_indirect_pages(4096));
}

TEST(reasons_have_names)
{
	unsigned int i, j;

	for (i = 0; i < TANDEM_BLKIF_WHY_COUNT; i++) {
		ASSERT_NE(NULL, tandem_blkif_why_str(i));
		EXPECT_STRNE("?", tandem_blkif_why_str(i));
		for (j = 0; j < i; j++)
			EXPECT_STRNE(tandem_blkif_why_str(i),
				     tandem_blkif_why_str(j));
	}
	EXPECT_STREQ("?", tandem_blkif_why_str(TANDEM_BLKIF_WHY_COUNT));
	EXPECT_STREQ("?", tandem_blkif_why_str(-1));
}

/*
 * Building: what the frontend writes is read as Xen's structs, every byte that
 * has no meaning is zero, and the backend decodes it to the same.
 */
FIXTURE(build) {
	u8 page[4096] __aligned(8);
	u8 slot[112] __aligned(8);
	struct tandem_front_ring front;
	struct tandem_back_ring back;
	struct tandem_blkif_seg segs[11];
	struct tandem_blkif_limits lim;
	struct tandem_blkif_msg msg;
	enum tandem_blkif_why why;
};

FIXTURE_SETUP(build)
{
	unsigned int i;

	memset(self->page, 0, sizeof(self->page));
	memset(self->slot, 0xff, sizeof(self->slot));
	tandem_front_ring_init(&self->front, self->page, 4096, 112);
	tandem_back_ring_init(&self->back, self->page, 4096, 112);
	for (i = 0; i < 11; i++)
		self->segs[i] = (struct tandem_blkif_seg){
			.gref = 70000 + i, .first = i % 3, .last = 3 + i % 5,
		};
	self->lim = (struct tandem_blkif_limits){
		.sectors = SECTORS, .sector_size = 512, .max_indirect_segs = 4096,
		.flush = true, .barrier = true, .discard = true, .secure = true,
	};
}

FIXTURE_TEARDOWN(build)
{
}

static int pass(FIXTURE_DATA(build) *t, u32 len)
{
	tandem_front_ring_write(&t->front, t->slot, len);
	tandem_front_ring_push(&t->front);
	if (tandem_back_ring_pending(&t->back) != 1)
		return 99;
	return tandem_blkif_take(&t->back, TANDEM_BLKIF_NATIVE, &t->lim, &t->msg,
				 &t->why);
}

TEST_F(build, rw)
{
	blkif_request_t *req = (void *)self->slot;
	struct tandem_blkif_build b = {
		.id = ID, .sector = 77, .segs = self->segs, .handle = 51712,
		.op = TANDEM_BLKIF_OP_WRITE,
	};
	unsigned int nr, i;

	for (nr = 1; nr <= 11; nr++) {
		memset(self->slot, 0xff, sizeof(self->slot));
		b.nr_segs = nr;
		ASSERT_EQ(24 + 8 * nr, tandem_blkif_build_rw(self->slot, &b));
		EXPECT_EQ(BLKIF_OP_WRITE, req->operation);
		EXPECT_EQ(nr, req->nr_segments);
		EXPECT_EQ(51712, req->handle);
		EXPECT_EQ(ID, req->id);
		EXPECT_EQ(77, req->sector_number);
		EXPECT_TRUE(mem_is_zero(self->slot + 4, 4));
		for (i = 0; i < nr; i++) {
			EXPECT_EQ(70000 + i, req->seg[i].gref);
			EXPECT_EQ(self->segs[i].first, req->seg[i].first_sect);
			EXPECT_EQ(self->segs[i].last, req->seg[i].last_sect);
			EXPECT_TRUE(mem_is_zero(self->slot + 24 + 8 * i + 6, 2));
		}
		if (nr < 11)
			EXPECT_EQ(0xff, self->slot[24 + 8 * nr]);
	}
	ASSERT_EQ(0, pass(self, 112));
	EXPECT_EQ(11, self->msg.nr_segs);
	EXPECT_EQ(77, self->msg.sector);
	EXPECT_EQ(0, memcmp(self->segs, self->msg.seg, sizeof(self->segs)));

	tandem_shim_warn_ok = 1;
	b.nr_segs = 12;
	EXPECT_EQ(0, tandem_blkif_build_rw(self->slot, &b));
	tandem_shim_warn_ok = 0;
}

TEST_F(build, flush)
{
	blkif_request_t *req = (void *)self->slot;
	struct tandem_blkif_build b = {
		.id = ID, .sector = 77, .nr_segs = 3, .handle = 51712,
		.op = TANDEM_BLKIF_OP_WRITE,
	};

	ASSERT_EQ(24, tandem_blkif_build_flush(self->slot, &b));
	EXPECT_EQ(BLKIF_OP_FLUSH_DISKCACHE, req->operation);
	EXPECT_EQ(0, req->nr_segments);
	EXPECT_EQ(51712, req->handle);
	EXPECT_EQ(ID, req->id);
	EXPECT_EQ(0, req->sector_number);
	EXPECT_TRUE(mem_is_zero(self->slot + 4, 4));
	ASSERT_EQ(0, pass(self, 24));
	EXPECT_EQ(TANDEM_BLKIF_FLUSH, self->msg.kind);
}

TEST_F(build, discard)
{
	blkif_request_discard_t *req = (void *)self->slot;
	struct tandem_blkif_build b = {
		.id = ID, .sector = 77, .nr_sectors = 99, .handle = 51712,
		.op = TANDEM_BLKIF_OP_WRITE,
	};
	unsigned int secure;

	for (secure = 0; secure < 2; secure++) {
		b.secure = secure;
		ASSERT_EQ(32, tandem_blkif_build_discard(self->slot, &b));
		EXPECT_EQ(BLKIF_OP_DISCARD, req->operation);
		EXPECT_EQ(secure ? BLKIF_DISCARD_SECURE : 0, req->flag);
		EXPECT_EQ(51712, req->handle);
		EXPECT_EQ(ID, req->id);
		EXPECT_EQ(77, req->sector_number);
		EXPECT_EQ(99, req->nr_sectors);
		EXPECT_TRUE(mem_is_zero(self->slot + 4, 4));
	}
	ASSERT_EQ(0, pass(self, 32));
	EXPECT_EQ(TANDEM_BLKIF_F_SECURE, self->msg.flags);
	EXPECT_EQ(99, self->msg.nr_sectors);
}

TEST_F(build, indirect)
{
	static const u32 grefs[] = { 11, 22, 33 };
	blkif_request_indirect_t *req = (void *)self->slot;
	struct tandem_blkif_build b = {
		.id = ID, .sector = 77, .nr_segs = 1025, .handle = 51712,
		.op = TANDEM_BLKIF_OP_WRITE,
	};

	ASSERT_EQ(64, tandem_blkif_build_indirect(self->slot, &b, grefs, 3));
	EXPECT_EQ(BLKIF_OP_INDIRECT, req->operation);
	EXPECT_EQ(BLKIF_OP_WRITE, req->indirect_op);
	EXPECT_EQ(1025, req->nr_segments);
	EXPECT_EQ(51712, req->handle);
	EXPECT_EQ(ID, req->id);
	EXPECT_EQ(77, req->sector_number);
	EXPECT_EQ(0, memcmp(grefs, req->indirect_grefs, sizeof(grefs)));
	EXPECT_TRUE(mem_is_zero(self->slot + 40, 24));
	EXPECT_TRUE(mem_is_zero(self->slot + 4, 4));
	EXPECT_TRUE(mem_is_zero(self->slot + 26, 2));
	ASSERT_EQ(0, pass(self, 64));
	EXPECT_EQ(3, self->msg.nr_indirect);
	EXPECT_EQ(33, self->msg.indirect[2]);
	EXPECT_EQ(1025, self->msg.nr_segs);

	tandem_shim_warn_ok = 1;
	EXPECT_EQ(0, tandem_blkif_build_indirect(self->slot, &b, grefs, 2));
	b.nr_segs = 4097;
	EXPECT_EQ(0, tandem_blkif_build_indirect(self->slot, &b, grefs, 9));
	tandem_shim_warn_ok = 0;
}

TEST_F(build, indirect_segments)
{
	static u8 page[4096] __aligned(8);
	struct tandem_blkif_seg out[11];
	u64 nr_sectors = 0;

	memset(page, 0xff, sizeof(page));
	tandem_blkif_build_segs(page, self->segs, 11);
	EXPECT_TRUE(mem_is_zero(page + 6, 2));
	EXPECT_EQ(0xff, page[88]);
	ASSERT_EQ(0, tandem_blkif_take_indirect(page, 11, &self->lim, out,
						&nr_sectors, &self->why));
	EXPECT_EQ(0, memcmp(self->segs, out, sizeof(out)));
}

TEST_F(build, response)
{
	struct tandem_blkif_rsp rsp;
	int status;

	for (status = -32768; status <= 32767; status++) {
		bool known = status <= 0 && status >= -2;
		u32 len = tandem_blkif_response(TANDEM_BLKIF_NATIVE, ID, 3,
						status, self->slot);

		memcpy(self->page + 64, self->slot, len);
		ASSERT_EQ(known ? 0 : -EPROTO,
			  tandem_blkif_take_response(&self->front, &rsp));
		ASSERT_EQ(ID, rsp.id);
		ASSERT_EQ(3, rsp.op);
		ASSERT_EQ(known ? status : -1, rsp.status);
	}
}

TEST(response_fits_request)
{
	struct tandem_blkif_rsp rsp = { .op = TANDEM_BLKIF_OP_WRITE };

	EXPECT_TRUE(tandem_blkif_rsp_fits(&rsp, TANDEM_BLKIF_OP_WRITE, false));
	EXPECT_TRUE(tandem_blkif_rsp_fits(&rsp, TANDEM_BLKIF_OP_WRITE, true));
	EXPECT_FALSE(tandem_blkif_rsp_fits(&rsp, TANDEM_BLKIF_OP_READ, false));
	rsp.op = TANDEM_BLKIF_OP_INDIRECT;
	EXPECT_TRUE(tandem_blkif_rsp_fits(&rsp, TANDEM_BLKIF_OP_WRITE, true));
	EXPECT_FALSE(tandem_blkif_rsp_fits(&rsp, TANDEM_BLKIF_OP_WRITE, false));
}

TEST_HARNESS_MAIN
