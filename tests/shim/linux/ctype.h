/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_CTYPE_H
#define TANDEM_SHIM_CTYPE_H

#include <ctype.h>

#endif /* TANDEM_SHIM_CTYPE_H */
