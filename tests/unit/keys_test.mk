# SPDX-License-Identifier: GPL-2.0-only
#
# One of the two is included by the test: two objects of one name would share
# their coverage counters.
SRCS_keys_test := $(ROOT)/common/xenbus/keys.c
$(OUT)/keys_test: $(ROOT)/blkif/keys.c
