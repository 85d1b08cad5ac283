/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_KERNEL_H
#define TANDEM_SHIM_KERNEL_H

#include_next <linux/kernel.h>
#include <stdio.h>
#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/types.h>

#endif /* TANDEM_SHIM_KERNEL_H */
