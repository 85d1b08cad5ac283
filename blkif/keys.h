/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keys of the block protocol in xenstore, in both directions, and what the
 * two ends make of them.
 *
 * Reading is done by common/xenbus with the tables declared here; the functions
 * then decide on private structs. Each end offers, the frontend asks for no
 * more than was offered, and a backend refuses one that asks for more.
 */
#ifndef TANDEM_BLKIF_KEYS_H
#define TANDEM_BLKIF_KEYS_H

#include <linux/limits.h>
#include <linux/types.h>

#include "common/xenbus/keys.h"
#include "wire.h"

/* Written by the backend. */
#define TANDEM_BLKIF_KEY_MAX_QUEUES	"multi-queue-max-queues"
#define TANDEM_BLKIF_KEY_MAX_ORDER	"max-ring-page-order"
#define TANDEM_BLKIF_KEY_MAX_PAGES	"max-ring-pages"
#define TANDEM_BLKIF_KEY_MAX_INDIRECT	"feature-max-indirect-segments"
#define TANDEM_BLKIF_KEY_FLUSH		"feature-flush-cache"
#define TANDEM_BLKIF_KEY_BARRIER	"feature-barrier"
#define TANDEM_BLKIF_KEY_DISCARD	"feature-discard"
#define TANDEM_BLKIF_KEY_GRANULARITY	"discard-granularity"
#define TANDEM_BLKIF_KEY_ALIGNMENT	"discard-alignment"
#define TANDEM_BLKIF_KEY_SECURE		"discard-secure"
#define TANDEM_BLKIF_KEY_SECTORS	"sectors"
#define TANDEM_BLKIF_KEY_SECTOR_SIZE	"sector-size"
#define TANDEM_BLKIF_KEY_PHYS_SIZE	"physical-sector-size"
#define TANDEM_BLKIF_KEY_INFO		"info"

/* Written by the frontend. */
#define TANDEM_BLKIF_KEY_PROTOCOL	"protocol"
#define TANDEM_BLKIF_KEY_NUM_QUEUES	"multi-queue-num-queues"
#define TANDEM_BLKIF_KEY_RING_ORDER	"ring-page-order"
#define TANDEM_BLKIF_KEY_RING_PAGES	"num-ring-pages"
#define TANDEM_BLKIF_KEY_RING_REF	"ring-ref"
#define TANDEM_BLKIF_KEY_RING_REF_N	"ring-ref%u"
#define TANDEM_BLKIF_KEY_EVENT_CHANNEL	"event-channel"
#define TANDEM_BLKIF_KEY_QUEUE_N	"queue-%u"
#define TANDEM_BLKIF_KEY_LARGE_SECTOR	"feature-large-sector-size"

/* Written by both. */
#define TANDEM_BLKIF_KEY_PERSISTENT	"feature-persistent"

/* Written by the toolstack. */
#define TANDEM_BLKIF_KEY_MODE		"mode"
#define TANDEM_BLKIF_KEY_DEVICE_TYPE	"device-type"
#define TANDEM_BLKIF_KEY_VIRTUAL_DEVICE	"virtual-device"
#define TANDEM_BLKIF_KEY_TRUSTED	"trusted"
#define TANDEM_BLKIF_KEY_ONLINE		"online"
#define TANDEM_BLKIF_KEY_DISCARD_ENABLE	"discard-enable"
#define TANDEM_BLKIF_KEY_DIRECT_IO_SAFE	"direct-io-safe"

/* Largest ring, as an order and in pages; and most queues, of any host. */
#define TANDEM_BLKIF_MAX_ORDER	4
#define TANDEM_BLKIF_MAX_PAGES	16
#define TANDEM_BLKIF_MAX_QUEUES	64

/* "Not there", for numbers whose every value means something. */
#define TANDEM_BLKIF_ABSENT	U32_MAX

/* "Not there", for a flag with more than two answers. */
#define TANDEM_BLKIF_UNSAID	2

/**
 * struct tandem_blkif_front_keys - what a backend reads of a frontend
 * @protocol: text of the key; empty if absent
 * @num_queues: queues in use; 1 if absent
 * @ring_order: TANDEM_BLKIF_ABSENT if absent
 * @ring_pages: TANDEM_BLKIF_ABSENT if absent
 * @persistent: the frontend reuses its grants
 * @large_sector: the deprecated key is there: this frontend counts sectors in
 *                units of the logical sector size, so only 512 suits it
 */
struct tandem_blkif_front_keys {
	char protocol[16];
	u32 num_queues;
	u32 ring_order;
	u32 ring_pages;
	bool persistent;
	bool large_sector;
};

