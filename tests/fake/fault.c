// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which call fails.
 *
 * A site is a call by name, the place that it was made from and the one that
 * this was called from, as the modules share functions that call Xen; within one
 * kind of life. Places are known by their addresses, or when modules are loaded
 * again and again, by their names.
 *
 * A plan names a site, one of the ways in which that call may fail, and which of
 * the site's calls in one life: so lives need not make their calls in the same
 * order for each of them to fail in turn.
 */
#include <linux/kallsyms.h>
#include <linux/spinlock.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include "fake.h"

#define FAULT_SITES	2048
#define FAULT_NAME	160
/* Of a trace: this file's function and the fake's come first. */
#define FAULT_SKIP	2

/**
 * struct fault_site - calls of one function from one place
 * @call: the function
 * @caller: the place
 * @above: where that was called from
 * @name: both for people
 * @kind: of life
 * @ways: in how many ways the call may fail
 * @hits: calls in this life
 * @most: calls in the life that made most of them
 * @again: known from another kind of life, or only a failure elsewhere leads to it
 */
struct fault_site {
	const char *call;
	unsigned long caller;
	unsigned long above;
	char name[FAULT_NAME];
	unsigned int kind;
	unsigned int ways;
	unsigned int hits;
	unsigned int most;
	bool again;
};

static DEFINE_RAW_SPINLOCK(fault_lock);
static struct fault_site fault_site[FAULT_SITES];
static unsigned int fault_sites;

/* Of the life that is under way; under the lock. */
static struct {
	bool active;
	bool fired;
	unsigned int kind;
	struct fake_plan plan;
	const char *phase;
	const char *hit_phase;
} fault_life;

/* Of the last life that had a plan. */
static bool fault_plan_fired;

static void fault_names(char *text, unsigned long caller, unsigned long above)
{
	scnprintf(text, FAULT_NAME, "%pS < %pS", (void *)caller, (void *)above);
}

static bool fault_is(const struct fault_site *site, const char *call,
		     unsigned long caller, unsigned long above,
		     const char *name)
{
	if (name ? strcmp(site->name, name) :
		   site->caller != caller || site->above != above)
		return false;
	return !strcmp(site->call, call);
}

/* Places are known by their addresses here, which differ from load to load. */
static bool fault_elsewhere(const char *call, unsigned long caller,
			    unsigned long above)
{
	const struct fault_site *site;

	for (site = fault_site; site < fault_site + fault_sites; site++)
		if (fault_is(site, call, caller, above, NULL))
			return true;
	return false;
}

static struct fault_site *fault_make(const char *call, unsigned long caller,
				     unsigned long above, unsigned int ways)
{
	struct fault_site *site = &fault_site[fault_sites];

	if (fault_sites == FAULT_SITES)
		return NULL;
	site->again = fault_life.plan.way ||
		      fault_elsewhere(call, caller, above);
	fault_sites++;
	site->call = call;
	site->caller = caller;
	site->above = above;
	site->ways = ways;
	site->kind = fault_life.kind;
	fault_names(site->name, caller, above);
	return site;
}

static struct fault_site *fault_find(const char *call, unsigned long caller,
				     unsigned long above, unsigned int ways)
{
	static char text[FAULT_NAME]; /* under the lock */
	const char *name = NULL;
	struct fault_site *site;

	if (fault_life.kind == fake_life_kinds()) {
		fault_names(text, caller, above);
		name = text;
	}
	for (site = fault_site; site < fault_site + fault_sites; site++)
		if (site->kind == fault_life.kind &&
		    fault_is(site, call, caller, above, name))
			return site;
	return fault_make(call, caller, above, ways);
}

static unsigned int fault_decide(const struct fault_site *site)
{
	const struct fake_plan *plan = &fault_life.plan;

	if (!plan->way || site != &fault_site[plan->site] ||
	    site->hits != plan->hit)
		return 0;
	fault_life.fired = true;
	fault_life.hit_phase = fault_life.phase;
	return plan->way;
}

/* What is short for a while, and how often it was asked for. */
static enum fake_dry fault_dry;
static atomic_t fault_dry_hits;

static const char *const fault_memory[] = {
	"gnttab_page_cache_get", "gnttab_alloc_pages",
	"__kmalloc_noprof", "__kmalloc_cache_noprof",
	"kmem_cache_alloc_noprof", "__kvmalloc_node_noprof",
	"alloc_pages_noprof", "__alloc_pages_noprof",
	"get_free_pages_noprof", "__vmalloc_noprof",
};

/* The frontend has what it needs: it is to ask for much. */
static bool fault_is_front(unsigned long caller)
{
	char name[FAULT_NAME];

	scnprintf(name, sizeof(name), "%pS", (void *)caller);
	return strstr(name, "[tandem_blkfront]");
}

static unsigned int fault_dry_way(const char *call, unsigned long caller)
{
	enum fake_dry dry = READ_ONCE(fault_dry);
	unsigned int way = 0;

	if (dry >= FAKE_DRY_ROOM && !strcmp(call, "gnttab_map_refs"))
		way = FAKE_MAP_NO_ROOM;
	else if (dry && dry != FAKE_DRY_MAPPINGS && match_string(fault_memory, ARRAY_SIZE(fault_memory),
				     call) >= 0 && !fault_is_front(caller))
		way = 1;
	if (way)
		atomic_inc(&fault_dry_hits);
	return way;
}

