/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_EXPORT_H
#define TANDEM_SHIM_EXPORT_H

/*
 * Each export swallows its semicolon as a declaration, so that -Wpedantic is
 * content too.
 */
#define EXPORT_SYMBOL(s)		struct tandem_shim_unused
#define EXPORT_SYMBOL_GPL(s)		struct tandem_shim_unused
#define EXPORT_SYMBOL_NS(s, ns)		struct tandem_shim_unused
#define EXPORT_SYMBOL_NS_GPL(s, ns)	struct tandem_shim_unused

#endif /* TANDEM_SHIM_EXPORT_H */