/**
 * struct tandem_blkif_queue_keys - what a backend reads of one queue
 * @event_channel: port
 * @ring_ref: grant of a ring of one page; TANDEM_BLKIF_ABSENT if absent
 * @ring_refs: grants of a ring by pages; TANDEM_BLKIF_ABSENT where absent.
 *             After tandem_blkif_queue_check() it holds those of any ring
 */
struct tandem_blkif_queue_keys {
	u32 event_channel;
	u32 ring_ref;
	u32 ring_refs[TANDEM_BLKIF_MAX_PAGES];
};

/**
 * struct tandem_blkif_back_keys - what a frontend reads of a backend
 * @sectors: size in units of 512 bytes
 * @sector_size: logical sector in bytes
 * @phys_size: physical sector in bytes; 0 if absent
 * @info: TANDEM_BLKIF_INFO_*
 * @max_order: largest ring; 0 if absent
 * @max_pages: the same in the other spelling; 1 if absent
 * @max_queues: most queues; 1 if absent
 * @max_indirect: most segments of an indirect request; 0 if absent
 * @granularity: of discards, in bytes; 0 if absent
 * @alignment: of discards, in bytes
 * @flush: the backend takes flushes
 * @barrier: the backend takes barriers
 * @discard: the backend takes discards
 * @secure: the backend takes secure discards
 * @persistent: the backend keeps grants mapped
 *
 * The transport's part is there once the backend is in InitWait, the device's
 * part once it is Connected.
 */
struct tandem_blkif_back_keys {
	u64 sectors;
	u32 sector_size;
	u32 phys_size;
	u32 info;
	u32 max_order;
	u32 max_pages;
	u32 max_queues;
	u32 max_indirect;
	u32 granularity;
	u32 alignment;
	bool flush;
	bool barrier;
	bool discard;
	bool secure;
	bool persistent;
};

/**
 * struct tandem_blkif_tool_keys - what a backend reads of the toolstack
 * @mode: for tandem_blkif_mode(); empty if absent
 * @device_type: "disk", "cdrom" or the like; empty if absent
 * @discard_enable: 0 or 1: offer discards; TANDEM_BLKIF_UNSAID if absent
 * @direct_io_safe: the toolstack vouches for direct I/O
 */
struct tandem_blkif_tool_keys {
	char mode[8];
	char device_type[16];
	u8 discard_enable;
	bool direct_io_safe;
};

/**
 * struct tandem_blkif_own_keys - what a frontend reads of its own directory
 * @virtual_device: number that names the disk in the guest
 * @device_type: as in struct tandem_blkif_tool_keys
 * @trusted: the backend need not be guarded against; 1 if absent
 */
struct tandem_blkif_own_keys {
	u32 virtual_device;
	char device_type[16];
	bool trusted;
};

/**
 * struct tandem_blkif_host - what this end allows itself
 * @max_queues: most queues, at least 1
 * @max_order: largest ring, as an order
 * @max_indirect: most segments of an indirect request; 0 for none
 * @persistent: keep grants mapped, or reuse them
 * @dflt_abi: backend: layout meant by a frontend that does not say; NATIVE by
 *            the specification
 */
struct tandem_blkif_host {
	u16 max_queues;
	u16 max_order;
	u16 max_indirect;
	bool persistent;
	u8 dflt_abi;
};

/**
 * struct tandem_blkif_transport - what the two ends agreed on
 * @nr_queues: queues, at least 1
 * @ring_order: pages of each ring, as an order
 * @max_indirect: frontend: most segments of an indirect request; 0 for none
 * @abi: backend: layout of the requests, one of enum tandem_blkif_abi
 * @persistent: grants are reused and stay mapped
 */
struct tandem_blkif_transport {
	u16 nr_queues;
	u16 ring_order;
	u16 max_indirect;
	u8 abi;
	bool persistent;
};

/**
 * struct tandem_blkif_device - the disk as a frontend may present it
 * @sectors: size in units of 512 bytes
 * @sector_size: logical sector in bytes
 * @phys_size: physical sector in bytes
 * @granularity: of discards, in bytes; 0 without them
 * @alignment: of discards, in bytes
 * @flush: flushes work
 * @barrier: barriers work
 * @discard: discards work
 * @secure: secure discards work
 * @readonly: writes are refused
 * @removable: the medium may change
 * @cdrom: present it as a CD-ROM
 */
struct tandem_blkif_device {
	u64 sectors;
	u32 sector_size;
	u32 phys_size;
	u32 granularity;
	u32 alignment;
	bool flush;
	bool barrier;
	bool discard;
	bool secure;
	bool readonly;
	bool removable;
	bool cdrom;
};

