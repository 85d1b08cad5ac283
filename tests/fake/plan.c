// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which failure comes next: of each site, in each way, the first call, then the
 * second, until a life has no such call.
 */
#include <linux/moduleparam.h>

#include "fake.h"

static unsigned int plan_hits = 1;
module_param_named(hits, plan_hits, uint, 0644);
MODULE_PARM_DESC(hits, "Most calls of one site that fail in turn");

static unsigned int plan_kinds = ~0U;
module_param_named(kinds, plan_kinds, uint, 0644);
MODULE_PARM_DESC(kinds, "Kinds of life, a bit for each");

static bool plan_once;
module_param_named(once, plan_once, bool, 0644);
MODULE_PARM_DESC(once, "Leave out what another kind of life tries, and what only a failure leads to");

static struct fake_plan plan_now;

/* Is there anything left of this site that may be tried? */
static bool plan_fits(const struct fake_plan *plan, bool load)
{
	unsigned int kind = fake_fault_kind(plan->site);
	bool loading = kind == fake_life_kinds();

	if (plan_once && !loading && fake_fault_again(plan->site))
		return false;
	return load == loading && plan_kinds & (1U << kind) &&
	       plan->way <= fake_fault_ways(plan->site);
}

static void plan_next_site(struct fake_plan *plan)
{
	plan->site++;
	plan->way = 1;
	plan->hit = 1;
}

/**
 * fake_plan_reset() - from the beginning
 */
void fake_plan_reset(void)
{
	plan_now = (struct fake_plan){ .way = 1, .hit = 1 };
}

/**
 * fake_plan_get() - what is to fail now
 * @load: when the modules are loaded, not in a disk's life
 *
 * Return: the plan, or NULL when nothing is left.
 */
const struct fake_plan *fake_plan_get(bool load)
{
	while (plan_now.site < fake_fault_sites()) {
		if (plan_fits(&plan_now, load))
			return &plan_now;
		plan_next_site(&plan_now);
	}
	return NULL;
}

/**
 * fake_plan_done() - it has been tried
 * @fired: and the call was made
 */
void fake_plan_done(bool fired)
{
	if (fired && plan_now.hit < plan_hits &&
	    plan_now.hit < fake_fault_most(plan_now.site)) {
		plan_now.hit++;
		return;
	}
	plan_now.hit = 1;
	if (++plan_now.way > fake_fault_ways(plan_now.site))
		plan_next_site(&plan_now);
}
