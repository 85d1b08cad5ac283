/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the block backend: trace-cmd record -e tandem_blkback
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tandem_blkback

#if !defined(BLKBACK_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define BLKBACK_TRACE_H

#include <linux/tracepoint.h>

#include "backend/blk/device.h"
#include "common/compat/trace.h"

TRACE_EVENT(blkback_state,
	TP_PROTO(const struct blkback_device *device, u8 from, u8 to),
	TP_ARGS(device, from, to),
	TP_STRUCT__entry(
		__string(name, dev_name(&device->xbdev->dev))
		__field(u8, from)
		__field(u8, to)
	),
	TP_fast_assign(
		tandem_assign_str(name, dev_name(&device->xbdev->dev));
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("%s %u -> %u", __get_str(name), __entry->from, __entry->to)
);

TRACE_EVENT(blkback_pop,
	TP_PROTO(const struct blkback_queue *queue, unsigned int nr),
	TP_ARGS(queue, nr),
	TP_STRUCT__entry(
		__field(u16, domid)
		__field(u16, queue)
		__field(u32, req_cons)
		__field(u32, nr)
	),
	TP_fast_assign(
		__entry->domid = queue->device->domid;
		__entry->queue = queue->index;
		__entry->req_cons = queue->ring.req_cons;
		__entry->nr = nr;
	),
	TP_printk("domain %u queue %u req_cons %u nr %u", __entry->domid,
		  __entry->queue, __entry->req_cons, __entry->nr)
);

TRACE_EVENT(blkback_push,
	TP_PROTO(const struct blkback_queue *queue, unsigned int nr,
		 bool notify),
	TP_ARGS(queue, nr, notify),
	TP_STRUCT__entry(
		__field(u16, domid)
		__field(u16, queue)
		__field(u32, rsp_prod)
		__field(u32, nr)
		__field(bool, notify)
	),
	TP_fast_assign(
		__entry->domid = queue->device->domid;
		__entry->queue = queue->index;
		__entry->rsp_prod = queue->ring.rsp_prod;
		__entry->nr = nr;
		__entry->notify = notify;
	),
	TP_printk("domain %u queue %u rsp_prod %u nr %u notify %d",
		  __entry->domid, __entry->queue, __entry->rsp_prod,
		  __entry->nr, __entry->notify)
);

DECLARE_EVENT_CLASS(blkback_request,
	TP_PROTO(const struct blkback_queue *queue,
		 const struct blkback_req *req),
	TP_ARGS(queue, req),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, sector)
		__field(u64, nr_sectors)
		__field(u16, domid)
		__field(u16, queue)
		__field(u16, nr_segs)
		__field(s16, status)
		__field(u8, op)
	),
	TP_fast_assign(
		__entry->id = req->id;
		__entry->sector = req->sector;
		__entry->nr_sectors = req->nr_sectors;
		__entry->domid = queue->device->domid;
		__entry->queue = queue->index;
		__entry->nr_segs = req->nr_segs;
		__entry->status = req->status;
		__entry->op = req->op;
	),
	TP_printk("domain %u queue %u id %llu op %u sector %llu+%llu segs %u status %d",
		  __entry->domid, __entry->queue, __entry->id, __entry->op,
		  __entry->sector, __entry->nr_sectors, __entry->nr_segs,
		  __entry->status)
);

DEFINE_EVENT(blkback_request, blkback_req,
	TP_PROTO(const struct blkback_queue *queue,
		 const struct blkback_req *req),
	TP_ARGS(queue, req)
);

DEFINE_EVENT(blkback_request, blkback_rsp,
	TP_PROTO(const struct blkback_queue *queue,
		 const struct blkback_req *req),
	TP_ARGS(queue, req)
);

TRACE_EVENT(blkback_grant,
	TP_PROTO(const struct blkback_queue *queue, unsigned int maps,
		 unsigned int copies, unsigned int unmaps),
	TP_ARGS(queue, maps, copies, unmaps),
	TP_STRUCT__entry(
		__field(u16, domid)
		__field(u16, queue)
		__field(u32, maps)
		__field(u32, copies)
		__field(u32, unmaps)
	),
	TP_fast_assign(
		__entry->domid = queue->device->domid;
		__entry->queue = queue->index;
		__entry->maps = maps;
		__entry->copies = copies;
		__entry->unmaps = unmaps;
	),
	TP_printk("domain %u queue %u maps %u copies %u unmaps %u",
		  __entry->domid, __entry->queue, __entry->maps,
		  __entry->copies, __entry->unmaps)
);

TRACE_EVENT(blkback_peer_error,
	TP_PROTO(const struct blkback_device *device, const char *what),
	TP_ARGS(device, what),
	TP_STRUCT__entry(
		__string(name, dev_name(&device->xbdev->dev))
		__string(what, what)
	),
	TP_fast_assign(
		tandem_assign_str(name, dev_name(&device->xbdev->dev));
		tandem_assign_str(what, what);
	),
	TP_printk("%s %s", __get_str(name), __get_str(what))
);

#endif /* BLKBACK_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH backend/blk
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
