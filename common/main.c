// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all drivers of the suite share, as one module.
 */
#include <linux/module.h>
#include <xen/xen.h>

#include "common/xenbus/device.h"

static int __init tandem_init(void)
{
	if (!xen_domain())
		return -ENODEV;
	return tandem_device_start();
}

static void __exit tandem_exit(void)
{
	tandem_device_finish();
}

/* Earlier than the drivers, when built in. */
subsys_initcall(tandem_init);
module_exit(tandem_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tandem: layers shared by the split Xen drivers");
