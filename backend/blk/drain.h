/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two halves of a ring's work: taking requests (drain.c) and answering them
 * (respond.c). Between the worker in queue.c and those two.
 */
#ifndef BLKBACK_DRAIN_H
#define BLKBACK_DRAIN_H

#include "backend/blk/queue.h"

unsigned int blkback_queue_drain(struct blkback_queue *queue);
void blkback_queue_leave(struct blkback_queue *queue);
bool blkback_queue_held(const struct blkback_queue *queue);
int blkback_queue_pending(struct blkback_queue *queue);

void blkback_queue_finish(struct blkback_queue *queue);
void blkback_queue_bh(struct tasklet_struct *bh);
void blkback_queue_fail(struct blkback_queue *queue, struct blkback_req *req);
void blkback_queue_settled(struct blkback_queue *queue, unsigned int nr);

#endif /* BLKBACK_DRAIN_H */
