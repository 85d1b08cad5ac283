/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of a ring, mapped side by side for as long as it is served.
 */
#ifndef TANDEM_GRANT_SHARED_H
#define TANDEM_GRANT_SHARED_H

#include <xen/grant_table.h>

struct xenbus_device;

int tandem_shared_map(struct xenbus_device *xdev, grant_ref_t *refs,
		      unsigned int nr, void **shared);
void tandem_shared_unmap(struct xenbus_device *xdev, void *shared);

#endif /* TANDEM_GRANT_SHARED_H */
