// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a disk: what a toolstack, a guest and an operator do with it, from
 * attach to detach, and what must be so afterwards whatever failed on the way.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/namei.h>
#include <linux/slab.h>

#include "fake.h"

#define LIFE_BACK	"/local/domain/0/backend/vbd/5/51712"
#define LIFE_FRONT	"/local/domain/5/device/vbd/51712"
#define LIFE_SYSFS	"/sys/bus/fake-back/devices/vbd-5-51712/"
#define LIFE_PERSISTENT	"/sys/module/tandem_blkback/parameters/feature_persistent"
#define LIFE_QUEUES	"/sys/module/tandem_blkback/parameters/max_queues"

#define LIFE_SIZE	((loff_t)FAKE_BLOCKS * FAKE_BLOCK)

/* The bound of every wait here: long, as nothing that works ever waits for it. */
#define LIFE_LOOKS	2000
#define LIFE_LOOK_MS	10

/* Calls that find nothing before there is something again. */
#define LIFE_DRY_HITS	200

/* How long a store holds on to pages: what does not wait for it has ended by then. */
#define LIFE_HOLD_MS	300
/* longer than the store's slow answers take */
#define LIFE_LINGER_MS	1000

/**
 * struct fake_kind - one kind of life
 * @name: for people
 * @store: what the operator writes to sysfs; NULL for a disk by its number, as
 *         a hotplug script that knows nothing of us would write it
 * @path: the file or block device
 * @single: grants are for one request each
 * @moves: the guest is suspended, and resumed with another backend
 * @pulled: the disk goes without notice, with I/O on its way
 * @dry: the backend runs out of memory for a while, and of room for mappings
 * @guesses: the backend has one ring where the one before had several; and it maps
 *           a page that it was not told of
 * @holds: the store holds on to pages of requests that it has completed
 */
struct fake_kind {
	const char *name;
	const char *store;
	const char *path;
	bool single;
	bool moves;
	bool pulled;
	bool dry;
	bool guesses;
	bool holds;
};

static const struct fake_kind life_kind[] = {
	{ .name = "disk", .path = "/dev/nullb0" },
	{ .name = "file", .path = "/tmp/image", .store = "file:/tmp/image",
	  .single = true },
	{ .name = "direct", .path = "/mnt/image", .store = "file:/mnt/image" },
	{ .name = "moved", .path = "/dev/nullb0", .store = "phy:/dev/nullb0",
	  .moves = true },
	{ .name = "pulled", .path = "/dev/nullb0", .single = true,
	  .pulled = true },
	{ .name = "dry", .path = "/dev/nullb0", .single = true, .dry = true },
	{ .name = "guessed", .path = "/dev/nullb0",
	  .store = "phy:/dev/nullb0", .single = true, .moves = true,
	  .guesses = true },
	{ .name = "held", .path = "/dev/nullb0", .single = true, .pulled = true,
	  .holds = true },
	{ .name = "held, kept", .path = "/dev/nullb0", .pulled = true,
	  .holds = true },
};

/**
 * struct life - one of them
 * @kind: which
 * @back: the backend's device, or NULL
 * @front: the frontend's
 * @disk: what the guest's user has open
 * @io: what became of its I/O
 * @open: it is open
 * @attached: there was a disk
 * @told: the new size was in the store when the operator's write returned
 * @resized: the guest saw it
 * @moved: it was connected to another backend
 * @gave_up: it gave that one up
 * @erased: what was to be erased was; and what was refused, was refused
 * @waited: what its store held was not given back before it let go
 * @detached: both ends closed by themselves
 * @followed: its directory is taken away with a step under way, and another disk of the
 *            same name may be there before this one has gone
 * @left_alone: and the nodes there are as the toolstack left them
 */
struct life {
	const struct fake_kind *kind;
	struct xenbus_device *back;
	struct xenbus_device *front;
	struct fake_disk disk;
	struct fake_result io;
	bool open;
	bool attached;
	bool told;
	bool resized;
	bool moved;
	bool gave_up;
	bool erased;
	bool waited;
	bool detached;
	bool followed;
	bool left_alone;
};

/* What is held of anything. */
struct life_counts {
	int grants;
	int maps;
	int events;
	int foreign;
	int watches;
	int transactions;
	int memory;
};

