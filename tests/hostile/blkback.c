// SPDX-License-Identifier: GPL-2.0-only
/*
 * rogue-front: block frontends in dom0 that break every rule, against the
 * backend in dom0, beside one that keeps to them.
 */
#include <string.h>

#include "blkback.h"
#include "front.h"

static const struct peer_case *const all[] = {
	blkback_good, blkback_index, blkback_request, blkback_grant,
	blkback_key, blkback_state, blkback_storm, blkback_time,
	blkback_flip, blkback_death, NULL,
};

static const struct peer_program program = {
	.name = "rogue-front",
	.cases = all,
	.start = bystander_start,
	.check = bystander_check,
	.stop = bystander_stop,
	.sweep = front_sweep,
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "-g"))
		return front_in_guest(argc - 2, argv + 2);
	return peer_main(argc, argv, &program);
}
