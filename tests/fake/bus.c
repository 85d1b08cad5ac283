// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bus of frontends and that of backends.
 */
#include <linux/slab.h>

#include "fake.h"

static const struct xenbus_device_id *
xbus_id(const struct xenbus_device *dev, const struct xenbus_driver *drv)
{
	const struct xenbus_device_id *id;

	for (id = drv->ids; *id->devicetype; id++)
		if (!strcmp(id->devicetype, dev->devicetype))
			return id;
	return NULL;
}

static int xbus_match(struct device *dev, const struct device_driver *drv)
{
	return !!xbus_id(to_xenbus_device(dev), to_xenbus_driver(drv));
}

static void xbus_otherend_changed(struct xenbus_watch *watch,
				  const char *path, const char *token)
{
	struct xenbus_device *dev = container_of(watch, struct xenbus_device,
						 otherend_watch);
	struct xenbus_driver *drv = to_xenbus_driver(dev->dev.driver);

	if (drv->otherend_changed)
		drv->otherend_changed(dev, fake_store_state(dev->otherend));
}

static void xbus_watch_otherend(struct xenbus_device *dev)
{
	dev->otherend_watch.node = kasprintf(GFP_KERNEL | __GFP_NOFAIL,
					     "%s/state", dev->otherend);
	dev->otherend_watch.callback = xbus_otherend_changed;
	fake_watch_add(&dev->otherend_watch);
}

static void xbus_unwatch_otherend(struct xenbus_device *dev)
{
	if (!dev->otherend_watch.node)
		return;
	fake_watch_remove(&dev->otherend_watch);
	kfree(dev->otherend_watch.node);
	dev->otherend_watch.node = NULL;
}

static int xbus_probe(struct device *d)
{
	struct xenbus_device *dev = to_xenbus_device(d);
	struct xenbus_driver *drv = to_xenbus_driver(d->driver);
	int err;

	if (!try_module_get(drv->driver.owner))
		return -ESRCH;
	down(&dev->reclaim_sem);
	err = drv->probe(dev, xbus_id(dev, drv));
	up(&dev->reclaim_sem);
	if (err)
		module_put(drv->driver.owner);
	else
		xbus_watch_otherend(dev);
	return err;
}

static void xbus_switch(struct xenbus_device *dev, enum xenbus_state state)
{
	char text[8];
	char *old = fake_store_get(dev->nodename, "state");

	dev_info(&dev->dev, "state %d%s\n", state, old ? "" : " is not written");
	/* What the toolstack has removed is not to be made again. */
	if (old) {
		snprintf(text, sizeof(text), "%d", state);
		fake_store_set(dev->nodename, "state", text);
		dev->state = state;
	}
	kfree(old);
}

static void xbus_remove(struct device *d)
{
	struct xenbus_device *dev = to_xenbus_device(d);
	struct xenbus_driver *drv = to_xenbus_driver(d->driver);

	xbus_unwatch_otherend(dev);
	down(&dev->reclaim_sem);
	drv->remove(dev);
	up(&dev->reclaim_sem);
	module_put(drv->driver.owner);
	/* As the bus does, whoever may still look at it. */
	kfree(dev->otherend);
	dev->otherend = NULL;
	if (!drv->allow_rebind ||
	    fake_store_state(dev->nodename) == XenbusStateClosing)
		xbus_switch(dev, XenbusStateClosed);
}

static const struct bus_type xbus_front = {
	.name = "fake-front",
	.match = xbus_match,
	.probe = xbus_probe,
	.remove = xbus_remove,
};

static const struct bus_type xbus_back = {
	.name = "fake-back",
	.match = xbus_match,
	.probe = xbus_probe,
	.remove = xbus_remove,
};

static int xbus_add_driver(struct xenbus_driver *drv,
			   const struct bus_type *bus, struct module *owner,
			   const char *mod_name)
{
	drv->driver.name = drv->name ?: drv->ids[0].devicetype;
	drv->driver.bus = bus;
	drv->driver.owner = owner;
	drv->driver.mod_name = mod_name;
	return driver_register(&drv->driver);
}

FAKED(__xenbus_register_frontend);
int fake___xenbus_register_frontend(struct xenbus_driver *drv,
				    struct module *owner, const char *mod_name)
{
	if (fake_fails(1))
		return -ENOMEM;
	return xbus_add_driver(drv, &xbus_front, owner, mod_name);
}

