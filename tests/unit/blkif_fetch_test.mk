# SPDX-License-Identifier: GPL-2.0-only
FLAGS_blkif_fetch_test := -I$(CURDIR) -DTANDEM_ENV_HEADER='"ring_fetch_env.h"'
$(OUT)/blkif_fetch_test: $(ROOT)/blkif/decode.c
