// SPDX-License-Identifier: GPL-2.0-only
/*
 * Xen's own header says what blkif_layout.h says. Compiled for x86_64 and, with
 * -m32, for x86_32; there is nothing to run.
 */
#include <stddef.h>
#include <stdint.h>
#include <xen/io/blkif.h>

#ifdef __i386__
#define PICK(v64, v32) v32
#else
#define PICK(v64, v32) v64
#endif

#define LAYOUT(o, om, xen, member, v64, v32)				\
	_Static_assert(offsetof(struct blkif_##xen, member) ==		\
		       PICK(v64, v32), #xen "." #member);
#define SIZE(o, xen, v64, v32)						\
	_Static_assert(sizeof(struct blkif_##xen) == PICK(v64, v32), #xen);

#include "blkif_layout.h"

/* A slot holds the largest request. */
_Static_assert(sizeof(union blkif_sring_entry) == PICK(112, 108), "slot");
_Static_assert(sizeof(struct blkif_request_segment) == 8, "segment");
