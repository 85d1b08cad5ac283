/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A field in shared memory that another CPU changes all the time.
 */
#ifndef HOSTILE_FLIP_H
#define HOSTILE_FLIP_H

#include "peer.h"
#include "wire.h"

/**
 * struct flip - a field of every slot, or of a page, and its two values
 * @base: of the first one
 * @step: bytes to the next one
 * @nr: how many
 * @offset: of the field
 * @bytes: of the field
 * @value: what it is set to, in turn
 */
struct flip {
	uint8_t *base;
	unsigned int step;
	unsigned int nr;
	unsigned int offset;
	unsigned int bytes;
	uint64_t value[2];
};

void flip_all(struct disturber *d);
struct flip flip_slots(const struct wire *w, uint8_t *ring, unsigned int size,
		       unsigned int offset, unsigned int bytes, uint64_t a,
		       uint64_t b);
struct flip flip_index(uint8_t *ring, unsigned int offset, uint32_t a,
		       uint32_t b);

#endif /* HOSTILE_FLIP_H */
