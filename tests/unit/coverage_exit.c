// SPDX-License-Identifier: GPL-2.0-only
/*
 * The harness runs each test in a child that leaves by _exit(), past the code
 * that writes the counters; linked with --wrap=_exit, this writes them.
 */
#include <gcov.h>
#include <linux/compiler.h>

void __noreturn __real__exit(int status);
void __noreturn __wrap__exit(int status);

void __noreturn __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
