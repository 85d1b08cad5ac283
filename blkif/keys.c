// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys of the block protocol and what follows from them, see keys.h. Pure: may
 * be called in any context.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/string.h>

#include "keys.h"

#define FRONT	struct tandem_blkif_front_keys
#define QUEUE	struct tandem_blkif_queue_keys
#define BACK	struct tandem_blkif_back_keys
#define TOOL	struct tandem_blkif_tool_keys
#define OWN	struct tandem_blkif_own_keys

/* Ports of Xen's widest event channel ABI; port 0 is never given out. */
#define KEYS_MAX_PORT	((1U << 17) - 1)

/* A grant may have any number but the one that stands for none. */
#define KEYS_MAX_GREF	(TANDEM_BLKIF_ABSENT - 1)

/* The byte after the last one has to have a number too. */
#define KEYS_MAX_SECTORS ((u64)S64_MAX >> TANDEM_BLKIF_SECTOR_SHIFT)

const struct tandem_key
tandem_blkif_front_table[TANDEM_BLKIF_NR_FRONT_KEYS] = {
	TANDEM_KEY_TEXT(FRONT, protocol, TANDEM_BLKIF_KEY_PROTOCOL),
	TANDEM_KEY_OPT(FRONT, num_queues, TANDEM_BLKIF_KEY_NUM_QUEUES,
		       TANDEM_KEY_U32, 1, TANDEM_BLKIF_MAX_QUEUES, 1),
	TANDEM_KEY_OPT(FRONT, ring_order, TANDEM_BLKIF_KEY_RING_ORDER,
		       TANDEM_KEY_U32, 0, TANDEM_BLKIF_MAX_ORDER,
		       TANDEM_BLKIF_ABSENT),
	TANDEM_KEY_OPT(FRONT, ring_pages, TANDEM_BLKIF_KEY_RING_PAGES,
		       TANDEM_KEY_U32, 1, TANDEM_BLKIF_MAX_PAGES,
		       TANDEM_BLKIF_ABSENT),
	TANDEM_KEY_FLAG(FRONT, persistent, TANDEM_BLKIF_KEY_PERSISTENT, 0),
	TANDEM_KEY_FLAG(FRONT, large_sector, TANDEM_BLKIF_KEY_LARGE_SECTOR, 0),
};
EXPORT_SYMBOL_GPL(tandem_blkif_front_table);

#define KEYS_RING_REF(n)						\
	TANDEM_KEY_OPT(QUEUE, ring_refs[n], "ring-ref" #n,		\
		       TANDEM_KEY_U32, 0, KEYS_MAX_GREF, TANDEM_BLKIF_ABSENT)

const struct tandem_key
tandem_blkif_queue_table[TANDEM_BLKIF_NR_QUEUE_KEYS] = {
	TANDEM_KEY_NEED(QUEUE, event_channel, TANDEM_BLKIF_KEY_EVENT_CHANNEL,
			TANDEM_KEY_U32, 1, KEYS_MAX_PORT),
	TANDEM_KEY_OPT(QUEUE, ring_ref, TANDEM_BLKIF_KEY_RING_REF,
		       TANDEM_KEY_U32, 0, KEYS_MAX_GREF, TANDEM_BLKIF_ABSENT),
	KEYS_RING_REF(0), KEYS_RING_REF(1), KEYS_RING_REF(2), KEYS_RING_REF(3),
	KEYS_RING_REF(4), KEYS_RING_REF(5), KEYS_RING_REF(6), KEYS_RING_REF(7),
	KEYS_RING_REF(8), KEYS_RING_REF(9), KEYS_RING_REF(10),
	KEYS_RING_REF(11), KEYS_RING_REF(12), KEYS_RING_REF(13),
	KEYS_RING_REF(14), KEYS_RING_REF(15),
};
EXPORT_SYMBOL_GPL(tandem_blkif_queue_table);

/* Some backends write these two only once they are Connected. */
#define KEYS_MAX_INDIRECT_ROW						\
	TANDEM_KEY_OPT(BACK, max_indirect, TANDEM_BLKIF_KEY_MAX_INDIRECT, \
		       TANDEM_KEY_U32, 0, U32_MAX, 0)
#define KEYS_BACK_PERSISTENT_ROW					\
	TANDEM_KEY_FLAG(BACK, persistent, TANDEM_BLKIF_KEY_PERSISTENT, 0)

