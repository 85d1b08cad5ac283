/* SPDX-License-Identifier: GPL-2.0-only */
/* The cases of rogue backends, by class; each list ends with an empty one. */
#ifndef HOSTILE_BLKFRONT_H
#define HOSTILE_BLKFRONT_H

#include "peer.h"

extern const struct peer_case blkfront_good[];
extern const struct peer_case blkfront_response[];
extern const struct peer_case blkfront_grant[];
extern const struct peer_case blkfront_key[];
extern const struct peer_case blkfront_state[];
extern const struct peer_case blkfront_storm[];
extern const struct peer_case blkfront_time[];
extern const struct peer_case blkfront_trace[];
extern const struct peer_case blkfront_flip[];
extern const struct peer_case blkfront_suspend[];

#endif /* HOSTILE_BLKFRONT_H */
