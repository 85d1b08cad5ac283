// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event channels with a late end-of-interrupt.
 */
#include <linux/export.h>
#include <linux/sched/clock.h>

#include "common/event/event.h"

/*
 * An event may arrive before the call that binds has returned, and what it sets
 * off may end before, too: the interrupt's number has to be known by then.
 */
static irqreturn_t event_irq(int irq, void *arg)
{
	struct tandem_event *event = arg;

	WRITE_ONCE(event->irq, irq);
	return event->handler(irq, event->arg);
}

/**
 * tandem_event_bind_peer() - bind to a port that the peer offers (backends)
 * @event: filled in
 * @dev: the device, whose events are counted and throttled by the event core
 * @remote: the peer's port, any value
 * @handler: called in hard interrupt context; ends with tandem_event_done(),
 *           then or later from a worker
 * @arg: its argument
 *
 * Context: process; may sleep.
 * Return: 0 or a negative error; @event->irq is 0 then.
 */
int tandem_event_bind_peer(struct tandem_event *event,
			   struct xenbus_device *dev, evtchn_port_t remote,
			   irq_handler_t handler, void *arg)
{
	int irq;

	event->port = 0;
	event->irq = 0;
	event->handler = handler;
	event->arg = arg;
	irq = bind_interdomain_evtchn_to_irqhandler_lateeoi(dev, remote,
							    event_irq, 0,
							    dev_name(&dev->dev),
							    event);
	if (irq < 0)
		return irq;
	WRITE_ONCE(event->irq, irq);
	return 0;
}
EXPORT_SYMBOL_GPL(tandem_event_bind_peer);

/**
 * tandem_event_offer() - make a port for the peer to bind to (frontends)
 * @event: filled in; @event->port is what goes to xenstore
 * @dev: the device
 * @handler: as for tandem_event_bind_peer()
 * @arg: its argument
 *
 * Context: process; may sleep.
 * Return: 0 or a negative error; nothing is held then.
 */
int tandem_event_offer(struct tandem_event *event, struct xenbus_device *dev,
		       irq_handler_t handler, void *arg)
{
	int err;

	event->irq = 0;
	event->handler = handler;
	event->arg = arg;
	err = xenbus_alloc_evtchn(dev, &event->port);
	if (err)
		return err;
	err = bind_evtchn_to_irqhandler_lateeoi(event->port, event_irq, 0,
						dev_name(&dev->dev), event);
	if (err < 0) {
		xenbus_free_evtchn(dev, event->port);
		event->port = 0;
		return err;
	}
	WRITE_ONCE(event->irq, err);
	return 0;
}
EXPORT_SYMBOL_GPL(tandem_event_offer);

/**
 * tandem_event_unbind() - unbind and close; no handler runs afterwards
 * @event: bound or not; idempotent
 *
 * Context: process; waits for a running handler.
 */
void tandem_event_unbind(struct tandem_event *event)
{
	if (event->irq)
		unbind_from_irqhandler(event->irq, event);
	WRITE_ONCE(event->irq, 0);
	event->port = 0;
}
EXPORT_SYMBOL_GPL(tandem_event_unbind);

/**
 * tandem_event_notify() - tell the peer to look again
 * @event: bound or not
 *
 * Context: any; one hypercall.
 */
void tandem_event_notify(struct tandem_event *event)
{
	unsigned int irq = READ_ONCE(event->irq);

	if (!irq)
		return;
	event->sent++;
	notify_remote_via_irq(irq);
}
EXPORT_SYMBOL_GPL(tandem_event_notify);

/**
 * tandem_event_done() - the work that an event asked for is done
 * @event: the event, whose handler ran and did not yet say so
 * @had_work: there was work; otherwise the event counts as spurious
 *
 * Context: any. Exactly once per run of the handler.
 */
void tandem_event_done(struct tandem_event *event, bool had_work)
{
	event->seen++;
	if (!had_work)
		event->spurious++;
	xen_irq_lateeoi(READ_ONCE(event->irq), had_work ? 0 : XEN_EOI_FLAG_SPURIOUS);
}
EXPORT_SYMBOL_GPL(tandem_event_done);

/**
 * tandem_event_poll() - look for work for a while, instead of asking for an event
 * @look: true when there is work
 * @arg: its argument
 * @us: how long at most, in microseconds; 0 does not look at all
 *
 * Ends early when somebody else wants the CPU.
 *
 * Context: process.
 * Return: true when there is work.
 */
bool tandem_event_poll(bool (*look)(void *arg), void *arg, unsigned int us)
{
	u64 end;

	if (likely(!us))
		return false;
	end = local_clock() + us * (u64)NSEC_PER_USEC;
	do {
		if (look(arg))
			return true;
		cpu_relax();
	} while (!need_resched() && local_clock() < end);
	return false;
}
EXPORT_SYMBOL_GPL(tandem_event_poll);