const struct tandem_key
tandem_blkif_offer_table[TANDEM_BLKIF_NR_OFFER_KEYS] = {
	TANDEM_KEY_OPT(BACK, max_queues, TANDEM_BLKIF_KEY_MAX_QUEUES,
		       TANDEM_KEY_U32, 0, U32_MAX, 1),
	TANDEM_KEY_OPT(BACK, max_order, TANDEM_BLKIF_KEY_MAX_ORDER,
		       TANDEM_KEY_U32, 0, U32_MAX, 0),
	TANDEM_KEY_OPT(BACK, max_pages, TANDEM_BLKIF_KEY_MAX_PAGES,
		       TANDEM_KEY_U32, 0, U32_MAX, 1),
	KEYS_MAX_INDIRECT_ROW,
	KEYS_BACK_PERSISTENT_ROW,
};
EXPORT_SYMBOL_GPL(tandem_blkif_offer_table);

const struct tandem_key
tandem_blkif_device_table[TANDEM_BLKIF_NR_DEVICE_KEYS] = {
	TANDEM_KEY_NEED(BACK, sectors, TANDEM_BLKIF_KEY_SECTORS,
			TANDEM_KEY_U64, 0, KEYS_MAX_SECTORS),
	TANDEM_KEY_OPT(BACK, sector_size, TANDEM_BLKIF_KEY_SECTOR_SIZE,
		       TANDEM_KEY_U32, TANDEM_BLKIF_SECTOR_SIZE,
		       TANDEM_BLKIF_PAGE_SIZE, TANDEM_BLKIF_SECTOR_SIZE),
	TANDEM_KEY_OPT(BACK, phys_size, TANDEM_BLKIF_KEY_PHYS_SIZE,
		       TANDEM_KEY_U32, 0, U32_MAX, 0),
	TANDEM_KEY_OPT(BACK, info, TANDEM_BLKIF_KEY_INFO,
		       TANDEM_KEY_U32, 0, U32_MAX, 0),
	TANDEM_KEY_OPT(BACK, granularity, TANDEM_BLKIF_KEY_GRANULARITY,
		       TANDEM_KEY_U32, 0, U32_MAX, 0),
	TANDEM_KEY_OPT(BACK, alignment, TANDEM_BLKIF_KEY_ALIGNMENT,
		       TANDEM_KEY_U32, 0, U32_MAX, 0),
	TANDEM_KEY_FLAG(BACK, flush, TANDEM_BLKIF_KEY_FLUSH, 0),
	TANDEM_KEY_FLAG(BACK, barrier, TANDEM_BLKIF_KEY_BARRIER, 0),
	TANDEM_KEY_FLAG(BACK, discard, TANDEM_BLKIF_KEY_DISCARD, 0),
	TANDEM_KEY_FLAG(BACK, secure, TANDEM_BLKIF_KEY_SECURE, 0),
	KEYS_MAX_INDIRECT_ROW,
	KEYS_BACK_PERSISTENT_ROW,
};
EXPORT_SYMBOL_GPL(tandem_blkif_device_table);

const struct tandem_key
tandem_blkif_tool_table[TANDEM_BLKIF_NR_TOOL_KEYS] = {
	TANDEM_KEY_TEXT(TOOL, mode, TANDEM_BLKIF_KEY_MODE),
	TANDEM_KEY_TEXT(TOOL, device_type, TANDEM_BLKIF_KEY_DEVICE_TYPE),
	TANDEM_KEY_FLAG(TOOL, discard_enable, TANDEM_BLKIF_KEY_DISCARD_ENABLE,
			TANDEM_BLKIF_UNSAID),
	TANDEM_KEY_FLAG(TOOL, direct_io_safe, TANDEM_BLKIF_KEY_DIRECT_IO_SAFE, 0),
};
EXPORT_SYMBOL_GPL(tandem_blkif_tool_table);

const struct tandem_key
tandem_blkif_own_table[TANDEM_BLKIF_NR_OWN_KEYS] = {
	TANDEM_KEY_NEED(OWN, virtual_device, TANDEM_BLKIF_KEY_VIRTUAL_DEVICE,
			TANDEM_KEY_U32, 0, U32_MAX),
	TANDEM_KEY_TEXT(OWN, device_type, TANDEM_BLKIF_KEY_DEVICE_TYPE),
	TANDEM_KEY_FLAG(OWN, trusted, TANDEM_BLKIF_KEY_TRUSTED, 1),
};
EXPORT_SYMBOL_GPL(tandem_blkif_own_table);

