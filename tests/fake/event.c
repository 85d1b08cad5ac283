// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event channels. A handler runs in a hard interrupt (an irq_work) on whatever
 * CPU sent the event; its channel stays masked until the late end of interrupt.
 */
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/spinlock.h>
#include <xen/events.h>

#include "fake.h"

#define EVENT_CHANNELS	64
#define EVENT_FIRST_IRQ	100000

/**
 * struct event_channel - one end
 * @used: somebody has it
 * @masked: from the handler's run to the end of interrupt
 * @pending: an event came meanwhile
 * @peer: the other end
 * @handler: whom to tell; NULL for nobody
 * @arg: and with what
 * @work: runs the handler
 */
struct event_channel {
	bool used;
	bool masked;
	bool pending;
	struct event_channel *peer;
	irq_handler_t handler;
	void *arg;
	struct irq_work work;
};

/* Guards all of them. */
static DEFINE_RAW_SPINLOCK(event_lock);
static struct event_channel event_channel[EVENT_CHANNELS];

static int event_irq(const struct event_channel *channel)
{
	return EVENT_FIRST_IRQ + (channel - event_channel);
}

/* Port 0 is none. */
static evtchn_port_t event_port(const struct event_channel *channel)
{
	return channel - event_channel + 1;
}

static struct event_channel *event_of_port(evtchn_port_t port)
{
	if (!port || port > EVENT_CHANNELS || !event_channel[port - 1].used)
		return NULL;
	return &event_channel[port - 1];
}

static struct event_channel *event_of_irq(unsigned int irq)
{
	return event_of_port(irq - EVENT_FIRST_IRQ + 1);
}

static struct event_channel *event_alloc(void)
{
	struct event_channel *channel = event_channel;

	lockdep_assert_held(&event_lock);
	while (channel->used)
		if (++channel == event_channel + EVENT_CHANNELS)
			return NULL;
	channel->used = true;
	channel->masked = false;
	channel->pending = false;
	channel->peer = NULL;
	channel->handler = NULL;
	return channel;
}

static void event_free(struct event_channel *channel)
{
	lockdep_assert_held(&event_lock);
	if (channel->peer)
		channel->peer->peer = NULL;
	channel->peer = NULL;
	channel->used = false;
}

static void event_raise(struct event_channel *channel)
{
	lockdep_assert_held(&event_lock);
	channel->pending = true;
	if (channel->handler && !channel->masked)
		irq_work_queue(&channel->work);
}

static void event_run(struct irq_work *work)
{
	struct event_channel *channel = container_of(work, struct event_channel,
						     work);
	irq_handler_t handler = NULL;
	void *arg;

	raw_spin_lock(&event_lock);
	if (channel->pending && !channel->masked) {
		handler = channel->handler;
		arg = channel->arg;
		channel->pending = false;
		channel->masked = true;
	}
	raw_spin_unlock(&event_lock);
	if (handler)
		handler(event_irq(channel), arg);
}

FAKED(xenbus_alloc_evtchn);
int fake_xenbus_alloc_evtchn(struct xenbus_device *dev, evtchn_port_t *port)
{
	struct event_channel *channel;

	if (fake_fails(1))
		return -ENOSPC;
	raw_spin_lock_irq(&event_lock);
	channel = event_alloc();
	raw_spin_unlock_irq(&event_lock);
	if (!channel)
		return -ENOSPC;
	*port = event_port(channel);
	return 0;
}

FAKED(xenbus_free_evtchn);
int fake_xenbus_free_evtchn(struct xenbus_device *dev, evtchn_port_t port)
{
	struct event_channel *channel;

	raw_spin_lock_irq(&event_lock);
	channel = event_of_port(port);
	if (channel)
		event_free(channel);
	raw_spin_unlock_irq(&event_lock);
	if (!channel)
		fake_abuse("port %u is freed and not in use", port);
	return channel ? 0 : -EINVAL;
}

