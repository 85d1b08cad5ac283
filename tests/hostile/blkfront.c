// SPDX-License-Identifier: GPL-2.0-only
/*
 * rogue-back: block backends in user space that break every rule, against the
 * frontend driver loaded in dom0, beside one that keeps to them.
 */
#include <string.h>

#include "back.h"
#include "blkfront.h"

static struct back back;

static void works(const struct back_cfg *cfg, const char *what)
{
	unsigned int i;

	back_start(&back, cfg);
	for (i = 0; i < 8; i++)
		back_expect_works(&back, what);
	expect(back_close(&back), "%s: no orderly end, state %u", what,
	       back_peer(&back));
	back_finish(&back);
}

static void good_plain(void)
{
	works(NULL, "plain");
}

static void good_all(void)
{
	works(&(struct back_cfg){ .flush = true, .discard = true,
				  .indirect = 64, .order = 2, .queues = 2 },
	      "all features");
}

static void good_persistent(void)
{
	works(&(struct back_cfg){ .persistent = true, .flush = true },
	      "persistent");
}

static void good_untrusted(void)
{
	works(&(struct back_cfg){ .untrusted = true, .flush = true },
	      "not trusted");
}

const struct peer_case blkfront_good[] = {
	{ "back-good-plain", good_plain, 0, CASE_GOOD },
	{ "back-good-all-features", good_all, 0, CASE_GOOD },
	{ "back-good-persistent", good_persistent, 0, CASE_GOOD },
	{ "back-good-untrusted", good_untrusted, 0, CASE_GOOD },
	{ 0 },
};

static const struct peer_case *const all[] = {
	blkfront_good, blkfront_response, blkfront_grant, blkfront_key,
	blkfront_state, blkfront_storm, blkfront_time, blkfront_flip,
	blkfront_suspend, NULL,
};

static struct back bystander;

static void bystander_begin(void)
{
	back_start(&bystander, &(struct back_cfg){ .id = BACK_BYSTANDER,
						   .flush = true });
}

static bool bystander_round(void)
{
	return back_verify_here(&bystander);
}

static bool bystander_end(void)
{
	back_release(&bystander);
	return back_close(&bystander);
}

static const struct peer_program program = {
	.name = "rogue-back",
	.cases = all,
	.begin = bystander_begin,
	.round = bystander_round,
	.end = bystander_end,
	.sweep = back_sweep,
};

/* In a guest: rogue-back -p DISK posts requests and waits for them. */
int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "-p"))
		return io_post(argv[2], IO_POSTED);
	return peer_main(argc, argv, &program);
}