FAKED(__xenbus_register_backend);
int fake___xenbus_register_backend(struct xenbus_driver *drv,
				   struct module *owner, const char *mod_name)
{
	if (fake_fails(1))
		return -ENOMEM;
	return xbus_add_driver(drv, &xbus_back, owner, mod_name);
}

FAKED(xenbus_unregister_driver);
void fake_xenbus_unregister_driver(struct xenbus_driver *drv)
{
	driver_unregister(&drv->driver);
}

/*
 * A work that brings a disk back may not wait for memory that only writing to
 * that disk can free.
 */
static void xbus_check_noio(const struct xenbus_device *dev)
{
	if (current_work() && !(current->flags & PF_MEMALLOC_NOIO))
		fake_abuse("%s: a step may wait for I/O", dev_name(&dev->dev));
}

FAKED(xenbus_switch_state);
int fake_xenbus_switch_state(struct xenbus_device *dev, enum xenbus_state state)
{
	xbus_check_noio(dev);
	if (state == dev->state)
		return 0;
	if (fake_fails(1))
		return 0;
	xbus_switch(dev, state);
	return 0;
}

static void xbus_release(struct device *d)
{
	struct xenbus_device *dev = to_xenbus_device(d);

	kfree(dev->devicetype);
	kfree(dev->nodename);
	kfree(dev->otherend);
	kfree(dev);
}

static void xbus_add_fn(void *arg)
{
	struct xenbus_device *dev = arg;

	dev->down.done = !device_add(&dev->dev);
}

/**
 * fake_bus_add() - a device appears
 * @front: on which bus
 * @name: in sysfs
 * @nodename: its directory in the store
 * @otherend: the other end's
 * @otherend_id: the domain that has that
 *
 * Return: the device, with a driver if there is one that wants it.
 */
struct xenbus_device *fake_bus_add(bool front, const char *name,
				   const char *nodename, const char *otherend,
				   int otherend_id)
{
	struct xenbus_device *dev = kzalloc(sizeof(*dev),
					    GFP_KERNEL | __GFP_NOFAIL);

	dev->devicetype = kstrdup("vbd", GFP_KERNEL | __GFP_NOFAIL);
	dev->nodename = kstrdup(nodename, GFP_KERNEL | __GFP_NOFAIL);
	dev->otherend = kstrdup(otherend, GFP_KERNEL | __GFP_NOFAIL);
	dev->otherend_id = otherend_id;
	dev->state = XenbusStateInitialising;
	sema_init(&dev->reclaim_sem, 1);
	init_completion(&dev->down);
	device_initialize(&dev->dev);
	dev->dev.bus = front ? &xbus_front : &xbus_back;
	dev->dev.release = xbus_release;
	dev_set_name(&dev->dev, "%s", name);
	fake_watch_run(xbus_add_fn, dev);
	if (dev->down.done)
		return dev;
	put_device(&dev->dev);
	return NULL;
}

static void xbus_remove_fn(void *arg)
{
	struct xenbus_device *dev = arg;

	device_unregister(&dev->dev);
}

void fake_bus_remove(struct xenbus_device *dev)
{
	if (dev)
		fake_watch_run(xbus_remove_fn, dev);
}

/*
 * As a suspend of the machine does. Nothing is seen of the other end any more;
 * but what a real suspend freezes goes on, as if it had been cancelled.
 */
int fake_bus_suspend(struct xenbus_device *dev)
{
	struct xenbus_driver *drv = to_xenbus_driver(dev->dev.driver);

	if (!dev->dev.driver)
		return -ENODEV;
	xbus_unwatch_otherend(dev);
	return drv->suspend(dev);
}

/* As the bus does after a resume: with the other end it may have to do anew. */
int fake_bus_resume(struct xenbus_device *dev)
{
	struct xenbus_driver *drv = to_xenbus_driver(dev->dev.driver);
	int err;

	if (!dev->dev.driver)
		return -ENODEV;
	dev->state = XenbusStateInitialising;
	err = drv->resume(dev);
	xbus_watch_otherend(dev);
	return err;
}

int fake_bus_init(void)
{
	int err = bus_register(&xbus_front);

	if (err)
		return err;
	err = bus_register(&xbus_back);
	if (err)
		bus_unregister(&xbus_front);
	return err;
}

void fake_bus_exit(void)
{
	bus_unregister(&xbus_back);
	bus_unregister(&xbus_front);
}