static const char *const keys_nego[TANDEM_BLKIF_NEGO_COUNT] = {
	[TANDEM_BLKIF_NEGO_OK] = "no error",
	[TANDEM_BLKIF_NEGO_PROTOCOL] = "unknown protocol",
	[TANDEM_BLKIF_NEGO_QUEUES] = "more queues than offered",
	[TANDEM_BLKIF_NEGO_ORDER] = "larger ring than offered",
	[TANDEM_BLKIF_NEGO_PAGES] = "number of ring pages is not a power of two",
	[TANDEM_BLKIF_NEGO_SPELLINGS] =
		"ring-page-order and num-ring-pages disagree",
	[TANDEM_BLKIF_NEGO_RING_REF] = "ring page without a grant",
	[TANDEM_BLKIF_NEGO_RING_TWICE] = "one grant for two ring pages",
	[TANDEM_BLKIF_NEGO_SECTOR_SIZE] =
		"sector size is not a power of two from 512 to 4096",
};

static int keys_errno(enum tandem_blkif_nego why)
{
	return why ? -EINVAL : 0;
}

/**
 * tandem_blkif_protocol_str() - text of the key "protocol" for a layout
 * @abi: the layout
 *
 * Spec: io/protocols.h.
 *
 * Return: the text.
 */
const char *tandem_blkif_protocol_str(enum tandem_blkif_abi abi)
{
	return abi == TANDEM_BLKIF_X86_32 ? "x86_32-abi" : "x86_64-abi";
}
EXPORT_SYMBOL_GPL(tandem_blkif_protocol_str);

static enum tandem_blkif_nego keys_abi(const char *protocol, u8 dflt, u8 *abi)
{
	if (!*protocol)
		*abi = dflt;
	else if (!strcmp(protocol, "x86_32-abi"))
		*abi = TANDEM_BLKIF_X86_32;
	else if (!strcmp(protocol, "x86_64-abi"))
		*abi = TANDEM_BLKIF_X86_64;
	else
		return TANDEM_BLKIF_NEGO_PROTOCOL;

	return TANDEM_BLKIF_NEGO_OK;
}

/* A frontend may use either spelling of the ring's size, or both alike. */
static enum tandem_blkif_nego keys_order(const struct tandem_blkif_front_keys *k,
					 u16 max, u16 *order)
{
	u32 from_pages, want = k->ring_order;

	if (k->ring_pages != TANDEM_BLKIF_ABSENT) {
		if (!is_power_of_2(k->ring_pages))
			return TANDEM_BLKIF_NEGO_PAGES;
		from_pages = ilog2(k->ring_pages);
		if (want != TANDEM_BLKIF_ABSENT && want != from_pages)
			return TANDEM_BLKIF_NEGO_SPELLINGS;
		want = from_pages;
	}

	if (want == TANDEM_BLKIF_ABSENT)
		want = 0;
	if (want > max || want > TANDEM_BLKIF_MAX_ORDER)
		return TANDEM_BLKIF_NEGO_ORDER;

	*order = want;
	return TANDEM_BLKIF_NEGO_OK;
}

static enum tandem_blkif_nego keys_accept(const struct tandem_blkif_front_keys *k,
					  const struct tandem_blkif_host *host,
					  struct tandem_blkif_transport *out)
{
	enum tandem_blkif_nego why;

	why = keys_abi(k->protocol, host->dflt_abi, &out->abi);
	if (why)
		return why;
	if (!k->num_queues || k->num_queues > host->max_queues)
		return TANDEM_BLKIF_NEGO_QUEUES;

	out->nr_queues = k->num_queues;
	out->max_indirect = host->max_indirect;
	out->persistent = k->persistent && host->persistent;
	return keys_order(k, host->max_order, &out->ring_order);
}

/**
 * tandem_blkif_accept() - backend: hold a frontend's wishes against the offer
 * @k: what the frontend wrote
 * @host: what was offered to it
 * @out: receives what holds for the connection; undefined on an error
 * @why: receives the reason of a refusal, or TANDEM_BLKIF_NEGO_OK
 *
 * Spec: io/blkif.h, Request Transport Parameters and Multiple hardware queues.
 *
 * Return: 0, or -EINVAL if the frontend asks for what was not offered.
 */
int tandem_blkif_accept(const struct tandem_blkif_front_keys *k,
			const struct tandem_blkif_host *host,
			struct tandem_blkif_transport *out,
			enum tandem_blkif_nego *why)
{
	*why = keys_accept(k, host, out);
	return keys_errno(*why);
}
EXPORT_SYMBOL_GPL(tandem_blkif_accept);

/**
 * tandem_blkif_queue_rows() - how much of tandem_blkif_queue_table to read
 * @ring_order: order of the rings, at most TANDEM_BLKIF_MAX_ORDER
 *
 * Return: number of rows.
 */
