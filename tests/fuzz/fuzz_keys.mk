# SPDX-License-Identifier: GPL-2.0-only
SRCS_fuzz_keys := $(ROOT)/common/xenbus/keys.c $(ROOT)/blkif/keys.c
