// SPDX-License-Identifier: GPL-2.0-only
/*
 * rogue-back: block backends in user space that break every rule, against the
 * frontend driver loaded in dom0, beside one that keeps to them.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "back.h"
#include "blkfront.h"

static struct back back;

static void works(const struct back_cfg *cfg, const char *what)
{
	unsigned int i;

	back_start(&back, cfg);
	for (i = 0; i < 8; i++)
		back_expect_works(&back, what);
	expect(back_close(&back), "%s: no orderly end, state %u", what,
	       back_peer(&back));
	back_finish(&back);
}

static void good_plain(void)
{
	works(NULL, "plain");
}

static void good_all(void)
{
	works(&(struct back_cfg){ .flush = true, .discard = true,
				  .indirect = 64, .order = 2, .queues = 2 },
	      "all features");
}

static void good_persistent(void)
{
	works(&(struct back_cfg){ .persistent = true, .flush = true },
	      "persistent");
}

static void good_untrusted(void)
{
	works(&(struct back_cfg){ .untrusted = true, .flush = true },
	      "not trusted");
}

/* What came of each kind. */
struct seen {
	unsigned int flush;
	unsigned int barrier;
	unsigned int empty;
	unsigned int discard;
	unsigned int secure;
};

static enum verdict count(struct back *b, struct ask *ask)
{
	struct seen *seen = b->cfg.arg;

	if (ask->op == BLKIF_OP_FLUSH_DISKCACHE)
		seen->flush++;
	else if (ask->op == BLKIF_OP_WRITE_BARRIER && ask->nseg)
		seen->barrier++;
	else if (ask->op == BLKIF_OP_WRITE_BARRIER)
		seen->empty++;
	else if (ask->op == BLKIF_OP_DISCARD && ask->flag & 1)
		seen->secure++;
	else if (ask->op == BLKIF_OP_DISCARD)
		seen->discard++;
	return SERVE;
}

/* A backend that knows barriers and no flush: what is to be durable is one. */
static void good_barriers(void)
{
	struct io_try io = { .write = true, .durable = true, .bytes = 8192,
			     .offset = 16384, .seed = 3 };
	struct seen seen = { 0 };

	back_start(&back, &(struct back_cfg){ .barrier = true });
	back_hook(&back, count, &seen);
	expect(io_run(&back, &io, PATIENCE) == IO_GOOD, "no durable write");
	expect(seen.barrier, "a durable write came as no barrier");
	seen.empty = 0;
	io.durable = false;
	io.sync = true;
	expect(io_run(&back, &io, PATIENCE) == IO_GOOD, "no write and sync");
	expect(seen.empty, "a flush came as no empty barrier");
	expect(!seen.flush, "%u flushes to a backend without", seen.flush);
	back_expect_works(&back, "barriers only");
	expect(back_close(&back), "no orderly end");
	back_finish(&back);
}

/* Neither flush nor barrier: what is written and synced is so, and nobody is told. */
static void good_cacheless(void)
{
	struct io_try io = { .write = true, .sync = true, .bytes = 8192,
			     .offset = 16384, .seed = 4 };
	struct seen seen = { 0 };
	char path[PATH_BYTES], line[32];

	back_start(&back, NULL);
	back_hook(&back, count, &seen);
	snprintf(path, sizeof(path), "/sys/block/%.40s/queue", back.disk + 5);
	file_line(path, "write_cache", line, sizeof(line));
	expect(!strcmp(line, "write back"), "the cache is `%s`, which may change",
	       line);
	expect(io_run(&back, &io, PATIENCE) == IO_GOOD, "no write and sync");
	io.sync = false;
	io.durable = true;
	expect(io_run(&back, &io, PATIENCE) == IO_GOOD, "no durable write");
	expect(!seen.flush && !seen.barrier && !seen.empty,
	       "a flush or a barrier to a backend without");
	expect(back_close(&back), "no orderly end");
	back_finish(&back);
}

