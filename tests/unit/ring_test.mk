# SPDX-License-Identifier: GPL-2.0-only
#
# The same tests with the copies that x86 kernels use, which access words at any
# address; that is what UBSan's alignment check is there to refuse.
EXTRA += ring_unaligned

$(OUT)/ring_unaligned: ring_test.c $(HEADERS) Makefile | $(HARNESS)
	@mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) $(SHIM_SAN) -fno-sanitize=alignment \
		-Dtandem_env_unaligned=1 -o $@ $<
