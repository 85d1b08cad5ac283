# SPDX-License-Identifier: GPL-2.0-only
#
# Flags common to every user-space build of the pure parts. Include it from a
# tests/<dir>/Makefile after setting ROOT to the top of the tree.
#
# The language flags are the kernel's: gnu11 and no type-based aliasing, on
# which the word-wise copies of common/ring rely.

BUILD	?= $(ROOT)/build
SHIM_CFLAGS := -std=gnu11 -fno-strict-aliasing -fno-strict-overflow \
	-Wall -Wextra -Werror -Wno-unused-parameter -Wdeclaration-after-statement \
	-I$(ROOT)/tests/shim -I$(ROOT) -D_GNU_SOURCE
SHIM_SAN := -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all

# Where the kernel's C test harness was unpacked; scripts/setup puts it here.
KSELFTEST ?= $(BUILD)/kselftest