static void settle(bool persistent)
{
	struct back_cfg cfg = { .persistent = persistent, .flush = true };

	back_create(&back, &cfg);
	need(back_attach(&back), "no frontend, state %u", back_peer(&back));
	expect(store_num(back.front, "feature-persistent", 9) == 1,
	       "kept grants are not offered");
	back_serve(&back);
	back_publish(&back);
	need(back_wait(&back, STATE(XB_CONNECTED)), "the frontend is in state %u",
	     back_peer(&back));
	expect(store_num(back.front, "feature-persistent", 9) == persistent,
	       "connected %s kept grants, and says otherwise",
	       persistent ? "with" : "without");
	expect(back_close(&back), "no orderly end");
	back_finish(&back);
}

/* Who takes over the rings looks at what they are like, not at what was offered. */
static void good_settled(void)
{
	settle(false);
	settle(true);
}

/* Return: 0 when the disk could be told. */
static int erase(const char *disk, unsigned long how)
{
	uint64_t range[2] = { 65536, 32768 };
	int fd = open(disk, O_RDWR | O_CLOEXEC), err;

	err = fd < 0 || ioctl(fd, how, range);
	if (fd >= 0)
		close(fd);
	return err;
}

static void good_secure_discard(void)
{
	struct seen seen = { 0 };

	back_start(&back, &(struct back_cfg){ .flush = true, .discard = true,
					      .secure = true });
	back_hook(&back, count, &seen);
	expect(!erase(back.disk, BLKDISCARD), "no discard");
	expect(seen.discard && !seen.secure, "%u discards, %u secure ones",
	       seen.discard, seen.secure);
	expect(!erase(back.disk, BLKSECDISCARD), "no secure discard");
	expect(seen.secure, "a secure discard came without its flag");
	back_finish(&back);
	/* Not offered, it is not to be had. */
	back_start(&back, &(struct back_cfg){ .flush = true, .discard = true });
	seen = (struct seen){ 0 };
	back_hook(&back, count, &seen);
	expect(erase(back.disk, BLKSECDISCARD), "erased by whom?");
	expect(!seen.discard && !seen.secure, "a discard in place of a secure one");
	back_finish(&back);
}

const struct peer_case blkfront_good[] = {
	{ "back-good-plain", good_plain, 0, CASE_GOOD },
	{ "back-good-all-features", good_all, 0, CASE_GOOD },
	{ "back-good-persistent", good_persistent, 0, CASE_GOOD },
	{ "back-good-untrusted", good_untrusted, 0, CASE_GOOD },
	{ "back-good-barriers", good_barriers, 0, CASE_GOOD },
	{ "back-good-cacheless", good_cacheless, 0, CASE_GOOD },
	{ "back-good-settled", good_settled, 0, CASE_GOOD },
	{ "back-good-secure-discard", good_secure_discard, 0, CASE_GOOD },
	{ 0 },
};

static const struct peer_case *const all[] = {
	blkfront_good, blkfront_response, blkfront_grant, blkfront_key,
	blkfront_state, blkfront_storm, blkfront_time, blkfront_trace,
	blkfront_flip, blkfront_suspend, NULL,
};

static struct back bystander;

static void bystander_begin(void)
{
	back_start(&bystander, &(struct back_cfg){ .id = BACK_BYSTANDER,
						   .flush = true });
}

static bool bystander_round(void)
{
	return back_verify_here(&bystander);
}

static bool bystander_end(void)
{
	back_release(&bystander);
	return back_close(&bystander);
}

static const struct peer_program program = {
	.name = "rogue-back",
	.cases = all,
	.begin = bystander_begin,
	.round = bystander_round,
	.end = bystander_end,
	.sweep = back_sweep,
};

/* In a guest: rogue-back -p|-w DISK posts reads or writes and waits for them. */
int main(int argc, char **argv)
{
	if (argc == 3 && (!strcmp(argv[1], "-p") || !strcmp(argv[1], "-w")))
		return io_post(argv[2], argv[1][1] == 'w', IO_POSTED);
	return peer_main(argc, argv, &program);
}
