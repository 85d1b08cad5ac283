/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_XEN_H
#define TANDEM_SHIM_XEN_H

#include <linux/types.h>

typedef u16 domid_t;

#endif /* TANDEM_SHIM_XEN_H */
