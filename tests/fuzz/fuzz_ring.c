// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both ends of common/ring in shared memory of arbitrary bytes, under a random
 * sequence of operations, with a peer that writes anything anywhere in between.
 *
 * ASan sees to it that nothing outside the shared memory is touched; besides,
 * after every operation the private indices must keep their order, and no byte
 * of shared memory may have changed that the operation has no business with.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <stdlib.h>

#include "common/ring/ring.h"

#define MAX_BYTES	8192

struct input {
	const u8 *data;
	size_t left;
};

static u8 *shared;
static u8 before[MAX_BYTES];
static size_t bytes;
static u32 entry;
static struct tandem_front_ring front;
static struct tandem_back_ring back;
static u8 msg[256];

static void must(bool holds)
{
	if (!holds)
		abort();
}

static u8 get8(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

static u32 get32(struct input *in)
{
	u32 v = get8(in);

	v |= (u32)get8(in) << 8;
	v |= (u32)get8(in) << 16;
	return v | (u32)get8(in) << 24;
}

static tandem_peer32 *index_of(u32 which)
{
	return (tandem_peer32 *)shared + which % 4;
}

static u32 index_value(u32 which)
{
	return tandem_peer32_raw(tandem_env_load(index_of(which)));
}

/* The chain of inequalities at the top of ring.h, each end's own part. */
static void check_private(void)
{
	u32 size = tandem_ring_slots(bytes, entry);

	must(front.size == size && back.size == size);
	must(back.rsp_prod - back.rsp_pushed <= size);
	must(back.req_cons - back.rsp_prod <= size);
	must(back.req_cons - back.rsp_pushed <= size);
	must(front.req_pushed - front.rsp_cons <= size);
	must(front.req_prod - front.req_pushed <= size);
	must(front.req_prod - front.rsp_cons <= size);
	must(tandem_front_ring_free(&front) <= size);
	must(tandem_back_ring_unanswered(&back) <= size);
}

/* Nothing has changed in shared memory outside [@from, @from + @len). */
static void check_shared(size_t from, size_t len)
{
	must(!memcmp(before, shared, from));
	must(!memcmp(before + from + len, shared + from + len,
		     bytes - from - len));
}

static size_t slot_at(u32 idx)
{
	return 64 + (size_t)(idx % front.size) * entry;
}

static void poke_anywhere(struct input *in)
{
	size_t at = (get8(in) * 257U + get8(in)) % bytes;
	u32 len = get8(in) % 16;

	for (; len && at < bytes; len--)
		shared[at++] = get8(in);
}

/* The interesting values lie around the private indices. */
static void poke_index(struct input *in)
{
	const u32 base[] = {
		front.req_prod, back.req_cons, back.rsp_prod, front.rsp_cons,
		back.rsp_pushed + back.size, front.req_pushed, 0x7fffffff, 0,
	};
	u8 what = get8(in);
	u32 v = base[what >> 2 & 7] + (s8)get8(in);

	if (what & 0x80)
		v = get32(in);
	tandem_env_store(index_of(what), tandem_peer32(v));
}

static void front_write(u32 n)
{
	for (; n && !tandem_front_ring_full(&front); n--) {
		size_t at = slot_at(front.req_prod);

		memcpy(before, shared, bytes);
		tandem_front_ring_write(&front, msg, entry);
		check_shared(at, entry);
	}
}

static void front_push(void)
{
	u32 old = front.req_pushed, prod = front.req_prod;
	u32 event = index_value(1);
	bool want = old != prod && event - old - 1 < prod - old;

	must(tandem_front_ring_push(&front) == want);
	check_shared(0, old != prod ? 4 : 0);
	must(old == prod || index_value(0) == prod);
}

static void front_take(u32 n, u32 part)
{
	int pending = tandem_front_ring_pending(&front);

	if (pending < 0) {
		must(pending == -EPROTO);
		must(tandem_front_ring_arm(&front, 1));
		check_shared(12, 4);
		return;
	}
	must((u32)pending <= front.req_pushed - front.rsp_cons);
	for (; n && pending; n--, pending--) {
		part = part * 4 % (entry + 4);
		tandem_front_ring_read(&front, msg, part, entry - part);
		tandem_front_ring_next(&front);
	}
	check_shared(0, 0);
}

static void back_take(u32 n, u32 part)
{
	int pending = tandem_back_ring_pending(&back);

	if (pending < 0) {
		must(pending == -EPROTO);
		must(tandem_back_ring_arm(&back, 1));
		check_shared(4, 4);
		return;
	}
	must((u32)pending <= back.size - tandem_back_ring_unanswered(&back));
	for (; n && pending; n--, pending--) {
		part = part * 4 % (entry + 4);
		tandem_back_ring_read(&back, msg, 0, part);
		tandem_back_ring_read(&back, msg + part, part, entry - part);
		tandem_back_ring_next(&back);
	}
	check_shared(0, 0);
}

static void back_respond(u32 n, u32 len)
{
	for (; n && tandem_back_ring_unanswered(&back); n--) {
		size_t at = slot_at(back.rsp_prod);

		len = 4 + len * 4 % entry;
		memcpy(before, shared, bytes);
		tandem_back_ring_respond(&back, msg, len);
		check_shared(at, len);
		must(!memcmp(shared + at, msg, len));
	}
}

static void back_push(void)
{
	u32 old = back.rsp_pushed, prod = back.rsp_prod;
	u32 event = index_value(3);
	bool want = old != prod && event - old - 1 < prod - old;

	must(tandem_back_ring_push(&back) == want);
	check_shared(8, old != prod ? 4 : 0);
	must(old == prod || index_value(2) == prod);
}

static void back_attach(void)
{
	struct tandem_back_ring again;
	u32 outstanding = index_value(0) - index_value(2);
	int err = tandem_back_ring_attach(&again, shared, bytes, entry);

	check_shared(0, 0);
	if (!back.size)
		must(err == -EINVAL);
	else
		must(err == (outstanding > back.size ? -EPROTO : 0));
	if (!err) {
		must(tandem_back_ring_pending(&again) == (int)outstanding);
		back = again;
	}
}

static void seek(u32 idx)
{
	tandem_front_ring_init(&front, shared, bytes, entry);
	tandem_back_ring_init(&back, shared, bytes, entry);
	front.req_prod = idx;
	front.req_pushed = idx;
	front.rsp_cons = idx;
	back.req_cons = idx;
	back.rsp_prod = idx;
	back.rsp_pushed = idx;
	tandem_env_store(index_of(0), tandem_peer32(idx));
	tandem_env_store(index_of(2), tandem_peer32(idx));
}

static void one_step(struct input *in)
{
	u8 op = get8(in), arg = get8(in);

	memcpy(before, shared, bytes);
	switch (op % 12) {
	case 0:
		poke_anywhere(in);
		break;
	case 1:
		poke_index(in);
		break;
	case 2:
		front_write(arg);
		break;
	case 3:
		front_push();
		break;
	case 4:
		front_take(arg, op);
		break;
	case 5:
		must(tandem_front_ring_arm(&front, 1 + arg) ==
		     (index_value(2) != front.rsp_cons));
		must(index_value(3) == front.rsp_cons + 1 + arg);
		check_shared(12, 4);
		break;
	case 6:
		back_take(arg, op);
		break;
	case 7:
		back_respond(arg, op);
		break;
	case 8:
		back_push();
		break;
	case 9:
		must(tandem_back_ring_arm(&back, 1 + arg) ==
		     (index_value(0) != back.req_cons));
		must(index_value(1) == back.req_cons + 1 + arg);
		check_shared(4, 4);
		break;
	case 10:
		back_attach();
		break;
	default:
		seek(get32(in));
		break;
	}
	check_private();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const u32 entries[] = { 112, 108, 12, 8, 16, 20, 4 };
	struct input in = { data, size };

	bytes = get8(&in);
	bytes |= get8(&in) << 8;
	bytes = 64 + bytes % (MAX_BYTES - 64);
	entry = entries[get8(&in) % ARRAY_SIZE(entries)];
	shared = malloc(bytes);
	memset(shared, 0x5a, bytes);
	memset(msg, 0xc3, sizeof(msg));
	seek((s8)get8(&in));
	while (in.left)
		one_step(&in);
	free(shared);
	return 0;
}
