// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an operator and xentop see of a disk, and where a hotplug script tells
 * which store to open. Documented in docs/ABI.
 */
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "backend/blk/device.h"

static struct blkback_device *blkback_sysfs_device(struct device *dev)
{
	return dev_get_drvdata(dev);
}

static ssize_t physical_device_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	struct blkback_device *device = blkback_sysfs_device(dev);
	dev_t number = 0;

	mutex_lock(&device->lock);
	if (device->store)
		number = device->store->dev;
	mutex_unlock(&device->lock);
	return sysfs_emit(buf, "%x:%x\n", MAJOR(number), MINOR(number));
}
static DEVICE_ATTR_RO(physical_device);

static ssize_t mode_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%s\n", blkback_sysfs_device(dev)->tool.mode);
}
static DEVICE_ATTR_RO(mode);

static ssize_t store_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct blkback_device *device = blkback_sysfs_device(dev);
	ssize_t len;

	mutex_lock(&device->lock);
	if (device->store)
		len = sysfs_emit(buf, "%s:%s\n",
				 device->store->file ? "file" : "phy",
				 device->store->path);
	else
		len = sysfs_emit(buf, "none\n");
	mutex_unlock(&device->lock);
	return len;
}

/*
 * The bus's thread, which serves all devices, waits in a device's removal for those
 * who are in its files. What takes as long as a disk does is not to be among them: its
 * own end waits for it instead.
 */
static struct kernfs_node *blkback_sysfs_begin(struct device *dev,
					       struct device_attribute *attr)
{
	blkback_device_enter(blkback_sysfs_device(dev));
	return sysfs_break_active_protection(&dev->kobj, &attr->attr);
}

static void blkback_sysfs_end(struct blkback_device *device,
			      struct kernfs_node *node)
{
	if (node)
		sysfs_unbreak_active_protection(node);
	blkback_device_exit(device);
}

static ssize_t store_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t count)
{
	struct blkback_device *device = blkback_sysfs_device(dev);
	char *text = kstrndup(buf, count, GFP_KERNEL);
	struct kernfs_node *node;
	size_t len;
	int err;

	if (!text)
		return -ENOMEM;
	/* One newline ends the line; a path may end in a space. */
	len = strlen(text);
	if (len && text[len - 1] == '\n')
		text[len - 1] = 0;
	node = blkback_sysfs_begin(dev, attr);
	if (!strcmp(text, "none"))
		err = blkback_device_close(device);
	else
		err = blkback_device_open(device, text);
	blkback_sysfs_end(device, node);
	kfree(text);
	return err ?: count;
}
static DEVICE_ATTR_ADMIN_RW(store);

static ssize_t store_error_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct blkback_device *device = blkback_sysfs_device(dev);
	ssize_t len;

	mutex_lock(&device->lock);
	len = sysfs_emit(buf, "%s\n", device->store_error);
	mutex_unlock(&device->lock);
	return len;
}
static DEVICE_ATTR_ADMIN_RO(store_error);

static ssize_t resize_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	struct blkback_device *device = blkback_sysfs_device(dev);
	struct kernfs_node *node;
	bool yes;
	int err;

	err = kstrtobool(buf, &yes);
	if (err || !yes)
		return err ?: count;
	node = blkback_sysfs_begin(dev, attr);
	err = blkback_device_resize(device);
	blkback_sysfs_end(device, node);
	return err ?: count;
}
static DEVICE_ATTR_WO(resize);

static struct attribute *blkback_attrs[] = {
	&dev_attr_physical_device.attr,
	&dev_attr_mode.attr,
	&dev_attr_store.attr,
	&dev_attr_store_error.attr,
	&dev_attr_resize.attr,
	NULL
};

static const struct attribute_group blkback_group = {
	.attrs = blkback_attrs,
};

/**
 * struct blkback_stat - one counter as a file
 * @attr: the file
 * @offset: of the counter in struct blkback_stats
 */
struct blkback_stat {
	struct device_attribute attr;
	size_t offset;
};

static ssize_t blkback_stat_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	struct blkback_stat *stat = container_of(attr, struct blkback_stat,
						 attr);
	struct blkback_stats sum;

	blkback_device_stats(blkback_sysfs_device(dev), &sum);
	return sysfs_emit(buf, "%llu\n",
			  *(u64 *)((char *)&sum + stat->offset));
}

static struct blkback_stat blkback_stat[] = {
	{ __ATTR(oo_req, 0444, blkback_stat_show, NULL),
	  offsetof(struct blkback_stats, oo_req) },
	{ __ATTR(rd_req, 0444, blkback_stat_show, NULL),
	  offsetof(struct blkback_stats, rd_req) },
	{ __ATTR(wr_req, 0444, blkback_stat_show, NULL),
	  offsetof(struct blkback_stats, wr_req) },
	{ __ATTR(f_req, 0444, blkback_stat_show, NULL),
	  offsetof(struct blkback_stats, f_req) },
	{ __ATTR(ds_req, 0444, blkback_stat_show, NULL),
	  offsetof(struct blkback_stats, ds_req) },
	{ __ATTR(rd_sect, 0444, blkback_stat_show, NULL),
	  offsetof(struct blkback_stats, rd_sect) },
	{ __ATTR(wr_sect, 0444, blkback_stat_show, NULL),
	  offsetof(struct blkback_stats, wr_sect) },
};

static struct attribute *blkback_stat_attrs[] = {
	&blkback_stat[0].attr.attr,
	&blkback_stat[1].attr.attr,
	&blkback_stat[2].attr.attr,
	&blkback_stat[3].attr.attr,
	&blkback_stat[4].attr.attr,
	&blkback_stat[5].attr.attr,
	&blkback_stat[6].attr.attr,
	NULL
};

static_assert(ARRAY_SIZE(blkback_stat_attrs) == ARRAY_SIZE(blkback_stat) + 1);

static const struct attribute_group blkback_stat_group = {
	.name = "statistics",
	.attrs = blkback_stat_attrs,
};

const struct attribute_group *blkback_sysfs_groups[] = {
	&blkback_group,
	&blkback_stat_group,
	NULL
};
