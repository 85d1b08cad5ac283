// SPDX-License-Identifier: GPL-2.0-only
/*
 * A store that holds on to pages after it has completed a request, as one with a
 * network below may until the other side has acknowledged them.
 */
#include <linux/bio.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include "fake.h"

#define HOLD_PAGES	512

/* Guards what is held. */
static DEFINE_SPINLOCK(hold_lock);
static struct page *hold_page[HOLD_PAGES];
static unsigned int hold_pages;
static bool hold_wanted;

/**
 * fake_hold_begin() - from now on the pages of writes are held
 */
void fake_hold_begin(void)
{
	WRITE_ONCE(hold_wanted, true);
}

static void hold_add(struct page *page)
{
	unsigned long flags;

	spin_lock_irqsave(&hold_lock, flags);
	if (hold_pages < HOLD_PAGES && fake_foreign_is(page)) {
		get_page(page);
		hold_page[hold_pages++] = page;
	}
	spin_unlock_irqrestore(&hold_lock, flags);
}

/**
 * fake_hold_bio() - the backend hands this to its store
 * @bio: before it is submitted
 */
void fake_hold_bio(struct bio *bio)
{
	struct bvec_iter iter;
	struct bio_vec vec;

	if (!READ_ONCE(hold_wanted) || bio_op(bio) != REQ_OP_WRITE)
		return;
	bio_for_each_segment(vec, bio, iter)
		hold_add(vec.bv_page);
}

/* Return: how many pages are held. */
unsigned int fake_hold_count(void)
{
	return READ_ONCE(hold_pages);
}

/**
 * fake_hold_end() - let go of all
 */
void fake_hold_end(void)
{
	unsigned long flags;

	WRITE_ONCE(hold_wanted, false);
	spin_lock_irqsave(&hold_lock, flags);
	while (hold_pages)
		put_page(hold_page[--hold_pages]);
	spin_unlock_irqrestore(&hold_lock, flags);
}
