# SPDX-License-Identifier: GPL-2.0-only
SRCS_owner_test := $(ROOT)/backend/blk/owner.c
