/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_ERRNO_H
#define TANDEM_SHIM_ERRNO_H

#include_next <linux/errno.h>

#ifndef ENOTSUPP
#define ENOTSUPP	524
#endif

#endif /* TANDEM_SHIM_ERRNO_H */
