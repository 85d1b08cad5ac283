// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fake Xen as a module, and the files in debugfs by which a script lives one
 * life after another. Reading one of them does something, and gives a line.
 *
 *	plant	something is wrong, on purpose: good if that was heard of
 *	life	the next life; "." when its verdict comes with the next one, and
 *		nothing when all lives have been lived
 *	load	the modules are about to be loaded; as above
 *	unload	they were loaded, as far as that went, and unloaded: the verdict
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <xen/features.h>
#include <xen/platform_pci.h>
#include <xen/xen.h>

#include "fake.h"

/* Variables of Xen's that the modules read. */
FAKED(xen_domain_type);
enum xen_domain_type fake_xen_domain_type = XEN_PV_DOMAIN;

/* So that a frame number is that of the page. */
FAKED(xen_features);
u8 fake_xen_features[XENFEAT_NR_SUBMAPS * 32] = {
	[XENFEAT_auto_translated_physmap] = 1,
};

FAKED(xen_has_pv_devices);
bool fake_xen_has_pv_devices(void)
{
	return true;
}

FAKED(xen_has_pv_disk_devices);
bool fake_xen_has_pv_disk_devices(void)
{
	return true;
}

FAKED(xen_has_pv_and_legacy_disk_devices);
bool fake_xen_has_pv_and_legacy_disk_devices(void)
{
	return true;
}

/* What one life said, while the next one has not yet confirmed it. */
static char main_text[400];
static bool main_good;
static bool main_waits;
static unsigned int main_kind;

/* The kernel's complaints and forbidden calls spoil any life. */
static bool main_quiet(char *text, size_t size)
{
	char line[120];
	unsigned int abuse = fake_abuse_take();
	unsigned int lines = fake_complaint_take(line, sizeof(line));
	int len = 0;

	text[0] = 0;
	if (abuse)
		len = scnprintf(text, size, ", %u ABUSES", abuse);
	if (lines)
		scnprintf(text + len, size - len, ", KERNEL: %s", line);
	return !abuse && !lines;
}

static void main_say(struct seq_file *m, bool good, const char *name,
		     const char *text)
{
	seq_printf(m, "%s - %s: %s\n", good ? "ok" : "not ok", name, text);
}

/* A life in which nothing fails, alone or after one in which something did. */
static void main_clean(struct seq_file *m, unsigned int kind)
{
	char text[400], quiet[200];
	bool good = fake_life_run(kind, NULL, text, sizeof(text));

	good &= main_quiet(quiet, sizeof(quiet));
	if (!main_waits) {
		main_say(m, good, fake_life_kind(kind), text);
		seq_puts(m, good ? "" : quiet);
		return;
	}
	if (!good)
		seq_printf(m, "not ok - %s; and after it: %s%s\n", main_text,
			   text, quiet);
	else
		seq_printf(m, "%s - %s\n", main_good ? "ok" : "not ok",
			   main_text);
	main_waits = false;
}

static void main_failing(struct seq_file *m, const struct fake_plan *plan)
{
	unsigned int kind = fake_fault_kind(plan->site);
	char name[160], text[400], quiet[200];

	fake_fault_name(plan, name, sizeof(name));
	main_good = fake_life_run(kind, plan, text, sizeof(text));
	main_good &= main_quiet(quiet, sizeof(quiet));
	scnprintf(main_text, sizeof(main_text), "%s: %s: %s%s",
		  fake_life_kind(kind), name, text, quiet);
	main_waits = true;
	seq_puts(m, ".\n");
}

static int life_show(struct seq_file *m, void *unused)
{
	const struct fake_plan *plan;

	if (main_kind < fake_life_kinds()) {
		main_clean(m, main_kind++);
		if (main_kind == fake_life_kinds())
			fake_plan_reset();
		return 0;
	}
	plan = fake_plan_get(false);
	if (!plan)
		return 0;
	if (!main_waits) {
		main_failing(m, plan);
		return 0;
	}
	main_clean(m, fake_fault_kind(plan->site));
	fake_plan_done(fake_fault_last_fired());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(life);

static bool main_loaded;

static int load_show(struct seq_file *m, void *unused)
{
	const struct fake_plan *plan = NULL;

	if (main_loaded) {
		plan = fake_plan_get(true);
		if (!plan)
			return 0;
	}
	fake_fault_begin(fake_life_kinds(), plan);
	fake_fault_phase("load");
	seq_puts(m, ".\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(load);

static int unload_show(struct seq_file *m, void *unused)
{
	const struct fake_plan *plan = main_loaded ? fake_plan_get(true) : NULL;
	char name[160] = "nothing fails", quiet[200], left[200] = "";
	bool good, fired = fake_fault_end();

	good = main_quiet(quiet, sizeof(quiet)) && !fake_memory_count();
	fake_memory_show(left, sizeof(left));
	if (plan)
		fake_fault_name(plan, name, sizeof(name));
	seq_printf(m, "%s - load: %s: %s%s%s\n", good ? "ok" : "not ok", name,
		   fired || !plan ? "reached" : "not reached", left, quiet);
	if (plan)
		fake_plan_done(fired);
	else
		fake_plan_reset();
	main_loaded = true;
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(unload);

/* A mistake that every kernel finds, and one that KASAN does. */
static void main_plant(void)
{
	char *memory = kmalloc(32, GFP_KERNEL | __GFP_NOFAIL);

	WARN(!IS_ENABLED(CONFIG_KASAN), "planted");
	OPTIMIZER_HIDE_VAR(memory);
	kfree(memory);
	if (IS_ENABLED(CONFIG_KASAN) && READ_ONCE(memory[0]) == 'x')
		pr_notice("fake: of no importance\n");
}

static int plant_show(struct seq_file *m, void *unused)
{
	char quiet[200];

	main_plant();
	main_say(m, !main_quiet(quiet, sizeof(quiet)), "plant",
		 "what the kernel says is heard");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(plant);

static struct dentry *main_dir;

static void main_files(void)
{
	main_dir = debugfs_create_dir("fake", NULL);
	debugfs_create_file("plant", 0400, main_dir, NULL, &plant_fops);
	debugfs_create_file("life", 0400, main_dir, NULL, &life_fops);
	debugfs_create_file("load", 0400, main_dir, NULL, &load_fops);
	debugfs_create_file("unload", 0400, main_dir, NULL, &unload_fops);
}

static int __init fake_init(void)
{
	int err;

	fake_event_init();
	fake_grant_init();
	err = fake_watch_init();
	if (err)
		return err;
	err = fake_bus_init();
	if (err) {
		fake_watch_exit();
		return err;
	}
	fake_plan_reset();
	fake_complaint_init();
	main_files();
	return 0;
}

static void __exit fake_exit(void)
{
	debugfs_remove(main_dir);
	fake_complaint_exit();
	fake_bus_exit();
	fake_watch_exit();
	fake_foreign_exit();
}

module_init(fake_init);
module_exit(fake_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tandem: a fake Xen for the drivers' tests");
