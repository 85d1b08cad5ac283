// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O on a disk, and what must be there afterwards.
 *
 * Each block of the first few megabytes has a number that grows with each write
 * to it; its data follows from both. A write that failed leaves its blocks
 * unknown until they are written again: either data is right then.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/highmem.h>
#include <linux/slab.h>

#include "fake.h"

#define DISK_UNKNOWN	U32_MAX
#define DISK_SECTORS	(FAKE_BLOCK >> SECTOR_SHIFT)

/* Longer than anything that works takes. */
#define DISK_PATIENCE	(200 * HZ)

/* I/O at a time, and most blocks in each. */
#define DISK_BIOS	16
#define DISK_SPAN	64

/* More I/O than a ring has slots. */
#define DISK_CROWD	400

/**
 * struct disk_io - one I/O
 * @bio: it, while it is out
 * @page: its blocks
 * @first: the number of the first
 * @nr: how many
 * @number: what its blocks have, or are to have
 */
struct disk_io {
	struct bio *bio;
	struct page *page[DISK_SPAN];
	unsigned int first;
	unsigned int nr;
	u32 number;
};

/* What each block has: of the one disk there is at a time. */
static u32 disk_number[FAKE_BLOCKS];
static u32 disk_last;

static struct disk_io disk_io[DISK_CROWD];
static unsigned int disk_ios;
static atomic_t disk_out;
static DECLARE_COMPLETION(disk_done);

static void disk_fill(void *mem, unsigned int block, u32 number)
{
	u32 *word = mem;
	unsigned int i;

	for (i = 0; i < FAKE_BLOCK / sizeof(u32); i++)
		word[i] = number ? number * 2654435761U + block * 40503U + i : 0;
}

static bool disk_right(const void *mem, unsigned int block)
{
	u32 number = disk_number[block];
	const u32 *word = mem;
	unsigned int i;

	if (number == DISK_UNKNOWN)
		return true;
	for (i = 0; i < FAKE_BLOCK / sizeof(u32); i++)
		if (word[i] != (number ?
				number * 2654435761U + block * 40503U + i : 0))
			return false;
	return true;
}

/* What an earlier life left is not known. */
void fake_disk_forget(void)
{
	memset(disk_number, 0xff, sizeof(disk_number));
}

int fake_disk_open(struct fake_disk *disk, dev_t dev)
{
	disk->file = bdev_file_open_by_dev(dev, BLK_OPEN_READ | BLK_OPEN_WRITE,
					   NULL, NULL);
	if (IS_ERR(disk->file))
		return PTR_ERR(disk->file);
	disk->bdev = file_bdev(disk->file);
	return 0;
}

/* At once, and not when the process goes back to user space. */
void fake_disk_close(struct fake_disk *disk)
{
	__fput_sync(disk->file);
}

static void disk_end_io(struct bio *bio)
{
	if (atomic_dec_and_test(&disk_out))
		complete(&disk_done);
}

static void disk_io_add_pages(struct disk_io *io, bool write)
{
	unsigned int i;

	for (i = 0; i < io->nr; i++) {
		io->page[i] = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
		disk_fill(page_address(io->page[i]), io->first + i,
			  write ? io->number : DISK_UNKNOWN - 1);
		__bio_add_page(io->bio, io->page[i], FAKE_BLOCK, 0);
	}
}

/* Without pages: what is named has no data afterwards. */
static bool disk_discards(blk_opf_t opf)
{
	enum req_op op = opf & REQ_OP_MASK;

	return op == REQ_OP_DISCARD || op == REQ_OP_SECURE_ERASE;
}

static void disk_io_start(struct fake_disk *disk, struct disk_io *io,
			  blk_opf_t opf)
{
	bool discard = disk_discards(opf);

	io->bio = bio_alloc(disk->bdev, discard ? 0 : io->nr, opf, GFP_KERNEL);
	io->bio->bi_iter.bi_sector = io->first * DISK_SECTORS;
	io->bio->bi_end_io = disk_end_io;
	if (discard)
		io->bio->bi_iter.bi_size = io->nr * FAKE_BLOCK;
	else
		disk_io_add_pages(io, op_is_write(opf));
	atomic_inc(&disk_out);
	submit_bio(io->bio);
}

/* As many I/Os at once as there are, each of so many blocks, one after another. */
static void disk_start_some(struct fake_disk *disk, blk_opf_t opf,
			    unsigned int from, unsigned int to,
			    unsigned int first, unsigned int nr,
			    unsigned int stride)
{
	struct blk_plug plug;
	unsigned int i;

	blk_start_plug(&plug);
	for (i = from; i < to; i++) {
		disk_io[i].first = first + i * stride;
		disk_io[i].nr = nr;
		disk_io[i].number = ++disk_last;
		disk_io_start(disk, &disk_io[i], opf);
	}
	blk_finish_plug(&plug);
}

static void disk_begin(unsigned int ios)
{
	reinit_completion(&disk_done);
	atomic_set(&disk_out, 1);
	disk_ios = ios;
}

static void disk_start(struct fake_disk *disk, blk_opf_t opf,
		       unsigned int first, unsigned int ios, unsigned int nr)
{
	disk_begin(ios);
	disk_start_some(disk, opf, 0, ios, first, nr, nr);
}

/* What is discarded reads as anything. */
static void disk_write_ended(struct disk_io *io, bool unknown)
{
	unsigned int i;

	for (i = 0; i < io->nr; i++)
		disk_number[io->first + i] = unknown ? DISK_UNKNOWN :
						       io->number;
}

static unsigned int disk_read_ended(struct disk_io *io)
{
	unsigned int i, wrong = 0;

	for (i = 0; i < io->nr; i++)
		wrong += !disk_right(page_address(io->page[i]), io->first + i);
	return wrong;
}