/**
 * enum tandem_blkif_nego - why a negotiation failed
 * @TANDEM_BLKIF_NEGO_OK: it did not
 * @TANDEM_BLKIF_NEGO_PROTOCOL: unknown layout
 * @TANDEM_BLKIF_NEGO_QUEUES: no queue, or more than offered
 * @TANDEM_BLKIF_NEGO_ORDER: larger ring than offered
 * @TANDEM_BLKIF_NEGO_PAGES: number of ring pages is not a power of two
 * @TANDEM_BLKIF_NEGO_SPELLINGS: the two spellings of the ring's size disagree
 * @TANDEM_BLKIF_NEGO_RING_REF: a ring page without a grant
 * @TANDEM_BLKIF_NEGO_RING_TWICE: one grant for two ring pages
 * @TANDEM_BLKIF_NEGO_SECTOR_SIZE: logical sector not a power of two from 512 to
 *                                 4096
 * @TANDEM_BLKIF_NEGO_COUNT: number of values
 */
enum tandem_blkif_nego {
	TANDEM_BLKIF_NEGO_OK,
	TANDEM_BLKIF_NEGO_PROTOCOL,
	TANDEM_BLKIF_NEGO_QUEUES,
	TANDEM_BLKIF_NEGO_ORDER,
	TANDEM_BLKIF_NEGO_PAGES,
	TANDEM_BLKIF_NEGO_SPELLINGS,
	TANDEM_BLKIF_NEGO_RING_REF,
	TANDEM_BLKIF_NEGO_RING_TWICE,
	TANDEM_BLKIF_NEGO_SECTOR_SIZE,
	TANDEM_BLKIF_NEGO_COUNT,
};

/* Rows of the tables; the queue's table is read up to a row that depends. */
#define TANDEM_BLKIF_NR_FRONT_KEYS	6
#define TANDEM_BLKIF_NR_QUEUE_KEYS	(2 + TANDEM_BLKIF_MAX_PAGES)
#define TANDEM_BLKIF_NR_OFFER_KEYS	5
#define TANDEM_BLKIF_NR_DEVICE_KEYS	12
#define TANDEM_BLKIF_NR_TOOL_KEYS	4
#define TANDEM_BLKIF_NR_OWN_KEYS	3

/* Backend, of the frontend's directory, into tandem_blkif_front_keys. */
extern const struct tandem_key
tandem_blkif_front_table[TANDEM_BLKIF_NR_FRONT_KEYS];

/*
 * Backend, of a queue's directory, into tandem_blkif_queue_keys; the first
 * tandem_blkif_queue_rows() rows.
 */
extern const struct tandem_key
tandem_blkif_queue_table[TANDEM_BLKIF_NR_QUEUE_KEYS];

/* Frontend in InitWait, of the backend's, into tandem_blkif_back_keys. */
extern const struct tandem_key
tandem_blkif_offer_table[TANDEM_BLKIF_NR_OFFER_KEYS];

/* Frontend in Connected, of the backend's, into tandem_blkif_back_keys. */
extern const struct tandem_key
tandem_blkif_device_table[TANDEM_BLKIF_NR_DEVICE_KEYS];

/* Backend, of its own directory, into tandem_blkif_tool_keys. */
extern const struct tandem_key
tandem_blkif_tool_table[TANDEM_BLKIF_NR_TOOL_KEYS];

/* Frontend, of its own directory, into tandem_blkif_own_keys. */
extern const struct tandem_key
tandem_blkif_own_table[TANDEM_BLKIF_NR_OWN_KEYS];

int tandem_blkif_accept(const struct tandem_blkif_front_keys *k,
			const struct tandem_blkif_host *host,
			struct tandem_blkif_transport *out,
			enum tandem_blkif_nego *why);
unsigned int tandem_blkif_queue_rows(u16 ring_order);
int tandem_blkif_queue_check(struct tandem_blkif_queue_keys *k, u16 ring_order,
			     enum tandem_blkif_nego *why);
void tandem_blkif_choose(const struct tandem_blkif_back_keys *k,
			 const struct tandem_blkif_host *host,
			 struct tandem_blkif_transport *out);
int tandem_blkif_device_check(const struct tandem_blkif_back_keys *k,
			      struct tandem_blkif_device *out,
			      enum tandem_blkif_nego *why);
int tandem_blkif_mode(const char *mode, bool *readonly, bool *shared);
int tandem_blkif_queue_dir(const char *dir, u16 queue, u16 nr_queues,
			   char *buf, size_t size);
const char *tandem_blkif_protocol_str(enum tandem_blkif_abi abi);
const char *tandem_blkif_nego_str(enum tandem_blkif_nego why);

#endif /* TANDEM_BLKIF_KEYS_H */
