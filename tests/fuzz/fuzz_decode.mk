# SPDX-License-Identifier: GPL-2.0-only
SRCS_fuzz_decode := $(ROOT)/blkif/decode.c $(ROOT)/blkif/build.c