unsigned int tandem_blkif_queue_rows(u16 ring_order)
{
	return 2 + (1U << min_t(u16, ring_order, TANDEM_BLKIF_MAX_ORDER));
}
EXPORT_SYMBOL_GPL(tandem_blkif_queue_rows);

static bool keys_twice(const u32 *refs, unsigned int at)
{
	unsigned int i;

	for (i = 0; i < at; i++)
		if (refs[i] == refs[at])
			return true;

	return false;
}

static enum tandem_blkif_nego keys_ring_refs(struct tandem_blkif_queue_keys *k,
					     u16 ring_order)
{
	unsigned int nr = tandem_blkif_queue_rows(ring_order) - 2;
	unsigned int i;

	if (nr == 1 && k->ring_ref != TANDEM_BLKIF_ABSENT)
		k->ring_refs[0] = k->ring_ref;

	for (i = 0; i < nr; i++) {
		if (k->ring_refs[i] == TANDEM_BLKIF_ABSENT)
			return TANDEM_BLKIF_NEGO_RING_REF;
		if (keys_twice(k->ring_refs, i))
			return TANDEM_BLKIF_NEGO_RING_TWICE;
	}

	return TANDEM_BLKIF_NEGO_OK;
}

/**
 * tandem_blkif_queue_check() - backend: find the grants of a queue's ring
 * @k: what the frontend wrote; on success the first 1 << @ring_order of
 *     @k->ring_refs are the ring's pages
 * @ring_order: order of the ring, as agreed
 * @why: receives the reason of a refusal, or TANDEM_BLKIF_NEGO_OK
 *
 * A ring of one page goes by "ring-ref"; "ring-ref0" is accepted in its place,
 * since not every frontend knows the difference.
 *
 * Spec: io/blkif.h, ring-ref, ring-ref%u and note 6.
 *
 * Return: 0, or -EINVAL.
 */
int tandem_blkif_queue_check(struct tandem_blkif_queue_keys *k, u16 ring_order,
			     enum tandem_blkif_nego *why)
{
	*why = keys_ring_refs(k, ring_order);
	return keys_errno(*why);
}
EXPORT_SYMBOL_GPL(tandem_blkif_queue_check);

static u16 keys_offered_order(const struct tandem_blkif_back_keys *k)
{
	u32 order = min_t(u32, k->max_order, TANDEM_BLKIF_MAX_ORDER);
	u32 pages = min_t(u32, k->max_pages, TANDEM_BLKIF_MAX_PAGES);

	return max_t(u32, order, pages ? ilog2(pages) : 0);
}

/* No use for indirect requests that hold no more than direct ones. */
static u16 keys_indirect(u32 offered, u16 own)
{
	u32 most = min_t(u32, own, TANDEM_BLKIF_MAX_INDIRECT_SEGS);
	u32 nr = min(offered, most);

	return nr > TANDEM_BLKIF_MAX_SEGS ? nr : 0;
}

/**
 * tandem_blkif_choose() - frontend: take what suits from a backend's offer
 * @k: the offer
 * @host: what this end wants at most
 * @out: receives the choice, which is within both
 *
 * Called in InitWait, with the keys of tandem_blkif_offer_table. Some backends
 * write "feature-persistent" and "feature-max-indirect-segments" later: called
 * again once they are Connected, @out->persistent and @out->max_indirect are
 * final, while queues and ring stay as they were published.
 *
 * Spec: io/blkif.h, as for tandem_blkif_accept(), and BLKIF_OP_INDIRECT.
 */
void tandem_blkif_choose(const struct tandem_blkif_back_keys *k,
			 const struct tandem_blkif_host *host,
			 struct tandem_blkif_transport *out)
{
	u32 queues = clamp_t(u32, k->max_queues, 1, TANDEM_BLKIF_MAX_QUEUES);

	out->nr_queues = clamp_t(u32, host->max_queues, 1, queues);
	out->ring_order = min(host->max_order, keys_offered_order(k));
	out->max_indirect = keys_indirect(k->max_indirect, host->max_indirect);
	out->abi = TANDEM_BLKIF_NATIVE;
	out->persistent = k->persistent && host->persistent;
}
EXPORT_SYMBOL_GPL(tandem_blkif_choose);

static enum tandem_blkif_nego keys_size(const struct tandem_blkif_back_keys *k,
					struct tandem_blkif_device *out)
{
	u32 size = k->sector_size;

