/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_TYPES_H
#define TANDEM_SHIM_TYPES_H

/*
 * The user-space view of the kernel's header of the same name: just enough for
 * the pure parts of the drivers. The system's copy comes first, because the C
 * library's own headers rely on what it defines.
 */
#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

#include <linux/compiler.h>

#endif /* TANDEM_SHIM_TYPES_H */
