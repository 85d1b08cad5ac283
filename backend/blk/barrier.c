// SPDX-License-Identifier: GPL-2.0-only
/*
 * Barriers: nothing passes a write that says so, in either direction, on any
 * ring of the device.
 *
 * The ring that meets a barrier becomes the device's @barrier. What the frontend
 * published on other rings before comes before it: each takes what it finds at
 * one more look, and then no more. Each request that ends while there is a
 * barrier has the owner look again, and when only the barrier is in flight it
 * goes. Its end clears @barrier and has every ring look again.
 */
#include "backend/blk/device.h"

/* Has a ring still to take what came before the barrier? */
static bool blkback_barrier_behind(const struct blkback_queue *queue)
{
	/* Pairs with blkback_queue_passed(): what it took is counted. */
	return smp_load_acquire(&queue->ahead) && !READ_ONCE(queue->dead) &&
	       !READ_ONCE(queue->halted);
}

/* Barriers that wait behind this one, parked on other rings, do not count. */
static bool blkback_barrier_alone(struct blkback_device *device)
{
	unsigned int i, inflight = 0, waiting = 0;

	for (i = 0; i < device->nr_queues; i++)
		if (blkback_barrier_behind(&device->queues[i]))
			return false;
	for (i = 0; i < device->nr_queues; i++) {
		inflight += atomic_read(&device->queues[i].inflight);
		waiting += READ_ONCE(device->queues[i].barrier_waits);
	}
	return inflight == 1 + waiting;
}

static void blkback_barrier_take(struct blkback_device *device,
				 struct blkback_queue *queue)
{
	unsigned int i;

	lockdep_assert_held(&device->barrier_lock);
	for (i = 0; i < device->nr_queues; i++)
		if (i != queue->index)
			WRITE_ONCE(device->queues[i].ahead, BLKBACK_AHEAD_LOOK);
	/* Pairs with blkback_queue_held(). */
	smp_store_release(&device->barrier, queue);
	for (i = 0; i < device->nr_queues; i++)
		if (i != queue->index)
			blkback_queue_kick(&device->queues[i]);
}

/* What our ring has behind its own barrier does not come before another's. */
static void blkback_barrier_wait(struct blkback_device *device,
				 struct blkback_queue *queue)
{
	lockdep_assert_held(&device->barrier_lock);
	WRITE_ONCE(queue->ahead, BLKBACK_AHEAD_NONE);
	blkback_queue_kick(device->barrier);
}

/* Return: true when the device's barrier is ours. */
static bool blkback_barrier_claim(struct blkback_device *device,
				  struct blkback_queue *queue)
{
	bool ours;

	spin_lock_bh(&device->barrier_lock);
	if (!device->barrier)
		blkback_barrier_take(device, queue);
	ours = device->barrier == queue;
	WRITE_ONCE(queue->barrier_waits, !ours);
	if (!ours)
		blkback_barrier_wait(device, queue);
	spin_unlock_bh(&device->barrier_lock);
	return ours;
}

/**
 * blkback_device_barrier_begin() - may a barrier go
 * @device: the device
 * @queue: the ring that has taken it
 *
 * Context: the ring's worker.
 * Return: true when all before it has ended; otherwise the ring parks it and
 * is kicked when it is worth asking again.
 */
bool blkback_device_barrier_begin(struct blkback_device *device,
				  struct blkback_queue *queue)
{
	if (!blkback_barrier_claim(device, queue))
		return false;
	/*
	 * Pairs with the decrement in blkback_queue_settled(), the count in
	 * blkback_queue_claim(), and with blkback_queue_passed() and
	 * blkback_queue_stop(): either this sees what they did, or they see the
	 * barrier.
	 */
	smp_mb();
	return blkback_barrier_alone(device);
}

/**
 * blkback_device_barrier_end() - a barrier has been answered, or given up
 * @device: the device
 * @queue: the ring that it was on
 *
 * Context: any with BHs off, or process.
 */
void blkback_device_barrier_end(struct blkback_device *device,
				struct blkback_queue *queue)
{
	unsigned int i;

	spin_lock_bh(&device->barrier_lock);
	if (device->barrier == queue) {
		queue->barrier_out = false;
		WRITE_ONCE(device->barrier, NULL);
	}
	queue->barrier_waits = false;
	spin_unlock_bh(&device->barrier_lock);
	for (i = 0; i < device->nr_queues; i++)
		blkback_queue_kick(&device->queues[i]);
}