/**
 * fake_fault_dry() - something is not to be had for a while, or is again
 * @dry: what
 */
void fake_fault_dry(enum fake_dry dry)
{
	atomic_set(&fault_dry_hits, 0);
	WRITE_ONCE(fault_dry, dry);
}

/* Return: how often it was asked for meanwhile. */
unsigned int fake_fault_dry_hits(void)
{
	return atomic_read(&fault_dry_hits);
}

/**
 * fake_fault() - a call was made that may fail
 * @call: its name, which stays
 * @caller: by whom
 * @ways: in how many ways it may fail
 *
 * Context: any.
 * Return: 0, or the way in which it is to fail.
 */
unsigned int fake_fault(const char *call, unsigned long caller,
			unsigned int ways)
{
	unsigned long flags, trace[FAULT_SKIP + 2] = { };
	struct fault_site *site = NULL;
	unsigned int way = 0;

	if (!READ_ONCE(fault_life.active))
		return 0;
	way = fault_dry_way(call, caller);
	if (way)
		return way;
	stack_trace_save(trace, ARRAY_SIZE(trace), 0);
	raw_spin_lock_irqsave(&fault_lock, flags);
	if (fault_life.active)
		site = fault_find(call, caller, trace[FAULT_SKIP + 1], ways);
	if (site) {
		site->hits++;
		site->most = max(site->most, site->hits);
		way = fault_decide(site);
	}
	raw_spin_unlock_irqrestore(&fault_lock, flags);
	return way;
}

/**
 * fake_fault_begin() - a life begins
 * @kind: of life
 * @plan: what is to fail; NULL for nothing
 */
void fake_fault_begin(unsigned int kind, const struct fake_plan *plan)
{
	unsigned int i;

	raw_spin_lock_irq(&fault_lock);
	for (i = 0; i < fault_sites; i++)
		fault_site[i].hits = 0;
	memset(&fault_life, 0, sizeof(fault_life));
	fault_life.active = true;
	fault_life.kind = kind;
	if (plan)
		fault_life.plan = *plan;
	raw_spin_unlock_irq(&fault_lock);
}

/**
 * fake_fault_end() - nothing fails any more
 *
 * Return: true if what was planned did.
 */
bool fake_fault_end(void)
{
	bool fired;

	raw_spin_lock_irq(&fault_lock);
	fault_life.active = false;
	fired = fault_life.fired;
	if (fault_life.plan.way)
		fault_plan_fired = fired;
	raw_spin_unlock_irq(&fault_lock);
	return fired;
}

void fake_fault_phase(const char *phase)
{
	raw_spin_lock_irq(&fault_lock);
	fault_life.phase = phase;
	raw_spin_unlock_irq(&fault_lock);
}

/* Return: true if the last plan's call was made. */
bool fake_fault_last_fired(void)
{
	return fault_plan_fired;
}

/* Return: in which phase it failed, or NULL. */
const char *fake_fault_hit_phase(void)
{
	return fault_life.fired ? fault_life.hit_phase : NULL;
}

static bool fault_among(const char *const *calls, size_t nr)
{
	const struct fault_site *site = &fault_site[fault_life.plan.site];

	return fault_life.fired && match_string(calls, nr, site->call) >= 0;
}

/*
 * Is it a shortage that failed: of memory, of grants, of room for mappings? A
 * disk in service waits for those, and fails nothing.
 */
bool fake_fault_shortage(void)
{
	static const char *const grants[] = { "gnttab_alloc_grant_references" };

	return fault_among(grants, ARRAY_SIZE(grants)) ||
	       fault_among(fault_memory, ARRAY_SIZE(fault_memory));
}

/* Is it a write to the store that failed? Whoever makes it is told. */
bool fake_fault_write(void)
{
	static const char *const calls[] = {
		"xenbus_printf", "xenbus_transaction_start",
		"xenbus_transaction_end",
	};

	return fault_among(calls, ARRAY_SIZE(calls));
}

unsigned int fake_fault_sites(void)
{
	return READ_ONCE(fault_sites);
}

unsigned int fake_fault_ways(unsigned int site)
{
	return fault_site[site].ways;
}

unsigned int fake_fault_kind(unsigned int site)
{
	return fault_site[site].kind;
}

bool fake_fault_again(unsigned int site)
{
	return fault_site[site].again;
}

unsigned int fake_fault_most(unsigned int site)
{
	return fault_site[site].most;
}

/**
 * fake_fault_name() - what people call a failure
 * @plan: the failure
 * @text: filled
 * @size: of @text
 */
void fake_fault_name(const struct fake_plan *plan, char *text, size_t size)
{
	const struct fault_site *site = &fault_site[plan->site];

	scnprintf(text, size, "%s way %u call %u from %s", site->call,
		  plan->way, plan->hit, site->name);
}
