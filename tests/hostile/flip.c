// SPDX-License-Identifier: GPL-2.0-only
/*
 * A field in shared memory that another CPU changes all the time.
 */
#include "flip.h"

static void flip_at(const struct flip *flip, uint8_t *at, uint64_t value)
{
	switch (flip->bytes) {
	case 1:
		*(volatile uint8_t *)at = value;
		break;
	case 2:
		*(volatile uint16_t *)at = value;
		break;
	case 4:
		*(volatile uint32_t *)at = value;
		break;
	default:
		/* Not aligned for eight in one of the ABIs. */
		((volatile uint32_t *)at)[0] = value;
		((volatile uint32_t *)at)[1] = value >> 32;
	}
}

/* What a disturber does whose argument is a struct flip. */
void flip_all(struct disturber *d)
{
	const struct flip *flip = d->arg;
	unsigned int i;

	for (i = 0; i < flip->nr; i++)
		flip_at(flip, flip->base + i * flip->step + flip->offset,
			flip->value[d->rounds & 1]);
}

/* A field of each slot of a ring. */
struct flip flip_slots(const struct wire *w, uint8_t *ring, unsigned int size,
		       unsigned int offset, unsigned int bytes, uint64_t a,
		       uint64_t b)
{
	return (struct flip){
		.base = ring + WIRE_HEADER, .step = w->entry, .nr = size,
		.offset = offset, .bytes = bytes, .value = { a, b },
	};
}

/* An index of a ring. */
struct flip flip_index(uint8_t *ring, unsigned int offset, uint32_t a,
		       uint32_t b)
{
	return (struct flip){
		.base = ring, .nr = 1, .offset = offset, .bytes = 4,
		.value = { a, b },
	};
}
