/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fake Xen inside one kernel: the modules of the project, as they are, with
 * their calls to Xen and to what can fail redirected here by the linker (see
 * run). A symbol fake_NAME that this module exports takes the place of NAME.
 *
 * Both ends of a disk live in this one kernel, so what passes between them is
 * what would pass on Xen: names in a store, interrupts, and pages of the one
 * that the other has mapped.
 */
#ifndef FAKE_H
#define FAKE_H

#include <linux/blkdev.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/types.h>
#include <xen/interface/grant_table.h>
#include <xen/xenbus.h>

/* What follows takes the place of a function or variable of the kernel's. */
#define FAKED(name)			\
	extern typeof(name) fake_##name;	\
	EXPORT_SYMBOL_GPL(fake_##name)

/* The guest of the one disk. */
#define FAKE_DOMID	5

/* fault.c: calls that may fail, and which one does */
unsigned int fake_fault(const char *call, unsigned long caller,
			unsigned int ways);
/* In an exported fake_NAME(): 0, or the way in which this call is to fail. */
#define fake_fails(ways)	fake_fault(__func__ + strlen("fake_"), \
					   _RET_IP_, ways)

/**
 * struct fake_plan - one failure
 * @site: which call of which function, by number
 * @way: in which of the ways that it may fail, from one on
 * @hit: the how manieth time in this life, from one on
 */
struct fake_plan {
	unsigned int site;
	unsigned int way;
	unsigned int hit;
};

/* The way in which a call to map finds no room for any page. */
#define FAKE_MAP_NO_ROOM	4

/**
 * enum fake_dry - what is not to be had by the backend for a while
 * @FAKE_DRY_NOTHING: all is as usual
 * @FAKE_DRY_MEMORY: memory, foreign pages among it
 * @FAKE_DRY_ROOM: and room for mappings
 * @FAKE_DRY_MAPPINGS: room for mappings alone
 */
enum fake_dry {
	FAKE_DRY_NOTHING,
	FAKE_DRY_MEMORY,
	FAKE_DRY_ROOM,
	FAKE_DRY_MAPPINGS,
};

void fake_fault_dry(enum fake_dry dry);
unsigned int fake_fault_dry_hits(void);
void fake_fault_begin(unsigned int kind, const struct fake_plan *plan);
bool fake_fault_end(void);
void fake_fault_phase(const char *phase);
bool fake_fault_last_fired(void);
const char *fake_fault_hit_phase(void);
bool fake_fault_shortage(void);
bool fake_fault_write(void);
unsigned int fake_fault_sites(void);
unsigned int fake_fault_ways(unsigned int site);
unsigned int fake_fault_kind(unsigned int site);
bool fake_fault_again(unsigned int site);
unsigned int fake_fault_most(unsigned int site);
void fake_fault_name(const struct fake_plan *plan, char *text, size_t size);

/* memory.c: what the modules hold */
void fake_memory_note(const void *memory, unsigned long caller);
void fake_memory_forget(const void *memory);
unsigned int fake_memory_count(void);
void fake_memory_show(char *text, size_t size);

/* abuse.c: calls that no driver should make */
__printf(1, 2) void fake_abuse(const char *fmt, ...);
unsigned int fake_abuse_take(void);

/* complaint.c: what the kernel says */
unsigned int fake_complaint_take(char *text, size_t size);
void fake_complaint_init(void);
void fake_complaint_exit(void);

/* store.c and watch.c: the store */
char *fake_store_get(const char *dir, const char *node);
int fake_store_state(const char *dir);
int fake_store_set(const char *dir, const char *node, const char *value);
void fake_store_remove(const char *path);
void fake_store_slow(bool slow);
bool fake_store_slowed(void);
unsigned int fake_store_transactions(void);
void fake_watch_fire(const char *path);
int fake_watch_add(struct xenbus_watch *watch);
void fake_watch_remove(struct xenbus_watch *watch);
void fake_watch_run(void (*fn)(void *arg), void *arg);
unsigned int fake_watch_count(void);
int fake_watch_init(void);
void fake_watch_exit(void);

/* bus.c: devices */
struct xenbus_device *fake_bus_add(bool front, const char *name,
				   const char *nodename, const char *otherend,
				   int otherend_id);
void fake_bus_remove(struct xenbus_device *dev);
int fake_bus_suspend(struct xenbus_device *dev);
int fake_bus_resume(struct xenbus_device *dev);
int fake_bus_init(void);
void fake_bus_exit(void);

/* event.c */
unsigned int fake_event_count(void);
void fake_event_init(void);

/* block.c: a store that erases */
void fake_block_offer_erase(dev_t dev);
void fake_block_refuse(bool refuse);
unsigned int fake_block_erased(void);

/* hold.c: a store that holds on to pages */
void fake_hold_begin(void);
void fake_hold_bio(struct bio *bio);
unsigned int fake_hold_count(void);
void fake_hold_end(void);

/* grant.c, foreign.c */
struct page *fake_grant_map(grant_ref_t ref, bool readonly, s16 *status);
void fake_grant_unmap(grant_ref_t ref);
void fake_grant_settle(void);
void fake_grant_guess(void);
unsigned int fake_grant_count(void);
unsigned int fake_grant_maps(void);
void fake_grant_init(void);
int fake_foreign_map(struct page *foreign, struct page *real, bool readonly);
void fake_foreign_unmap(struct page *foreign);
void fake_foreign_flush(void);
struct page *fake_foreign_real(struct page *page);
bool fake_foreign_is(struct page *page);
unsigned int fake_foreign_count(void);
void fake_foreign_exit(void);

/* disk.c: I/O, and what must be there afterwards */
#define FAKE_BLOCK	4096
#define FAKE_BLOCKS	1024
struct fake_disk {
	struct file *file;
	struct block_device *bdev;
};

/**
 * struct fake_result - what became of I/O
 * @errors: that the caller was told of
 * @wrong: blocks with other data than was written
 * @stuck: how often it did not end
 */
struct fake_result {
	unsigned int errors;
	unsigned int wrong;
	unsigned int stuck;
};

void fake_disk_forget(void);
int fake_disk_open(struct fake_disk *disk, dev_t dev);
void fake_disk_close(struct fake_disk *disk);
void fake_disk_work(struct fake_disk *disk, struct fake_result *result);
void fake_disk_read(struct fake_disk *disk, struct fake_result *result);
bool fake_disk_erases(const struct fake_disk *disk);
void fake_disk_erase(struct fake_disk *disk, struct fake_result *result);
void fake_disk_discard(struct fake_disk *disk, struct fake_result *result);
void fake_disk_start(struct fake_disk *disk);
void fake_disk_crowd(struct fake_disk *disk);
bool fake_disk_busy(void);
void fake_disk_wait(struct fake_result *result);
void fake_disk_check_file(struct file *file, struct fake_result *result);

/* life.c: a disk from attach to detach */
void fake_life_rescue(void);
unsigned int fake_life_kinds(void);
const char *fake_life_kind(unsigned int kind);
bool fake_life_run(unsigned int kind, const struct fake_plan *plan,
		   char *text, size_t size);

/* plan.c: which failure comes next */
void fake_plan_reset(void);
const struct fake_plan *fake_plan_get(bool load);
void fake_plan_done(bool fired);

#endif /* FAKE_H */
