/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the block frontend: trace-cmd record -e tandem_blkfront
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tandem_blkfront

#if !defined(BLKFRONT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define BLKFRONT_TRACE_H

#include <linux/tracepoint.h>

#include "common/compat/trace.h"
#include "frontend/blk/device.h"

TRACE_EVENT(blkfront_state,
	TP_PROTO(const struct blkfront *front, u8 from, u8 to),
	TP_ARGS(front, from, to),
	TP_STRUCT__entry(
		__field(u32, vdev)
		__field(u8, from)
		__field(u8, to)
		__field(u8, peer)
	),
	TP_fast_assign(
		__entry->vdev = front->vdev;
		__entry->from = from;
		__entry->to = to;
		__entry->peer = front->dev.ctx.peer;
	),
	TP_printk("vbd %u %u -> %u peer %u", __entry->vdev, __entry->from,
		  __entry->to, __entry->peer)
);

DECLARE_EVENT_CLASS(blkfront_ring,
	TP_PROTO(const struct blkfront_queue *queue, unsigned int nr),
	TP_ARGS(queue, nr),
	TP_STRUCT__entry(
		__field(u32, vdev)
		__field(u16, queue)
		__field(u32, prod)
		__field(u32, cons)
		__field(u32, nr)
	),
	TP_fast_assign(
		__entry->vdev = queue->front->vdev;
		__entry->queue = queue->index;
		__entry->prod = queue->ring.req_prod;
		__entry->cons = queue->ring.rsp_cons;
		__entry->nr = nr;
	),
	TP_printk("vbd %u queue %u req_prod %u rsp_cons %u nr %u",
		  __entry->vdev, __entry->queue, __entry->prod, __entry->cons,
		  __entry->nr)
);

/* Requests published; nr says whether the backend is told of them. */
DEFINE_EVENT(blkfront_ring, blkfront_push,
	TP_PROTO(const struct blkfront_queue *queue, unsigned int nr),
	TP_ARGS(queue, nr)
);

/* Responses found; nr is their number. */
DEFINE_EVENT(blkfront_ring, blkfront_pop,
	TP_PROTO(const struct blkfront_queue *queue, unsigned int nr),
	TP_ARGS(queue, nr)
);

DECLARE_EVENT_CLASS(blkfront_request,
	TP_PROTO(const struct blkfront_queue *queue,
		 const struct blkfront_req *req),
	TP_ARGS(queue, req),
	TP_STRUCT__entry(
		__field(u32, vdev)
		__field(u32, bytes)
		__field(u16, queue)
		__field(u16, slot)
		__field(u16, nr_segs)
		__field(u8, op)
		__field(u8, flags)
		__field(s8, status)
	),
	TP_fast_assign(
		__entry->vdev = queue->front->vdev;
		__entry->bytes = req->bytes;
		__entry->queue = queue->index;
		__entry->slot = req->slot;
		__entry->nr_segs = req->nr_segs;
		__entry->op = req->op;
		__entry->flags = req->flags;
		__entry->status = req->status;
	),
	TP_printk("vbd %u queue %u id %u op %u bytes %u segs %u flags %#x status %d",
		  __entry->vdev, __entry->queue, __entry->slot, __entry->op,
		  __entry->bytes, __entry->nr_segs, __entry->flags,
		  __entry->status)
);

DEFINE_EVENT(blkfront_request, blkfront_req,
	TP_PROTO(const struct blkfront_queue *queue,
		 const struct blkfront_req *req),
	TP_ARGS(queue, req)
);

DEFINE_EVENT(blkfront_request, blkfront_rsp,
	TP_PROTO(const struct blkfront_queue *queue,
		 const struct blkfront_req *req),
	TP_ARGS(queue, req)
);

TRACE_EVENT(blkfront_grant,
	TP_PROTO(const struct blkfront_queue *queue, int pages),
	TP_ARGS(queue, pages),
	TP_STRUCT__entry(
		__field(u32, vdev)
		__field(u16, queue)
		__field(s32, pages)
		__field(u32, nr)
	),
	TP_fast_assign(
		__entry->vdev = queue->front->vdev;
		__entry->queue = queue->index;
		__entry->pages = pages;
		__entry->nr = queue->pool.nr;
	),
	TP_printk("vbd %u queue %u pages %+d of %u", __entry->vdev,
		  __entry->queue, __entry->pages, __entry->nr)
);

TRACE_EVENT(blkfront_peer_error,
	TP_PROTO(const struct blkfront_queue *queue, const char *why,
		 u64 value),
	TP_ARGS(queue, why, value),
	TP_STRUCT__entry(
		__field(u32, vdev)
		__field(u16, queue)
		__field(u64, value)
		__string(why, why)
	),
	TP_fast_assign(
		__entry->vdev = queue->front->vdev;
		__entry->queue = queue->index;
		__entry->value = value;
		tandem_assign_str(why, why);
	),
	TP_printk("vbd %u queue %u %s (%llu)", __entry->vdev, __entry->queue,
		  __get_str(why), __entry->value)
);

#endif /* BLKFRONT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH frontend/blk
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