	if (!is_power_of_2(size) || size < TANDEM_BLKIF_SECTOR_SIZE ||
	    size > TANDEM_BLKIF_PAGE_SIZE)
		return TANDEM_BLKIF_NEGO_SECTOR_SIZE;
	/* Of an image whose end is no whole sector, that end is not to be had. */
	out->sectors = k->sectors & ~(u64)((size >> TANDEM_BLKIF_SECTOR_SHIFT) - 1);
	out->sector_size = size;
	out->phys_size = k->phys_size;
	if (!is_power_of_2(k->phys_size) || k->phys_size < size)
		out->phys_size = size;
	return TANDEM_BLKIF_NEGO_OK;
}

static void keys_discard(const struct tandem_blkif_back_keys *k,
			 struct tandem_blkif_device *out)
{
	u32 unit = out->sector_size;

	out->discard = k->discard && !out->readonly;
	out->secure = out->discard && k->secure;
	out->granularity = 0;
	out->alignment = 0;
	if (!out->discard)
		return;

	out->granularity = unit;
	if (k->granularity && !(k->granularity & (unit - 1)))
		out->granularity = k->granularity;
	if (!(k->alignment & (unit - 1)))
		out->alignment = k->alignment % out->granularity;
}

/**
 * tandem_blkif_device_check() - frontend: what the disk is like
 * @k: what the backend wrote
 * @out: receives the properties; undefined on an error
 * @why: receives the reason of a refusal, or TANDEM_BLKIF_NEGO_OK
 *
 * Only what makes I/O impossible is refused. Hints that make no sense fall back
 * to the specification's defaults.
 *
 * Spec: io/blkif.h, Backend Device Properties and note 4.
 *
 * Return: 0, or -EINVAL.
 */
int tandem_blkif_device_check(const struct tandem_blkif_back_keys *k,
			      struct tandem_blkif_device *out,
			      enum tandem_blkif_nego *why)
{
	*why = keys_size(k, out);
	if (*why)
		return keys_errno(*why);

	out->flush = k->flush;
	out->barrier = k->barrier;
	out->readonly = k->info & TANDEM_BLKIF_INFO_READONLY;
	out->removable = k->info & TANDEM_BLKIF_INFO_REMOVABLE;
	out->cdrom = k->info & TANDEM_BLKIF_INFO_CDROM;
	keys_discard(k, out);
	return 0;
}
EXPORT_SYMBOL_GPL(tandem_blkif_device_check);

/**
 * tandem_blkif_mode() - how a toolstack wants a disk to be used
 * @mode: value of the key "mode"
 * @readonly: receives whether it is for reading only
 * @shared: receives whether others may write to it as well
 *
 * "r" or "ro", "w" or "rw", with "!" behind it for sharing. The hotplug script
 * knows the same ones.
 *
 * Return: 0, or -EINVAL for any other text.
 */
int tandem_blkif_mode(const char *mode, bool *readonly, bool *shared)
{
	static const struct {
		const char *text;
		bool readonly;
	} known[] = {
		{ "r", true }, { "ro", true }, { "w", false }, { "rw", false },
	};
	unsigned int i;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		len = strlen(known[i].text);
		if (strncmp(mode, known[i].text, len))
			continue;
		*readonly = known[i].readonly;
		*shared = mode[len] == '!';
		if (!mode[len + *shared])
			return 0;
	}

	return -EINVAL;
}
EXPORT_SYMBOL_GPL(tandem_blkif_mode);

/**
 * tandem_blkif_queue_dir() - directory of a queue's keys
 * @dir: directory of the frontend's end of the device
 * @queue: number of the queue
 * @nr_queues: number of queues; one alone has its keys in @dir itself
 * @buf: receives the path
 * @size: bytes at @buf
 *
 * Spec: io/blkif.h, Multiple hardware queues.
 *
 * Return: 0, or -ENAMETOOLONG.
 */
int tandem_blkif_queue_dir(const char *dir, u16 queue, u16 nr_queues,
			   char *buf, size_t size)
{
	int len;

	if (nr_queues == 1)
		len = snprintf(buf, size, "%s", dir);
	else
		len = snprintf(buf, size, "%s/" TANDEM_BLKIF_KEY_QUEUE_N, dir,
			       queue);

	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}
EXPORT_SYMBOL_GPL(tandem_blkif_queue_dir);

/**
 * tandem_blkif_nego_str() - name the reason of a failed negotiation
 * @why: the reason
 *
 * Return: a few words of English.
 */
const char *tandem_blkif_nego_str(enum tandem_blkif_nego why)
{
	return (unsigned int)why < ARRAY_SIZE(keys_nego) ? keys_nego[why] : "?";
}
EXPORT_SYMBOL_GPL(tandem_blkif_nego_str);
