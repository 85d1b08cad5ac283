/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_STDDEF_H
#define TANDEM_SHIM_STDDEF_H

#include_next <linux/stddef.h>
#include <stddef.h>

#ifndef sizeof_field
#define sizeof_field(type, member)	sizeof((((type *)0)->member))
#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof_field(type, member))
#endif

#endif /* TANDEM_SHIM_STDDEF_H */
