// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest of the lab, for rogues and victims that need a domain of their own.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "peer.h"

#define GUEST		"hostile"
#define COMMAND_BYTES	1024

static int run_shell(const char *before, const char *fmt, va_list ap,
		     const char *after)
{
	char text[COMMAND_BYTES], command[2 * COMMAND_BYTES];

	vsnprintf(text, sizeof(text), fmt, ap);
	snprintf(command, sizeof(command), "%s%s%s", before, text, after);
	fflush(stdout);
	return system(command);
}

/* A command in dom0. Return: 0 if it succeeded. */
int shell(const char *fmt, ...)
{
	va_list ap;
	int status;

	va_start(ap, fmt);
	status = run_shell("", fmt, ap, "");
	va_end(ap);
	return status;
}

/* A command in the guest; without single quotes. */
int guest_sh(const char *fmt, ...)
{
	va_list ap;
	int status;

	va_start(ap, fmt);
	status = run_shell("guest sh " GUEST " '", fmt, ap, "'");
	va_end(ap);
	return status;
}

unsigned int guest_domid(void)
{
	FILE *p = popen("xl domid " GUEST, "r");
	char text[32] = "";

	need(p && fgets(text, sizeof(text), p), "no domain id");
	pclose(p);
	return atoi(text);
}

static void guest_cleanup(void *arg)
{
	(void)arg;
	if (peer_failed())
		guest_stop();
}

/*
 * The guest that an earlier case left, or a new one. It stays for the next
 * case, unless this one fails. Return: its domain.
 */
unsigned int guest_start(const char *options)
{
	static int cleanup;

	peer_at_end(guest_cleanup, &cleanup);
	if (shell("guest sh " GUEST " true >/dev/null 2>&1"))
		need(!shell("guest start -n " GUEST " %s", options),
		     "no guest");
	return guest_domid();
}

void guest_stop(void)
{
	shell("guest stop " GUEST);
}

/* No domain is left but this one; one that is dying counts. */
bool guest_gone(void)
{
	uint64_t end = now_ms() + PATIENCE;

	while (shell("[ $(xl list 2>/dev/null | wc -l) -eq 2 ]")) {
		if (now_ms() >= end) {
			shell("xl list | sed 's/^/# /'");
			return false;
		}
		sleep_ms(100);
	}
	return true;
}
