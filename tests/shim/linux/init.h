/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_INIT_H
#define TANDEM_SHIM_INIT_H

#define __init
#define __exit
#define __initdata
#define __initconst

#endif /* TANDEM_SHIM_INIT_H */