static void disk_io_end(struct disk_io *io, struct fake_result *result)
{
	bool discard = disk_discards(io->bio->bi_opf);
	bool failed = io->bio->bi_status;
	unsigned int i;

	result->errors += failed;
	if (op_is_write(bio_op(io->bio)))
		disk_write_ended(io, failed || discard);
	else if (!failed)
		result->wrong += disk_read_ended(io);
	for (i = 0; i < io->nr && !discard; i++)
		__free_page(io->page[i]);
	bio_put(io->bio);
	io->bio = NULL;
}

/* Begin writes, to be waited for with fake_disk_wait(). */
void fake_disk_start(struct fake_disk *disk)
{
	disk_start(disk, REQ_OP_WRITE | REQ_SYNC, 0, DISK_BIOS, 8);
}

/*
 * The same, from the queues of all CPUs, and so many that no ring has them all;
 * with gaps, so that none is merged with another. What a queue has no place for
 * fails at once; and none is held back as background writes are.
 */
void fake_disk_crowd(struct fake_disk *disk)
{
	unsigned int cpu, from = 0, each = DISK_CROWD / num_online_cpus();

	disk_begin(DISK_CROWD);
	for_each_online_cpu(cpu) {
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
		disk_start_some(disk, REQ_OP_WRITE | REQ_SYNC | REQ_IDLE |
				REQ_NOWAIT, from, min(from + each, DISK_CROWD),
				0, 1, 2);
		from += each;
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

/* Return: whether something that was begun is not answered yet. */
bool fake_disk_busy(void)
{
	return atomic_read(&disk_out) > 1;
}

/* What does not end in time is made to end by taking the disk away. */
void fake_disk_wait(struct fake_result *result)
{
	unsigned int i;

	if (!atomic_dec_and_test(&disk_out) &&
	    !wait_for_completion_timeout(&disk_done, DISK_PATIENCE)) {
		result->stuck++;
		fake_life_rescue();
		wait_for_completion(&disk_done);
	}
	for (i = 0; i < disk_ios; i++)
		disk_io_end(&disk_io[i], result);
	disk_ios = 0;
}

static void disk_pass(struct fake_disk *disk, blk_opf_t opf,
		      unsigned int first, unsigned int ios, unsigned int nr,
		      struct fake_result *result)
{
	disk_start(disk, opf, first, ios, nr);
	fake_disk_wait(result);
}

static void disk_flush(struct fake_disk *disk, struct fake_result *result)
{
	disk_pass(disk, REQ_OP_WRITE | REQ_PREFLUSH, 0, 1, 0, result);
}

static void disk_discard(struct fake_disk *disk, unsigned int first,
			 unsigned int nr, struct fake_result *result)
{
	if (bdev_max_discard_sectors(disk->bdev))
		disk_pass(disk, REQ_OP_DISCARD, first, 1, nr, result);
}

/**
 * fake_disk_erases() - does the disk say that it can
 * @disk: the disk
 */
bool fake_disk_erases(const struct fake_disk *disk)
{
	return bdev_max_secure_erase_sectors(disk->bdev);
}

/**
 * fake_disk_erase() - erase some of it, whether it says so or not
 * @disk: the disk
 * @result: added to
 */
void fake_disk_erase(struct fake_disk *disk, struct fake_result *result)
{
	disk_pass(disk, REQ_OP_SECURE_ERASE, 340, 1, 16, result);
}

/**
 * fake_disk_discard() - discard some of it, if it says that it can
 * @disk: the disk
 * @result: added to
 */
void fake_disk_discard(struct fake_disk *disk, struct fake_result *result)
{
	disk_discard(disk, 360, 8, result);
}

/**
 * fake_disk_read() - read all that is known, and compare
 * @disk: the disk
 * @result: added to
 */
void fake_disk_read(struct fake_disk *disk, struct fake_result *result)
{
	unsigned int first;

	disk_pass(disk, REQ_OP_READ, 0, DISK_BIOS, 1, result);
	for (first = 0; first < FAKE_BLOCKS / 2; first += 4 * DISK_SPAN)
		disk_pass(disk, REQ_OP_READ, first, 4, DISK_SPAN, result);
}

/**
 * fake_disk_work() - write in all ways, and read it back
 * @disk: the disk
 * @result: added to
 */
void fake_disk_work(struct fake_disk *disk, struct fake_result *result)
{
	disk_pass(disk, REQ_OP_WRITE | REQ_SYNC, 0, DISK_BIOS, 1, result);
	disk_pass(disk, REQ_OP_WRITE, 64, 2, DISK_SPAN, result);
	disk_flush(disk, result);
	disk_pass(disk, REQ_OP_WRITE | REQ_FUA | REQ_PREFLUSH, 32, 1, 1, result);
	disk_pass(disk, REQ_OP_WRITE | REQ_SYNC, 256, DISK_BIOS, 8, result);
	disk_discard(disk, 300, 32, result);
	disk_flush(disk, result);
	fake_disk_read(disk, result);
}

/**
 * fake_disk_check_file() - compare what an image file has
 * @file: the file
 * @result: added to
 */
void fake_disk_check_file(struct file *file, struct fake_result *result)
{
	void *mem = kmalloc(FAKE_BLOCK, GFP_KERNEL | __GFP_NOFAIL);
	unsigned int block;
	loff_t pos = 0;

	for (block = 0; block < FAKE_BLOCKS / 2; block++)
		if (kernel_read(file, mem, FAKE_BLOCK, &pos) != FAKE_BLOCK)
			result->errors++;
		else
			result->wrong += !disk_right(mem, block);
	kfree(mem);
}
