// SPDX-License-Identifier: GPL-2.0-only
/*
 * domtime: the CPU time that each domain has had, in nanoseconds, as Xen counts
 * it. One line: the clock, then DOMID=NS for each domain. Xen's own tools round
 * to tenths of a second.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include <xenctrl.h>

#define MAX_DOMAINS 64

int main(void)
{
	static xc_domaininfo_t info[MAX_DOMAINS];
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	struct timespec now;
	int i, n;

	if (!xch)
		return 1;
	n = xc_domain_getinfolist(xch, 0, MAX_DOMAINS, info);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (n < 0)
		return 1;
	printf("now=%" PRIu64, (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec);
	for (i = 0; i < n; i++)
		printf(" %u=%" PRIu64, info[i].domain, info[i].cpu_time);
	putchar('\n');
	return 0;
}
