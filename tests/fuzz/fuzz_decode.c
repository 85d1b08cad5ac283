// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arbitrary bytes as limits, as a request and as indirect pages. Whatever is
 * accepted must be within the limits; whatever is refused must have a reason
 * and an answer. Then the same bytes are a response to a frontend.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <stdlib.h>

#include "blkif/decode.h"

#define HEAD	12	/* bytes that choose the limits */

static u8 *ring_page;
static u8 *slot;
static u8 *indirect;

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Pages of their own, and a slot at the very end, so that ASan sees a step off. */
static void set_up(u32 entry)
{
	free(ring_page);
	free(indirect);
	ring_page = malloc(64 + entry);
	indirect = malloc(4096);
	must(ring_page && indirect);
	memset(ring_page, 0, 64);
	slot = ring_page + 64;
}

static void fill(u8 *to, size_t len, const u8 **data, size_t *left)
{
	size_t n = min(len, *left);

	memcpy(to, *data, n);
	memset(to + n, 0, len - n);
	*data += n;
	*left -= n;
}

static struct tandem_blkif_limits limits(const u8 *b)
{
	struct tandem_blkif_limits lim = {
		.sector_size = 512 << (b[1] & 3),
		.max_indirect_segs = b[2] << 5,
		.readonly = b[1] & 4, .flush = b[1] & 8, .barrier = b[1] & 16,
		.discard = b[1] & 32, .secure = b[1] & 64,
	};

	if (b[1] & 128) {
		memcpy(&lim.sectors, b + 4, 8);
	} else {
		lim.sectors = b[4] << 8;
		lim.max_indirect_segs = 4096;
	}
	return lim;
}

static void check_segs(const struct tandem_blkif_limits *lim,
		       const struct tandem_blkif_seg *seg, unsigned int nr,
		       u64 sectors)
{
	u32 unit = lim->sector_size / 512;
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		must(seg[i].first <= seg[i].last && seg[i].last < 8 && !seg[i].pad);
		must(!(seg[i].first % unit) && !((seg[i].last + 1) % unit));
		sum += seg[i].last - seg[i].first + 1;
	}
	must(sum == sectors);
}

static void check_range(const struct tandem_blkif_limits *lim,
			const struct tandem_blkif_msg *msg)
{
	u32 unit = lim->sector_size / 512;

	must(msg->nr_sectors);
	must(msg->sector < lim->sectors);
	must(msg->nr_sectors <= lim->sectors - msg->sector);
	must(!(msg->sector % unit) && !(msg->nr_sectors % unit));
}

static void check_direct(const struct tandem_blkif_limits *lim,
			 const struct tandem_blkif_msg *msg)
{
	must(msg->nr_segs <= TANDEM_BLKIF_MAX_SEGS);
	switch (msg->kind) {
	case TANDEM_BLKIF_FLUSH:
		must(!msg->nr_segs && !msg->nr_sectors && !msg->sector);
		must(lim->flush || lim->barrier);
		return;
	case TANDEM_BLKIF_DISCARD:
		must(lim->discard && !lim->readonly && !msg->nr_segs);
		must(lim->secure || !(msg->flags & TANDEM_BLKIF_F_SECURE));
		break;
	case TANDEM_BLKIF_WRITE:
		must(!lim->readonly);
		fallthrough;
	case TANDEM_BLKIF_READ:
		must(msg->nr_segs);
		check_segs(lim, msg->seg, msg->nr_segs, msg->nr_sectors);
		break;
	default:
		must(false);
	}
	check_range(lim, msg);
	must(!tandem_blkif_check_range(lim, msg));
}

static void check_indirect(const struct tandem_blkif_limits *lim,
			   struct tandem_blkif_msg *msg, const u8 **data,
			   size_t *left)
{
	static struct tandem_blkif_seg seg[TANDEM_BLKIF_MAX_INDIRECT_SEGS];
	enum tandem_blkif_why why;
	unsigned int i, nr;

	must(msg->nr_segs && msg->nr_segs <= lim->max_indirect_segs);
	must(msg->nr_segs <= TANDEM_BLKIF_MAX_INDIRECT_SEGS);
	must(msg->nr_indirect == tandem_blkif_indirect_pages(msg->nr_segs));
	must(msg->nr_indirect <= TANDEM_BLKIF_MAX_INDIRECT);
	must(msg->op == msg->kind && msg->op <= TANDEM_BLKIF_OP_WRITE);
	must(msg->kind == TANDEM_BLKIF_READ || !lim->readonly);

	for (i = 0; i < msg->nr_indirect; i++) {
		nr = min(512U, msg->nr_segs - 512 * i);
		fill(indirect, 4096, data, left);
		if (tandem_blkif_take_indirect(indirect, nr, lim, seg + 512 * i,
					       &msg->nr_sectors, &why)) {
			must(why != TANDEM_BLKIF_WHY_OK);
			return;
		}
	}
	check_segs(lim, seg, msg->nr_segs, msg->nr_sectors);
	if (!tandem_blkif_check_range(lim, msg))
		check_range(lim, msg);
}

static void check_response(enum tandem_blkif_abi abi, u64 id, u8 op)
{
	struct tandem_front_ring front;
	struct tandem_blkif_rsp rsp;
	u8 buf[TANDEM_BLKIF_RSP_BYTES];
	int err;

	tandem_blkif_response(abi, id, op, TANDEM_BLKIF_RSP_ERROR, buf);
	must(!buf[9] && !buf[12] && !buf[13] && !buf[14] && !buf[15]);
	if (abi == TANDEM_BLKIF_X86_32)
		return;

	tandem_front_ring_init(&front, ring_page, 64 + 112, 112);
	err = tandem_blkif_take_response(&front, &rsp);
	must(rsp.status >= TANDEM_BLKIF_RSP_EOPNOTSUPP && rsp.status <= 0);
	must(!err || (err == -EPROTO && rsp.status == TANDEM_BLKIF_RSP_ERROR));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct tandem_blkif_limits lim;
	struct tandem_back_ring ring;
	struct tandem_blkif_msg msg;
	enum tandem_blkif_why why;
	enum tandem_blkif_abi abi;
	u32 entry;
	u64 id;
	int ret;

	if (size < HEAD)
		return 0;
	abi = data[0] % 3;
	lim = limits(data);
	data += HEAD;
	size -= HEAD;

	entry = tandem_blkif_entry(abi);
	set_up(entry);
	fill(slot, entry, &data, &size);
	memcpy(&id, slot + (abi == TANDEM_BLKIF_X86_32 ? 4 : 8), 8);
	tandem_back_ring_init(&ring, ring_page, 64 + entry, entry);

	memset(&msg, 0x5a, sizeof(msg));
	ret = tandem_blkif_take(&ring, abi, &lim, &msg, &why);
	must(msg.id == id && !ring.req_cons);
	must(why < TANDEM_BLKIF_WHY_COUNT);
	must(ret == 0 || ret == TANDEM_BLKIF_RSP_ERROR ||
	     ret == TANDEM_BLKIF_RSP_EOPNOTSUPP);
	must(!ret == (why == TANDEM_BLKIF_WHY_OK));
	must(msg.op == slot[0] || (slot[0] == TANDEM_BLKIF_OP_INDIRECT &&
				   msg.op == slot[1]));
	if (!ret && msg.nr_indirect)
		check_indirect(&lim, &msg, &data, &size);
	else if (!ret)
		check_direct(&lim, &msg);
	check_response(abi, msg.id, msg.op);
	return 0;
}
