/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asynchronous file I/O from the kernel: who holds off a freeze of the file
 * system. From 6.6 on vfs_iocb_iter_write() begins, and ends unless the write
 * was queued; before, both ends are the caller's.
 */
#ifndef TANDEM_COMPAT_KIOCB_H
#define TANDEM_COMPAT_KIOCB_H

#include <linux/fs.h>
#include <linux/uio.h>
#include <linux/version.h>

#ifndef ITER_SOURCE
#define ITER_SOURCE	WRITE
#define ITER_DEST	READ
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)

/*
 * Not left to a task that may never run: the file is closed on return. Before 6.6 that
 * was for kernel threads only; a task closes it on its way back to user space.
 */
static inline void tandem_file_close(struct file *file)
{
	__fput_sync(file);
}

static inline ssize_t tandem_iocb_write(struct file *file, struct kiocb *iocb,
					struct iov_iter *iter)
{
	return vfs_iocb_iter_write(file, iocb, iter);
}

static inline void tandem_iocb_write_end(struct kiocb *iocb)
{
	kiocb_end_write(iocb);
}

#else

static inline void tandem_file_close(struct file *file)
{
	if (current->flags & PF_KTHREAD)
		__fput_sync(file);
	else
		fput(file);
}

/* Queued writes complete on another thread: lockdep must not see the lock. */
static inline void tandem_iocb_write_end(struct kiocb *iocb)
{
	struct inode *inode = file_inode(iocb->ki_filp);

	if (!S_ISREG(inode->i_mode))
		return;
	__sb_writers_acquired(inode->i_sb, SB_FREEZE_WRITE);
	sb_end_write(inode->i_sb);
}

static inline ssize_t tandem_iocb_write(struct file *file, struct kiocb *iocb,
					struct iov_iter *iter)
{
	struct inode *inode = file_inode(file);
	ssize_t ret;

	if (S_ISREG(inode->i_mode)) {
		sb_start_write(inode->i_sb);
		__sb_writers_release(inode->i_sb, SB_FREEZE_WRITE);
	}
	ret = vfs_iocb_iter_write(file, iocb, iter);
	if (ret != -EIOCBQUEUED)
		tandem_iocb_write_end(iocb);
	return ret;
}

#endif

#endif /* TANDEM_COMPAT_KIOCB_H */
