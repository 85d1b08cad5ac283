/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_BUILD_BUG_H
#define TANDEM_SHIM_BUILD_BUG_H

#include <assert.h>

#ifndef __cplusplus
/* The kernel's static_assert() takes its message from the expression. */
#undef static_assert
#define static_assert(expr, ...) __tandem_static_assert(expr, ##__VA_ARGS__, #expr)
#define __tandem_static_assert(expr, msg, ...) _Static_assert(expr, msg)
#endif

#define BUILD_BUG_ON(cond)	((void)sizeof(char[1 - 2 * !!(cond)]))
#define BUILD_BUG_ON_MSG(cond, msg) BUILD_BUG_ON(cond)
#define BUILD_BUG_ON_ZERO(e)	((int)sizeof(char[1 - 2 * !!(e)]) - 1)

#endif /* TANDEM_SHIM_BUILD_BUG_H */
