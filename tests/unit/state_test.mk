# SPDX-License-Identifier: GPL-2.0-only
SRCS_state_test := $(ROOT)/common/xenbus/state.c
FLAGS_state_test := -O2 -DGOLDEN='"$(CURDIR)/state.golden"'