unsigned int fake_life_kinds(void)
{
	return ARRAY_SIZE(life_kind);
}

const char *fake_life_kind(unsigned int kind)
{
	return kind < ARRAY_SIZE(life_kind) ? life_kind[kind].name : "load";
}

static void life_count(struct life_counts *counts)
{
	counts->grants = fake_grant_count();
	counts->maps = fake_grant_maps();
	counts->events = fake_event_count();
	counts->foreign = fake_foreign_count();
	counts->watches = fake_watch_count();
	counts->transactions = fake_store_transactions();
	counts->memory = fake_memory_count();
}

/* Return: true when a condition came true in time. */
#define life_wait(condition)					\
({								\
	unsigned int __looks = LIFE_LOOKS;			\
								\
	while (!(condition) && --__looks)			\
		msleep(LIFE_LOOK_MS);				\
	__looks > 0;						\
})

static int life_tell(const char *path, const char *text)
{
	struct file *file = filp_open(path, O_WRONLY, 0);
	loff_t pos = 0;
	ssize_t n;

	if (IS_ERR(file))
		return PTR_ERR(file);
	n = kernel_write(file, text, strlen(text), &pos);
	__fput_sync(file);
	return n < 0 ? n : 0;
}

static dev_t life_dev(const char *name)
{
	struct path path;
	dev_t dev = 0;

	if (kern_path(name, LOOKUP_FOLLOW, &path))
		return 0;
	dev = d_inode(path.dentry)->i_rdev;
	path_put(&path);
	return dev;
}

