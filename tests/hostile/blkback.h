/* SPDX-License-Identifier: GPL-2.0-only */
/* The cases of rogue frontends, by class; each list ends with an empty one. */
#ifndef HOSTILE_BLKBACK_H
#define HOSTILE_BLKBACK_H

#include "peer.h"

extern const struct peer_case blkback_good[];
extern const struct peer_case blkback_store[];
extern const struct peer_case blkback_param[];
extern const struct peer_case blkback_trace[];
extern const struct peer_case blkback_index[];
extern const struct peer_case blkback_request[];
extern const struct peer_case blkback_grant[];
extern const struct peer_case blkback_flip[];
extern const struct peer_case blkback_key[];
extern const struct peer_case blkback_state[];
extern const struct peer_case blkback_storm[];
extern const struct peer_case blkback_time[];
extern const struct peer_case blkback_death[];

int front_in_guest(int argc, char **argv);

#endif /* HOSTILE_BLKBACK_H */
