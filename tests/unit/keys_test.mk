# SPDX-License-Identifier: GPL-2.0-only
SRCS_keys_test := $(ROOT)/common/xenbus/keys.c $(ROOT)/blkif/keys.c
