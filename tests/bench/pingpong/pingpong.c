// SPDX-License-Identifier: GPL-2.0-only
/*
 * An event ping-pong between two domains, with no driver in between: the floor
 * under every request that is alone in its ring.
 *
 * Loaded without a port it is the server: it offers a port to the domain
 * "remote" and answers every event with one. Loaded with the server's port it is
 * the client: it sends "rounds" events, each upon the answer to the one before,
 * and leaves the time of one round in "round_ns". Both ends answer from their
 * interrupt handlers, so no task is woken in between.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <xen/events.h>
#include <xen/interface/event_channel.h>
#include <xen/xen.h>

static unsigned int remote;
module_param(remote, uint, 0444);
MODULE_PARM_DESC(remote, "the other domain");

static unsigned int port;
module_param(port, uint, 0444);
MODULE_PARM_DESC(port, "client: the server's port; server: the port offered");

static unsigned long rounds = 5000;
module_param(rounds, ulong, 0444);
MODULE_PARM_DESC(rounds, "events that the client sends");

static unsigned long round_ns;
module_param(round_ns, ulong, 0444);
MODULE_PARM_DESC(round_ns, "the result: nanoseconds for one round");

static struct {
	unsigned int irq;
	evtchn_port_t port;
	bool client;
	bool started;
	unsigned long left;
	struct completion done;
} pingpong;

static irqreturn_t pingpong_event(int irq, void *unused)
{
	if (!pingpong.client) {
		notify_remote_via_evtchn(pingpong.port);
		return IRQ_HANDLED;
	}
	/* Xen sends one event of its own when the channel is bound. */
	if (!READ_ONCE(pingpong.started))
		return IRQ_HANDLED;
	if (--pingpong.left)
		notify_remote_via_evtchn(pingpong.port);
	else
		complete(&pingpong.done);
	return IRQ_HANDLED;
}

static int pingpong_open(void)
{
	struct evtchn_bind_interdomain bind = { .remote_dom = remote, .remote_port = port };
	struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = remote };
	int err;

	if (pingpong.client) {
		err = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind);
		pingpong.port = bind.local_port;
	} else {
		err = HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);
		pingpong.port = alloc.port;
	}
	if (err)
		return err;
	err = bind_evtchn_to_irqhandler(pingpong.port, pingpong_event, 0, "pingpong", &pingpong);
	if (err < 0) {
		struct evtchn_close close = { .port = pingpong.port };

		HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
		return err;
	}
	pingpong.irq = err;
	return 0;
}

static int pingpong_play(void)
{
	ktime_t start;

	msleep(20);
	WRITE_ONCE(pingpong.started, true);
	start = ktime_get();
	notify_remote_via_evtchn(pingpong.port);
	if (!wait_for_completion_timeout(&pingpong.done, 30 * HZ))
		return -ETIMEDOUT;
	round_ns = ktime_to_ns(ktime_sub(ktime_get(), start)) / rounds;
	return 0;
}

static int __init pingpong_init(void)
{
	int err;

	if (!xen_domain() || !rounds)
		return -ENODEV;
	pingpong.client = port;
	pingpong.left = rounds;
	init_completion(&pingpong.done);
	err = pingpong_open();
	if (err)
		return err;
	if (!pingpong.client) {
		port = pingpong.port;
		return 0;
	}
	err = pingpong_play();
	if (err)
		unbind_from_irqhandler(pingpong.irq, &pingpong);
	return err;
}

static void __exit pingpong_exit(void)
{
	unbind_from_irqhandler(pingpong.irq, &pingpong);
}

module_init(pingpong_init);
module_exit(pingpong_exit);
MODULE_DESCRIPTION("Event channel ping-pong between two Xen domains");
MODULE_LICENSE("GPL");
