/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_ARRAY_SIZE_H
#define TANDEM_SHIM_ARRAY_SIZE_H

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

#endif /* TANDEM_SHIM_ARRAY_SIZE_H */
