// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's tracepoints: what became of a request below the driver.
 */
#include <stdlib.h>
#include <string.h>

#include "peer.h"

#define TRACE_DIR	"/sys/kernel/tracing"

static const char *trace_event;

static void trace_cleanup(void *arg)
{
	(void)arg;
	trace_end();
}

/* Note one event, as long as its fields are as @filter says. */
void trace_begin(const char *event, const char *filter)
{
	char path[PATH_BYTES];

	if (!file_exists(TRACE_DIR "/events"))
		shell("mount -t tracefs none " TRACE_DIR);
	peer_at_end(trace_cleanup, &trace_event);
	trace_event = event;
	snprintf(path, sizeof(path), TRACE_DIR "/events/%s/filter", event);
	need(!file_write(path, filter), "%s: no filter %s", event, filter);
	snprintf(path, sizeof(path), TRACE_DIR "/events/%s/enable", event);
	need(!file_write(path, "1"), "no event %s", event);
	file_write(TRACE_DIR "/tracing_on", "1");
	trace_clear();
}

void trace_clear(void)
{
	FILE *f = fopen(TRACE_DIR "/trace", "we");

	need(f, "the trace cannot be cleared");
	fclose(f);
}

/* Return: how many events there were whose line has the text. */
unsigned int trace_count(const char *text)
{
	char line[512];
	unsigned int nr = 0;
	FILE *f = fopen(TRACE_DIR "/trace", "re");

	need(f, "no trace");
	while (fgets(line, sizeof(line), f))
		nr += line[0] != '#' && strstr(line, text);
	fclose(f);
	return nr;
}

void trace_end(void)
{
	char path[PATH_BYTES];

	if (!trace_event)
		return;
	snprintf(path, sizeof(path), TRACE_DIR "/events/%s/enable", trace_event);
	file_write(path, "0");
	snprintf(path, sizeof(path), TRACE_DIR "/events/%s/filter", trace_event);
	file_write(path, "0");
	trace_event = NULL;
}
