/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_SLAB_H
#define TANDEM_SHIM_SLAB_H

#include <stdlib.h>
#include <linux/types.h>

typedef unsigned int gfp_t;

#define GFP_KERNEL	0U
#define GFP_NOIO	0U
#define GFP_ATOMIC	0U

#define kmalloc(size, gfp)		((void)(gfp), malloc(size))
#define kzalloc(size, gfp)		((void)(gfp), calloc(1, size))
#define kcalloc(n, size, gfp)		((void)(gfp), calloc(n, size))
#define kmalloc_array(n, size, gfp)	((void)(gfp), reallocarray(NULL, n, size))
#define kfree(p)			free((void *)(p))

#endif /* TANDEM_SHIM_SLAB_H */
