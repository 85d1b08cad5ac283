/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels: xenbus.
 */
#ifndef TANDEM_COMPAT_XENBUS_H
#define TANDEM_COMPAT_XENBUS_H

#include <linux/version.h>
#include <xen/xenbus.h>

/**
 * tandem_compat_peer_state() - the state that the other end published
 * @xdev: the device
 * @dir: the other end's directory
 *
 * Return: as in the store; Unknown when there is none.
 */
static inline u8 tandem_compat_peer_state(struct xenbus_device *xdev,
					  const char *dir)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
	unsigned int state = xenbus_read_driver_state(xdev, dir);
#else
	unsigned int state = xenbus_read_driver_state(dir);
#endif

	return state <= U8_MAX ? state : XenbusStateUnknown;
}

#endif /* TANDEM_COMPAT_XENBUS_H */
