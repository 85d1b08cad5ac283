# SPDX-License-Identifier: GPL-2.0-only
SRCS_name_test := $(ROOT)/frontend/blk/name.c
