# SPDX-License-Identifier: GPL-2.0-only
SRCS_blkif_test := $(ROOT)/blkif/decode.c blkif_xen.c

# Xen's header as a 32-bit guest sees it: nothing to link, only to compile.
$(OUT)/blkif_test $(OUT)/coverage/blkif_test: $(OUT)/blkif_xen32

$(OUT)/blkif_xen32: blkif_xen.c blkif_layout.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -Wall -Werror -m32 -ffreestanding -fsyntax-only $<
	@touch $@
$(OUT)/blkif_test: $(ROOT)/blkif/build.c
