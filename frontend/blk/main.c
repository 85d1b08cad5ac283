// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module.
 */
#include <linux/module.h>
#include <xen/platform_pci.h>
#include <xen/xen.h>

#include "frontend/blk/device.h"

#define CREATE_TRACE_POINTS
#include "frontend/blk/trace.h"

static int __init blkfront_init(void)
{
	int err;

	if (!xen_domain())
		return -ENODEV;
	if (xen_hvm_domain() && !xen_has_pv_devices())
		return -ENODEV;
	tandem_blkfront_debug_start();
	err = xenbus_register_frontend(&tandem_blkfront_driver);
	if (err)
		tandem_blkfront_debug_finish();
	return err;
}
module_init(blkfront_init);

static void __exit blkfront_exit(void)
{
	xenbus_unregister_driver(&tandem_blkfront_driver);
	tandem_blkfront_debug_finish();
}
module_exit(blkfront_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tandem: block frontend for Xen guests");
MODULE_ALIAS("xen:vbd");