FAKED(bind_evtchn_to_irqhandler_lateeoi);
int fake_bind_evtchn_to_irqhandler_lateeoi(evtchn_port_t port,
					   irq_handler_t handler,
					   unsigned long flags,
					   const char *name, void *arg)
{
	struct event_channel *channel;

	if (fake_fails(1))
		return -ENOMEM;
	raw_spin_lock_irq(&event_lock);
	channel = event_of_port(port);
	if (channel) {
		channel->arg = arg;
		channel->handler = handler;
	}
	raw_spin_unlock_irq(&event_lock);
	if (channel)
		return event_irq(channel);
	fake_abuse("port %u is bound and not in use", port);
	return -EINVAL;
}

static struct event_channel *event_connect(evtchn_port_t remote,
					   irq_handler_t handler, void *arg)
{
	struct event_channel *peer = event_of_port(remote), *channel;

	if (!peer || peer->peer)
		return NULL;
	channel = event_alloc();
	if (!channel)
		return NULL;
	channel->arg = arg;
	channel->handler = handler;
	channel->peer = peer;
	peer->peer = channel;
	/* Whatever was sent before: the hypervisor sends one, too. */
	event_raise(channel);
	return channel;
}

FAKED(bind_interdomain_evtchn_to_irqhandler_lateeoi);
int fake_bind_interdomain_evtchn_to_irqhandler_lateeoi(struct xenbus_device *d,
						       evtchn_port_t remote,
						       irq_handler_t handler,
						       unsigned long flags,
						       const char *name,
						       void *arg)
{
	unsigned int way = fake_fails(2);
	struct event_channel *channel;

	if (way)
		return way == 1 ? -ENOMEM : -EINVAL;
	raw_spin_lock_irq(&event_lock);
	channel = event_connect(remote, handler, arg);
	raw_spin_unlock_irq(&event_lock);
	return channel ? event_irq(channel) : -EINVAL;
}

FAKED(unbind_from_irqhandler);
void fake_unbind_from_irqhandler(unsigned int irq, void *arg)
{
	struct event_channel *channel;

	might_sleep();
	raw_spin_lock_irq(&event_lock);
	channel = event_of_irq(irq);
	if (channel && channel->handler && channel->arg == arg)
		channel->handler = NULL;
	else
		channel = NULL;
	raw_spin_unlock_irq(&event_lock);
	if (!channel) {
		fake_abuse("irq %u is unbound and not bound", irq);
		return;
	}
	irq_work_sync(&channel->work);
	raw_spin_lock_irq(&event_lock);
	event_free(channel);
	raw_spin_unlock_irq(&event_lock);
}

/* A port that is closed already is let pass, as the real call does. */
FAKED(notify_remote_via_irq);
void fake_notify_remote_via_irq(int irq)
{
	struct event_channel *channel;
	unsigned long flags;

	raw_spin_lock_irqsave(&event_lock, flags);
	channel = event_of_irq(irq);
	if (channel && channel->peer)
		event_raise(channel->peer);
	raw_spin_unlock_irqrestore(&event_lock, flags);
}

FAKED(xen_irq_lateeoi);
void fake_xen_irq_lateeoi(unsigned int irq, unsigned int eoi_flags)
{
	struct event_channel *channel;
	unsigned long flags;
	bool masked = true;

	raw_spin_lock_irqsave(&event_lock, flags);
	channel = event_of_irq(irq);
	if (channel) {
		masked = channel->masked;
		channel->masked = false;
		if (channel->pending)
			event_raise(channel);
	}
	raw_spin_unlock_irqrestore(&event_lock, flags);
	if (!masked)
		fake_abuse("irq %u is ended and did not begin", irq);
}

FAKED(irq_set_affinity);
int fake_irq_set_affinity(unsigned int irq, const struct cpumask *mask)
{
	if (fake_fails(1))
		return -ENOSPC;
	return 0;
}

/* Return: channels that somebody has. */
unsigned int fake_event_count(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < EVENT_CHANNELS; i++)
		nr += READ_ONCE(event_channel[i].used);
	return nr;
}

void fake_event_init(void)
{
	unsigned int i;

	for (i = 0; i < EVENT_CHANNELS; i++)
		event_channel[i].work = IRQ_WORK_INIT_HARD(event_run);
}
