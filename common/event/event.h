/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event channels: one bit that says "look again".
 *
 * Always bound with a late end-of-interrupt: the channel stays masked until
 * the work that the event asked for is done, so that a peer cannot storm us,
 * and an event that brought no work is marked as spurious, so that the event
 * core slows down a peer that sends many of them.
 */
#ifndef TANDEM_EVENT_EVENT_H
#define TANDEM_EVENT_EVENT_H

#include <linux/interrupt.h>
#include <xen/events.h>
#include <xen/xenbus.h>

/**
 * struct tandem_event - one bound event channel
 * @irq: its interrupt, 0 when not bound
 * @port: our port, for frontends; 0 for a backend
 * @handler: whom to tell
 * @arg: and with what
 * @sent: events that we sent
 * @seen: events that arrived
 * @spurious: of those, the ones that brought no work
 */
struct tandem_event {
	unsigned int irq;
	evtchn_port_t port;
	irq_handler_t handler;
	void *arg;
	u64 sent;
	u64 seen;
	u64 spurious;
};

int tandem_event_bind_peer(struct tandem_event *event,
			   struct xenbus_device *dev, evtchn_port_t remote,
			   irq_handler_t handler, void *arg);
int tandem_event_offer(struct tandem_event *event, struct xenbus_device *dev,
		       irq_handler_t handler, void *arg);
void tandem_event_unbind(struct tandem_event *event);
void tandem_event_notify(struct tandem_event *event);
void tandem_event_done(struct tandem_event *event, bool had_work);
bool tandem_event_poll(bool (*look)(void *arg), void *arg, unsigned int us);

#endif /* TANDEM_EVENT_EVENT_H */