static int life_truncate(const char *name, loff_t size)
{
	struct path path;
	int err = kern_path(name, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	err = vfs_truncate(&path, size);
	path_put(&path);
	return err;
}

static bool life_is_bdev(const struct fake_kind *kind)
{
	return !strncmp(kind->path, "/dev/", 5);
}

static void life_write_back(void)
{
	fake_store_set(LIFE_BACK, "frontend", LIFE_FRONT);
	fake_store_set(LIFE_BACK, "frontend-id", "5");
	fake_store_set(LIFE_BACK, "online", "1");
	fake_store_set(LIFE_BACK, "mode", "w");
	fake_store_set(LIFE_BACK, "device-type", "disk");
	fake_store_set(LIFE_BACK, "discard-enable", "1");
	fake_store_set(LIFE_BACK, "state", "1");
}

static void life_write_front(void)
{
	fake_store_set("/local/domain/5", "vm", "/vm/fake");
	fake_store_set(LIFE_FRONT, "backend", LIFE_BACK);
	fake_store_set(LIFE_FRONT, "backend-id", "0");
	fake_store_set(LIFE_FRONT, "virtual-device", "51712");
	fake_store_set(LIFE_FRONT, "device-type", "disk");
	fake_store_set(LIFE_FRONT, "state", "1");
}

/* What a hotplug script does: say where the data is. */
static void life_hotplug(const struct fake_kind *kind)
{
	char number[24];
	dev_t dev;

	if (kind->store) {
		life_tell(LIFE_SYSFS "store", kind->store);
		return;
	}
	dev = life_dev(kind->path);
	snprintf(number, sizeof(number), "%x:%x", MAJOR(dev), MINOR(dev));
	fake_store_set(LIFE_BACK, "physical-device", number);
}

static void life_add_back(struct life *life)
{
	life_write_back();
	life->back = fake_bus_add(false, "vbd-5-51712", LIFE_BACK, LIFE_FRONT,
				  FAKE_DOMID);
	life_hotplug(life->kind);
}

static int life_is_disk(struct device *dev, void *data)
{
	return dev->class && !strcmp(dev->class->name, "block") &&
	       dev->type && !strcmp(dev->type->name, "disk");
}

/* The number of the guest's disk, when there is one. */
static dev_t life_guest_dev(struct life *life)
{
	struct device *dev;
	dev_t number;

	if (!life->front)
		return 0;
	dev = device_find_child(&life->front->dev, NULL, life_is_disk);
	if (!dev)
		return 0;
	number = dev->devt;
	put_device(dev);
	return number;
}

static bool life_connected(void)
{
	return fake_store_state(LIFE_FRONT) == XenbusStateConnected &&
	       fake_store_state(LIFE_BACK) == XenbusStateConnected;
}

static bool life_given_up(void)
{
	return fake_store_state(LIFE_FRONT) >= XenbusStateClosing ||
	       fake_store_state(LIFE_BACK) >= XenbusStateClosing;
}

static void life_attach(struct life *life)
{
	fake_fault_phase("attach");
	life_write_front();
	life_add_back(life);
	life->front = fake_bus_add(true, "vbd-51712", LIFE_FRONT, LIFE_BACK, 0);
	life_wait(life_given_up() ||
		  (life_connected() && life_guest_dev(life)));
	life->attached = life_connected() && life_guest_dev(life);
}

static void life_open(struct life *life)
{
	if (life->attached)
		life->open = !fake_disk_open(&life->disk, life_guest_dev(life));
}

static void life_close(struct life *life)
{
	if (life->open)
		fake_disk_close(&life->disk);
	life->open = false;
}

static void life_io(struct life *life)
{
	fake_fault_phase("I/O");
	if (life->open)
		fake_disk_work(&life->disk, &life->io);
}

/*
 * The store erases, and then it cannot any more. The guest is told so, is not
 * told again that it could, and has nothing discarded in place of that.
 */
static void life_erase(struct life *life)
{
	unsigned int before = fake_block_erased();
	struct fake_result refused = { };

	if (!life->open || !fake_disk_erases(&life->disk))
		return;
	fake_fault_phase("erase");
	fake_disk_erase(&life->disk, &life->io);
	life->erased = fake_block_erased() == before + 1;
	fake_block_refuse(true);
	fake_disk_erase(&life->disk, &refused);
	fake_block_refuse(false);
	life->io.stuck += refused.stuck;
	life->erased &= refused.errors == 1 &&
			fake_block_erased() == before + 1 &&
			life_wait(!fake_disk_erases(&life->disk));
	fake_disk_discard(&life->disk, &life->io);
	fake_disk_read(&life->disk, &life->io);
}

/* Requests that find nothing wait, and get on when there is this much again. */
static void life_wait_dry(struct life *life, enum fake_dry then)
{
	fake_fault_dry(FAKE_DRY_ROOM);
	fake_disk_start(&life->disk);
	life_wait(fake_fault_dry_hits() > LIFE_DRY_HITS);
	fake_fault_dry(then);
	fake_disk_wait(&life->io);
}

/*
 * Without memory, one request of a disk proceeds at a time. Without room for
 * mappings, too, all wait, until there is one of both again. None fails.
 */
static void life_dry(struct life *life)
{
	if (!life->open || !life->kind->dry)
		return;
	fake_fault_phase("shortage");
	fake_fault_dry(FAKE_DRY_MEMORY);
	fake_disk_start(&life->disk);
	fake_disk_wait(&life->io);
	fake_disk_read(&life->disk, &life->io);
	life_wait_dry(life, FAKE_DRY_MEMORY);
	life_wait_dry(life, FAKE_DRY_MAPPINGS);
	fake_disk_read(&life->disk, &life->io);
	fake_fault_dry(FAKE_DRY_NOTHING);
	fake_disk_read(&life->disk, &life->io);
}

static bool life_store_size(loff_t size)
{
	char *text = fake_store_get(LIFE_BACK, "sectors");
	u64 sectors = 0;
	bool is = text && !kstrtou64(text, 10, &sectors) &&
		  sectors == size >> SECTOR_SHIFT;

	kfree(text);
	return is;
}

/* An operator who is told that it did not work tries once more. */
static void life_resize(struct life *life)
{
	fake_fault_phase("resize");
	if (!life->open || !life->kind->store || life->kind->moves)
		return;
	life_truncate(life->kind->path, 2 * LIFE_SIZE);
	if (life_tell(LIFE_SYSFS "resize", "1"))
		life_tell(LIFE_SYSFS "resize", "1");
	life->told = life_store_size(2 * LIFE_SIZE);
	life->resized = life_wait(bdev_nr_bytes(life->disk.bdev) ==
				  2 * LIFE_SIZE);
}

/* The guest's disk goes without notice. */
static void life_take_away(struct life *life)
{
	fake_store_remove(LIFE_FRONT);
	fake_bus_remove(life->front);
	life->front = NULL;
}

/*
 * The guest is suspended with writes on their way, which is cancelled: they are
 * to end. Then it is suspended once more, and finds itself on a host where
 * another backend serves the same disk.
 */
static void life_move(struct life *life)
{
	if (!life->open || !life->front || !life->kind->moves)
		return;
	fake_fault_phase("move");
	fake_disk_start(&life->disk);
	fake_bus_suspend(life->front);
	fake_disk_wait(&life->io);
	/* Ends only when what the cancelled suspend stopped goes on. */
	fake_disk_start(&life->disk);
	fake_disk_wait(&life->io);
	fake_disk_start(&life->disk);
	fake_store_remove(LIFE_BACK);
	fake_bus_remove(life->back);
	fake_store_remove(LIFE_FRONT);
	life_write_front();
	life_tell(LIFE_QUEUES, life->kind->guesses ? "1" : "0");
	life_add_back(life);
	fake_bus_resume(life->front);
	life->moved = life_wait(life_connected() || life_given_up()) &&
		      life_connected();
	if (!life->moved) {
		/* Nobody serves it: what waits is to fail. */
		life_take_away(life);
	}
	fake_disk_wait(&life->io);
	if (life->moved)
		fake_disk_read(&life->disk, &life->io);
}

/* Does the frontend's error node say so? */
static bool life_complained(const char *what)
{
	char *text = fake_store_get("error/" LIFE_FRONT, "error");
	bool said = text && strstr(text, what);

	kfree(text);
	return said;
}

/*
 * More requests than the ring has slots, from as many queues as there were rings:
 * some are lent and cannot be sent. The backend answers none, and has a page of
 * one that was not sent. That ends the connection, and each request with it.
 */
static void life_guess(struct life *life)
{
	struct fake_result lost = { };

	if (!life->moved || !life->kind->guesses)
		return;
	fake_fault_phase("guess");
	fake_fault_dry(FAKE_DRY_ROOM);
	fake_grant_guess();
	fake_disk_crowd(&life->disk);
	fake_disk_wait(&lost);
	fake_fault_dry(FAKE_DRY_NOTHING);
	life->io.stuck += lost.stuck;
	life->gave_up = life_wait(life_complained("page still mapped"));
}

/*
 * The store holds on to what it was given. A request whose page is lent for it alone
 * is not answered before; one whose page is kept is.
 */
static void life_hold(struct life *life)
{
	if (!life->open || !life->kind->holds)
		return;
	fake_fault_phase("hold");
	fake_hold_begin();
	fake_disk_start(&life->disk);
	msleep(LIFE_HOLD_MS);
	life->waited = fake_hold_count() &&
		       fake_disk_busy() == life->kind->single;
	fake_hold_end();
	fake_disk_wait(&life->io);
	fake_disk_read(&life->disk, &life->io);
}

/* As the toolstack asks for it, which is of no use to a disk that is not connected. */
static void life_ask(struct life *life)
{
	fake_store_set(LIFE_BACK, "online", "0");
	if (fake_store_state(LIFE_BACK) == XenbusStateConnected)
		fake_store_set(LIFE_BACK, "state", "5");
	life->detached = life_wait(fake_store_state(LIFE_FRONT) ==
				   XenbusStateClosed &&
				   fake_store_state(LIFE_BACK) ==
				   XenbusStateClosed);
}

/* Writes are on their way when the disk goes, and what is held stays so beyond. */
static void life_pull(struct life *life)
{
	if (life->kind->holds)
		fake_hold_begin();
	fake_disk_start(&life->disk);
	if (life->kind->holds)
		msleep(LIFE_HOLD_MS);
}

/* The backend is gone, but for what its store holds. */
static void life_let_go(struct life *life)
{
	if (!life->kind->holds)
		return;
	msleep(LIFE_HOLD_MS);
	life->waited &= fake_hold_count() &&
			fake_hold_count() <= fake_grant_maps();
	fake_hold_end();
}

static bool life_offers(void)
{
	char *offer = fake_store_get(LIFE_BACK, "max-ring-page-order");
	bool there = offer;

	kfree(offer);
	return there;
}

/*
 * The bus has yet to hear that the toolstack took the directory away, when the step
 * has made up its mind and is about to write.
 */
static bool life_linger(struct life *life)
{
	bool writes, offers;

	fake_store_slow(true);
	writes = life_wait(fake_store_slowed());
	fake_store_remove(LIFE_BACK);
	fake_store_slow(false);
	msleep(LIFE_LINGER_MS);
	offers = life_offers();
	fake_bus_remove(life->back);
	return writes && !offers;
}

/* The toolstack has made the next disk of that name before this one has gone. */
static bool life_succeed(struct life *life)
{
	fake_store_remove(LIFE_BACK);
	life_write_back();
	fake_bus_remove(life->back);
	fake_store_slow(false);
	return !life_offers() &&
	       fake_store_state(LIFE_BACK) == XenbusStateInitialising;
}

/*
 * The backend's device goes while it is about to answer a frontend: it writes no
 * node then. It goes in one of two ways, which the kinds have by turns.
 */
static void life_follow(struct life *life)
{
	bool linger = (life->kind - life_kind) % 2 && !life->kind->holds;
	bool under_way, left_alone;

	/* It was told to go; only one that may stay answers. */
	fake_store_set(LIFE_BACK, "online", "1");
	fake_store_slow(true);
	life_write_front();
	under_way = life_wait(fake_store_slowed());
	left_alone = linger ? life_linger(life) : life_succeed(life);
	life->left_alone = under_way && left_alone;
	fake_store_remove(LIFE_BACK);
	fake_store_remove(LIFE_FRONT);
}

static void life_detach(struct life *life)
{
	struct fake_result lost = { };

	fake_fault_phase("detach");
	if (life->kind->pulled && life->open) {
		life_pull(life);
	} else {
		life_close(life);
		if (life->front && life->back)
			life_ask(life);
	}
	life_take_away(life);
	if (life->open) {
		fake_disk_wait(&lost);
		life->io.stuck += lost.stuck;
		life->detached = true;
		life_close(life);
	}
	if (life->followed && life->back) {
		life_follow(life);
	} else {
		fake_store_remove(LIFE_BACK);
		fake_bus_remove(life->back);
	}
	life_let_go(life);
}

/* What is in the store, seen without us. */
static void life_check_store(struct life *life)
{
	struct fake_result direct = { };
	struct fake_disk disk;
	struct file *file;

	if (life_is_bdev(life->kind)) {
		if (!fake_disk_open(&disk, life_dev(life->kind->path))) {
			fake_disk_read(&disk, &direct);
			fake_disk_close(&disk);
		}
	} else {
		file = filp_open(life->kind->path, O_RDONLY, 0);
		if (!IS_ERR(file)) {
			fake_disk_check_file(file, &direct);
			__fput_sync(file);
		}
	}
	life->io.wrong += direct.wrong;
}

static bool life_same(const struct life_counts *before)
{
	struct life_counts now;

	life_count(&now);
	return !memcmp(before, &now, sizeof(now));
}

static int life_left(const char *what, int before, int now, char *text,
		     size_t size)
{
	return now == before ? 0 : scnprintf(text, size, ", %d %s LEFT",
					     now - before, what);
}

static int life_leaks(const struct life_counts *before, char *text,
		      size_t size)
{
	struct life_counts now;
	char names[200] = "";
	int n = 0;

	if (life_wait(life_same(before)))
		return 0;
	life_count(&now);
	n += life_left("grants", before->grants, now.grants, text + n, size - n);
	n += life_left("maps", before->maps, now.maps, text + n, size - n);
	n += life_left("event channels", before->events, now.events, text + n,
		       size - n);
	n += life_left("foreign pages", before->foreign, now.foreign, text + n,
		       size - n);
	n += life_left("watches", before->watches, now.watches, text + n,
		       size - n);
	n += life_left("transactions", before->transactions, now.transactions,
		       text + n, size - n);
	n += life_left("allocations", before->memory, now.memory, text + n,
		       size - n);
	fake_memory_show(names, sizeof(names));
	return n + scnprintf(text + n, size - n, ", among%s", names);
}

/* Without a failure everything works. */
static const char *life_must(const struct life *life)
{
	const struct fake_kind *kind = life->kind;

	if (!life->attached)
		return ", NO DISK";
	if (life->io.errors)
		return ", I/O FAILED";
	if (life_is_bdev(kind) && !life->erased)
		return ", NOT ERASED, OR NOT REFUSED";
	if (kind->store && !kind->moves && !life->told)
		return ", SIZE NOT TOLD";
	if (kind->store && !kind->moves && !life->resized)
		return ", SIZE NOT SEEN";
	if (kind->moves && !life->moved)
		return ", NOT RECONNECTED";
	if (kind->guesses && !life->gave_up)
		return ", GUESS NOT NOTICED";
	if (kind->holds && !life->waited)
		return ", DID NOT WAIT FOR ITS STORE";
	if (!life->detached)
		return ", NOT DETACHED";
	if (life->followed && !life->left_alone)
		return ", WROTE NODES OF A DISK THAT WAS TAKEN AWAY";
	return NULL;
}

/* A disk in service waits for memory, and fails nothing. */
static const char *life_owed(const struct life *life)
{
	const char *phase = fake_fault_hit_phase();

	if (!phase)
		return life_must(life);
	if ((!strcmp(phase, "I/O") || !strcmp(phase, "erase")) &&
	    fake_fault_shortage() && life->io.errors)
		return ", SHORTAGE BECAME AN ERROR";
	if (!strcmp(phase, "resize") && fake_fault_write() && !life->told)
		return ", SIZE NOT TOLD";
	return NULL;
}

/* The life that is under way. */
static struct life *life_now;

/**
 * fake_life_rescue() - I/O does not end: the disk goes
 */
void fake_life_rescue(void)
{
	pr_err("fake: I/O is stuck, frontend in state %d, backend in state %d\n",
	       fake_store_state(LIFE_FRONT), fake_store_state(LIFE_BACK));
	life_take_away(life_now);
}

static void life_live(struct life *life)
{
	life_now = life;
	life_attach(life);
	life_open(life);
	life_io(life);
	life_erase(life);
	life_dry(life);
	life_resize(life);
	life_move(life);
	life_guess(life);
	life_hold(life);
	life_detach(life);
}

static void life_prepare(const struct fake_kind *kind)
{
	fake_store_remove("/local");
	fake_store_remove("error/" LIFE_FRONT);
	fake_disk_forget();
	life_tell(LIFE_PERSISTENT, kind->single ? "0" : "1");
	life_tell(LIFE_QUEUES, "0");
	if (kind->store && !kind->moves)
		life_truncate(kind->path, LIFE_SIZE);
	if (life_is_bdev(kind))
		fake_block_offer_erase(life_dev(kind->path));
}

/**
 * fake_life_run() - live
 * @kind: of life
 * @plan: what is to fail; NULL for nothing
 * @text: filled with what happened
 * @size: of @text
 *
 * Return: true if all was as it must be.
 */
bool fake_life_run(unsigned int kind, const struct fake_plan *plan, char *text,
		   size_t size)
{
	static unsigned long had;
	struct life life = {
		.kind = &life_kind[kind],
		/* Once: it takes long. */
		.followed = !plan && !__test_and_set_bit(kind, &had),
	};
	struct life_counts before;
	const char *owed;
	bool fired;
	int len;

	life_prepare(life.kind);
	life_count(&before);
	fake_fault_begin(kind, plan);
	life_live(&life);
	fired = fake_fault_end();
	fake_grant_settle();
	owed = life_owed(&life);
	life_check_store(&life);
	len = scnprintf(text, size, "%s%s, %sattached, %u I/O errors%s",
			fired ? "in " : plan ? "not reached" : "nothing fails",
			fired ? fake_fault_hit_phase() : "",
			life.attached ? "" : "not ", life.io.errors,
			owed ?: "");
	if (life.io.stuck)
		len += scnprintf(text + len, size - len, ", I/O STUCK");
	if (life.io.wrong)
		len += scnprintf(text + len, size - len, ", %u WRONG BLOCKS",
				 life.io.wrong);
	return !life_leaks(&before, text + len, size - len) && !owed &&
	       !life.io.wrong && !life.io.stuck;
}
