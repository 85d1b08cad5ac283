/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_MODULE_H
#define TANDEM_SHIM_MODULE_H

#include <linux/export.h>
#include <linux/init.h>

#define THIS_MODULE			NULL
#define MODULE_LICENSE(x)		struct tandem_shim_unused
#define MODULE_AUTHOR(x)		struct tandem_shim_unused
#define MODULE_DESCRIPTION(x)		struct tandem_shim_unused
#define MODULE_ALIAS(x)			struct tandem_shim_unused
#define MODULE_IMPORT_NS(x)		struct tandem_shim_unused
#define module_init(x)			struct tandem_shim_unused
#define module_exit(x)			struct tandem_shim_unused

#endif /* TANDEM_SHIM_MODULE_H */
