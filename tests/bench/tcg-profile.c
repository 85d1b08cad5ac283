// SPDX-License-Identifier: GPL-2.0-only
/*
 * A QEMU TCG plugin: how many instructions each translated block has executed,
 * and for which domain, while a control file exists.
 *
 *   -plugin tcg-profile.so,ctl=FILE,out=FILE
 *
 * Counting starts when the control file appears and ends when it goes away; then
 * the output is written, one line for each block that ran:
 *
 *   VADDR SIZE DOM0-RUNS GUEST-RUNS
 *
 * Both kernels live at the same virtual addresses, so a block of kernel text
 * belongs to the domain whose memory it is in: dom0's kernel is one piece of
 * memory, whose offset is that of the first kernel code seen (only dom0 runs
 * then). Blocks of Xen, of modules and of user space belong to the domain whose
 * kernel ran last.
 *
 * The plugin interface is declared here because Debian ships no header for it.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define KERNEL_TEXT	0xffffffff80000000ULL
#define KERNEL_TEXT_END	0xffffffffa0000000ULL

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;
typedef uint64_t qemu_plugin_id_t;

enum { PLUGIN_CB_NO_REGS, PLUGIN_API = 1 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int vcpu, void *data),
					  int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = PLUGIN_API;

struct block {
	uint64_t vaddr;
	uint32_t size;
	int8_t owner;			/* 0 dom0, 1 guest, -1 whoever runs */
	uint64_t runs[2];
	struct block *next;
};

static struct {
	const char *ctl;
	const char *out;
	struct block *blocks;
	bool counting;
	int current;
	uint64_t dom0_offset;
	bool dom0_known;
} profile;

static int owner_of(uint64_t vaddr, const void *host)
{
	uint64_t offset = (uint64_t)(uintptr_t)host - vaddr;

	if (vaddr < KERNEL_TEXT || vaddr >= KERNEL_TEXT_END || !host)
		return -1;
	if (!profile.dom0_known) {
		profile.dom0_known = true;
		profile.dom0_offset = offset;
	}
	return offset != profile.dom0_offset;
}

static void block_runs(unsigned int vcpu, void *data)
{
	struct block *b = data;

	(void)vcpu;
	if (b->owner >= 0)
		profile.current = b->owner;
	if (profile.counting)
		b->runs[profile.current]++;
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block *b = calloc(1, sizeof(*b));

	(void)id;
	if (!b)
		abort();
	b->vaddr = qemu_plugin_tb_vaddr(tb);
	b->size = qemu_plugin_tb_n_insns(tb);
	b->owner = owner_of(b->vaddr, qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, 0)));
	b->next = profile.blocks;
	__atomic_store_n(&profile.blocks, b, __ATOMIC_RELEASE);
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_runs, PLUGIN_CB_NO_REGS, b);
}

static void write_out(void)
{
	char name[4096];
	struct block *b;
	FILE *f;

	snprintf(name, sizeof(name), "%s.new", profile.out);
	f = fopen(name, "w");
	if (!f)
		return;
	for (b = __atomic_load_n(&profile.blocks, __ATOMIC_ACQUIRE); b; b = b->next)
		if (b->runs[0] || b->runs[1])
			fprintf(f, "%llx %u %llu %llu\n", (unsigned long long)b->vaddr, b->size,
				(unsigned long long)b->runs[0], (unsigned long long)b->runs[1]);
	fclose(f);
	rename(name, profile.out);
}

static void *watch_control(void *unused)
{
	for (;;) {
		bool wanted = !access(profile.ctl, F_OK);

		if (profile.counting && !wanted) {
			profile.counting = false;
			usleep(1000);
			write_out();
		}
		profile.counting = wanted;
		usleep(5000);
	}
	return unused;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	pthread_t thread;
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "ctl=", 4))
			profile.ctl = strdup(argv[i] + 4);
		else if (!strncmp(argv[i], "out=", 4))
			profile.out = strdup(argv[i] + 4);
	}
	if (!profile.ctl || !profile.out || pthread_create(&thread, NULL, watch_control, NULL))
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	return 0;
}
