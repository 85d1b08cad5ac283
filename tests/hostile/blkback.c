// SPDX-License-Identifier: GPL-2.0-only
/*
 * rogue-front: block frontends in dom0 that break every rule, against the
 * backend in dom0, beside one that keeps to them.
 */
#include <string.h>

#include "blkback.h"
#include "front.h"

static const struct peer_case *const all[] = {
	blkback_good, blkback_store, blkback_param, blkback_trace, blkback_index,
	blkback_request, blkback_grant, blkback_key, blkback_state, blkback_storm, blkback_time,
	blkback_flip, blkback_death, NULL,
};

static struct front bystander;

static void bystander_begin(void)
{
	front_start(&bystander, &(struct front_cfg){ .id = FRONT_BYSTANDER });
}

static bool bystander_round(void)
{
	return front_verify(&bystander.queue[0]);
}

static bool bystander_end(void)
{
	return front_close(&bystander);
}

static const struct peer_program program = {
	.name = "rogue-front",
	.cases = all,
	.begin = bystander_begin,
	.round = bystander_round,
	.end = bystander_end,
	.sweep = front_sweep,
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "-g"))
		return front_in_guest(argc - 2, argv + 2);
	return peer_main(argc, argv, &program);
}
