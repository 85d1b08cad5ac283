// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grant table: references, what they lend, and who has it mapped.
 */
#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <xen/grant_table.h>

#include "fake.h"

#define GRANT_REFS	8192U
/* The first ones are reserved on Xen, too. */
#define GRANT_FIRST	8U
#define GRANT_END	0xffffffffU

enum grant_state {
	GRANT_FREE,
	GRANT_CLAIMED,
	GRANT_LENT,
};

/**
 * struct grant_entry - one reference
 * @state: who has it
 * @readonly: lent for reading only
 * @stuck: the peer does not let go of it for now (a planned failure)
 * @ending: nobody but a peer that has it mapped has a use for it
 * @maps: how often it is mapped
 * @next: reference on a list of claimed or free ones
 * @pfn: what is lent
 * @later: page to be freed when the last mapping goes
 */
struct grant_entry {
	u8 state;
	bool readonly;
	bool stuck;
	bool ending;
	unsigned int maps;
	u32 next;
	unsigned long pfn;
	struct page *later;
};

/* Guards the table. */
static DEFINE_RAW_SPINLOCK(grant_lock);
static struct grant_entry grant_entry[GRANT_REFS];
static u32 grant_free_head = GRANT_END;
static unsigned int grant_used;
static unsigned int grant_mapped;

static struct grant_entry *grant_of(grant_ref_t ref)
{
	return ref >= GRANT_FIRST && ref < GRANT_REFS ? &grant_entry[ref] : NULL;
}

static u32 grant_pop(u32 *head)
{
	u32 ref = *head;

	if (ref != GRANT_END)
		*head = grant_entry[ref].next;
	return ref;
}

static void grant_put(u32 ref)
{
	struct grant_entry *entry = &grant_entry[ref];

	lockdep_assert_held(&grant_lock);
	*entry = (struct grant_entry){ .next = grant_free_head };
	grant_free_head = ref;
	grant_used--;
}

static void grant_take(u32 *head)
{
	u32 ref = grant_pop(&grant_free_head);

	grant_entry[ref].state = GRANT_CLAIMED;
	grant_entry[ref].next = *head;
	*head = ref;
	grant_used++;
}

FAKED(gnttab_alloc_grant_references);
int fake_gnttab_alloc_grant_references(u16 count, grant_ref_t *head)
{
	unsigned long flags;
	bool room;

	if (fake_fails(1))
		return -ENOSPC;
	*head = GRANT_END;
	raw_spin_lock_irqsave(&grant_lock, flags);
	room = count <= GRANT_REFS - GRANT_FIRST - grant_used;
	while (room && count--)
		grant_take(head);
	raw_spin_unlock_irqrestore(&grant_lock, flags);
	return room ? 0 : -ENOSPC;
}

FAKED(gnttab_free_grant_references);
void fake_gnttab_free_grant_references(grant_ref_t head)
{
	unsigned long flags;
	u32 ref;

	raw_spin_lock_irqsave(&grant_lock, flags);
	while ((ref = grant_pop(&head)) != GRANT_END)
		grant_put(ref);
	raw_spin_unlock_irqrestore(&grant_lock, flags);
}

FAKED(gnttab_claim_grant_reference);
int fake_gnttab_claim_grant_reference(grant_ref_t *head)
{
	unsigned long flags;
	u32 ref;

	raw_spin_lock_irqsave(&grant_lock, flags);
	ref = grant_pop(head);
	raw_spin_unlock_irqrestore(&grant_lock, flags);
	if (ref == GRANT_END)
		fake_abuse("a reference is claimed from an empty list");
	return ref == GRANT_END ? -ENOSPC : ref;
}

FAKED(gnttab_grant_foreign_access_ref);
void fake_gnttab_grant_foreign_access_ref(grant_ref_t ref, domid_t domid,
					  unsigned long frame, int readonly)
{
	struct grant_entry *entry = grant_of(ref);
	bool claimed = false;
	unsigned long flags;

	raw_spin_lock_irqsave(&grant_lock, flags);
	if (entry && entry->state == GRANT_CLAIMED) {
		claimed = true;
		entry->state = GRANT_LENT;
		entry->readonly = readonly;
		entry->pfn = frame;
	}
	raw_spin_unlock_irqrestore(&grant_lock, flags);
	if (!claimed || domid || !pfn_valid(frame))
		fake_abuse("reference %u: frame %lx lent to domain %u", ref,
			   frame, domid);
}

/* The access ends, or will when the last mapping goes. */
static bool grant_end(grant_ref_t ref, bool stick, struct page *later)
{
	struct grant_entry *entry = grant_of(ref);
	bool ended = false, lent;
	unsigned long flags;

	raw_spin_lock_irqsave(&grant_lock, flags);
	lent = entry && entry->state == GRANT_LENT && !entry->ending;
	if (lent) {
		entry->stuck |= stick;
		ended = !entry->maps && !entry->stuck;
		entry->later = later;
		entry->ending = later;
		if (ended)
			grant_put(ref);
	}
	raw_spin_unlock_irqrestore(&grant_lock, flags);
	if (!lent)
		fake_abuse("reference %u is ended and not lent", ref);
	return ended;
}

