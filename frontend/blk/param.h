/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters.
 */
#ifndef BLKFRONT_PARAM_H
#define BLKFRONT_PARAM_H

#include <linux/types.h>

struct tandem_blkif_host;

extern bool tandem_blkfront_trusted;
extern bool tandem_blkfront_native_names;

void tandem_blkfront_host(struct tandem_blkif_host *host);
unsigned int tandem_blkfront_budget(void);

#endif /* BLKFRONT_PARAM_H */
