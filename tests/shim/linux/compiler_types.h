/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_COMPILER_TYPES_H
#define TANDEM_SHIM_COMPILER_TYPES_H

#include <linux/compiler.h>

#endif /* TANDEM_SHIM_COMPILER_TYPES_H */
