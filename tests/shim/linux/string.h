/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_STRING_H
#define TANDEM_SHIM_STRING_H

#include <string.h>
#include <linux/types.h>

#ifndef __cplusplus
/*
 * Same contract as the kernel's: always terminated, -E2BIG when it did not fit.
 */
static inline ssize_t strscpy(char *dst, const char *src, size_t size)
{
	size_t len = strnlen(src, size);

	if (!size)
		return -7; /* E2BIG */
	if (len == size) {
		memcpy(dst, src, size - 1);
		dst[size - 1] = '\0';
		return -7;
	}
	memcpy(dst, src, len + 1);
	return len;
}

static inline bool mem_is_zero(const void *s, size_t n)
{
	const u8 *p = s;

	while (n--)
		if (*p++)
			return false;
	return true;
}
#endif

#endif /* TANDEM_SHIM_STRING_H */