static bool grant_guessed;

/* The peer has mapped what is taken back next, told of it or not. */
void fake_grant_guess(void)
{
	WRITE_ONCE(grant_guessed, true);
}

FAKED(gnttab_try_end_foreign_access);
int fake_gnttab_try_end_foreign_access(grant_ref_t ref)
{
	bool stick = fake_fails(1);

	return grant_end(ref, xchg(&grant_guessed, false) || stick, NULL);
}

static void grant_put_page(struct page *page)
{
	if (!page)
		return;
	if (page_count(page) == 1)
		fake_memory_forget(page);
	put_page(page);
}

FAKED(gnttab_end_foreign_access);
void fake_gnttab_end_foreign_access(grant_ref_t ref, struct page *page)
{
	if (grant_end(ref, false, page))
		grant_put_page(page);
}

/**
 * fake_grant_map() - a mapping begins, or a copy, which is a short one
 * @ref: reference, any value
 * @readonly: the peer only reads
 * @status: set to why not
 *
 * Return: the page that is lent, or NULL.
 */
struct page *fake_grant_map(grant_ref_t ref, bool readonly, s16 *status)
{
	struct grant_entry *entry = grant_of(ref);
	struct page *page = NULL;
	unsigned long flags;

	*status = GNTST_bad_gntref;
	raw_spin_lock_irqsave(&grant_lock, flags);
	if (entry && entry->state == GRANT_LENT && !entry->ending) {
		*status = GNTST_permission_denied;
		if (readonly || !entry->readonly)
			page = pfn_to_page(entry->pfn);
	}
	if (page) {
		*status = GNTST_okay;
		entry->maps++;
		grant_mapped++;
	}
	raw_spin_unlock_irqrestore(&grant_lock, flags);
	return page;
}

void fake_grant_unmap(grant_ref_t ref)
{
	struct grant_entry *entry = grant_of(ref);
	struct page *later = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&grant_lock, flags);
	grant_mapped--;
	if (!--entry->maps && entry->ending && !entry->stuck) {
		later = entry->later;
		grant_put(ref);
	}
	raw_spin_unlock_irqrestore(&grant_lock, flags);
	grant_put_page(later);
}

static struct page *grant_release(u32 ref)
{
	struct grant_entry *entry = &grant_entry[ref];
	struct page *later = NULL;

	raw_spin_lock_irq(&grant_lock);
	entry->stuck = false;
	if (entry->ending && !entry->maps) {
		later = entry->later;
		grant_put(ref);
	}
	raw_spin_unlock_irq(&grant_lock);
	return later;
}

/* A peer that kept pages for long lets go of them in the end. */
void fake_grant_settle(void)
{
	u32 ref;

	for (ref = GRANT_FIRST; ref < GRANT_REFS; ref++)
		grant_put_page(grant_release(ref));
}

unsigned int fake_grant_count(void)
{
	return READ_ONCE(grant_used);
}

unsigned int fake_grant_maps(void)
{
	return READ_ONCE(grant_mapped);
}

static s16 grant_copy_one(struct gnttab_copy *op)
{
	bool from = op->flags & GNTCOPY_source_gref;
	const struct gnttab_copy_ptr *theirs = from ? &op->source : &op->dest;
	const struct gnttab_copy_ptr *ours = from ? &op->dest : &op->source;
	struct page *page, *own = pfn_to_page(ours->u.gmfn);
	s16 status;

	if (theirs->offset + op->len > PAGE_SIZE ||
	    ours->offset + op->len > PAGE_SIZE || theirs->domid != FAKE_DOMID)
		return GNTST_bad_copy_arg;
	page = fake_grant_map(theirs->u.ref, from, &status);
	if (!page)
		return status;
	if (from)
		memcpy_page(own, ours->offset, page, theirs->offset, op->len);
	else
		memcpy_page(page, theirs->offset, own, ours->offset, op->len);
	fake_grant_unmap(theirs->u.ref);
	return GNTST_okay;
}

FAKED(gnttab_batch_copy);
void fake_gnttab_batch_copy(struct gnttab_copy *batch, unsigned int count)
{
	unsigned int way = fake_fails(1);
	unsigned int i;

	might_sleep();
	for (i = 0; i < count; i++)
		batch[i].status = grant_copy_one(&batch[i]);
	if (way)
		batch[count - 1].status = GNTST_general_error;
}

void fake_grant_init(void)
{
	u32 ref;

	for (ref = GRANT_REFS - 1; ref >= GRANT_FIRST; ref--) {
		grant_entry[ref].next = grant_free_head;
		grant_free_head = ref;
	}
}
