// SPDX-License-Identifier: GPL-2.0-only
/*
 * The modules' memory: each allocation may fail, and is known until it is freed.
 */
#include <linux/hash.h>
#include <linux/mempool.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "fake.h"

#define MEMORY_BITS	14
#define MEMORY_SLOTS	BIT(MEMORY_BITS)

/* A gap that a search goes on behind. */
#define MEMORY_GONE	((const void *)1UL)

/**
 * struct memory_piece - one allocation
 * @memory: where; NULL for a place that was never used
 * @caller: who made it
 */
struct memory_piece {
	const void *memory;
	unsigned long caller;
};

static DEFINE_RAW_SPINLOCK(memory_lock);
static struct memory_piece memory_piece[MEMORY_SLOTS];
static unsigned int memory_count;

static struct memory_piece *memory_find(const void *memory, bool room)
{
	u32 at = hash_ptr(memory, MEMORY_BITS);
	struct memory_piece *piece;
	u32 n;

	for (n = 0; n < MEMORY_SLOTS; n++) {
		piece = &memory_piece[(at + n) % MEMORY_SLOTS];
		if (piece->memory == memory)
			return piece;
		if (!piece->memory)
			return room ? piece : NULL;
		if (room && piece->memory == MEMORY_GONE)
			return piece;
	}
	return NULL;
}

/**
 * fake_memory_note() - the modules have got memory
 * @memory: which; NULL and errors are none
 * @caller: for whom
 *
 * Context: any.
 */
void fake_memory_note(const void *memory, unsigned long caller)
{
	struct memory_piece *piece;
	unsigned long flags;

	if (IS_ERR_OR_NULL(memory))
		return;
	raw_spin_lock_irqsave(&memory_lock, flags);
	piece = memory_find(memory, true);
	if (piece) {
		*piece = (struct memory_piece){ memory, caller };
		memory_count++;
	}
	raw_spin_unlock_irqrestore(&memory_lock, flags);
	if (!piece)
		fake_abuse("more than %lu allocations", MEMORY_SLOTS);
}

/**
 * fake_memory_forget() - memory is freed
 * @memory: which; what is not known here is of no interest
 *
 * Context: any.
 */
void fake_memory_forget(const void *memory)
{
	struct memory_piece *piece;
	unsigned long flags;

	if (IS_ERR_OR_NULL(memory))
		return;
	raw_spin_lock_irqsave(&memory_lock, flags);
	piece = memory_find(memory, false);
	if (piece) {
		piece->memory = MEMORY_GONE;
		memory_count--;
	}
	/* With none left, neither are there gaps to go on behind. */
	if (!memory_count)
		memset(memory_piece, 0, sizeof(memory_piece));
	raw_spin_unlock_irqrestore(&memory_lock, flags);
}

unsigned int fake_memory_count(void)
{
	return READ_ONCE(memory_count);
}

/**
 * fake_memory_show() - who made what is there
 * @text: filled with a few names
 * @size: of @text
 */
void fake_memory_show(char *text, size_t size)
{
	unsigned int i, n = 0;
	int len = 0;

	text[0] = 0;
	for (i = 0; i < MEMORY_SLOTS && n < 4; i++) {
		if (!memory_piece[i].memory ||
		    memory_piece[i].memory == MEMORY_GONE)
			continue;
		len += scnprintf(text + len, size - len, " %ps",
				 (void *)memory_piece[i].caller);
		n++;
	}
}

#define memory_made(memory)			\
({						\
	void *__made = (void *)(memory);	\
						\
	fake_memory_note(__made, _RET_IP_);	\
	__made;					\
})

FAKED(__kmalloc_noprof);
void *fake___kmalloc_noprof(size_t size, gfp_t flags)
{
	if (fake_fails(1))
		return NULL;
	return memory_made(__kmalloc_noprof(size, flags));
}

FAKED(__kmalloc_cache_noprof);
void *fake___kmalloc_cache_noprof(struct kmem_cache *s, gfp_t flags,
				  size_t size)
{
	if (fake_fails(1))
		return NULL;
	return memory_made(__kmalloc_cache_noprof(s, flags, size));
}

FAKED(__kvmalloc_node_noprof);
void *fake___kvmalloc_node_noprof(DECL_BUCKET_PARAMS(size, b), gfp_t flags,
				  int node)
{
	if (fake_fails(1))
		return NULL;
	return memory_made(__kvmalloc_node_noprof(PASS_BUCKET_PARAMS(size, b),
						  flags, node));
}

FAKED(kmem_cache_alloc_noprof);
void *fake_kmem_cache_alloc_noprof(struct kmem_cache *s, gfp_t flags)
{
	if (fake_fails(1))
		return NULL;
	return memory_made(kmem_cache_alloc_noprof(s, flags));
}

FAKED(__vmalloc_noprof);
void *fake___vmalloc_noprof(unsigned long size, gfp_t flags)
{
	if (fake_fails(1))
		return NULL;
	return memory_made(__vmalloc_noprof(size, flags));
}

FAKED(kstrdup);
char *fake_kstrdup(const char *s, gfp_t flags)
{
	if (fake_fails(1))
		return NULL;
	return memory_made(kstrdup(s, flags));
}

FAKED(kstrndup);
char *fake_kstrndup(const char *s, size_t max, gfp_t flags)
{
	if (fake_fails(1))
		return NULL;
	return memory_made(kstrndup(s, max, flags));
}

FAKED(kasprintf);
char *fake_kasprintf(gfp_t flags, const char *fmt, ...)
{
	va_list args;
	char *text;

	if (fake_fails(1))
		return NULL;
	va_start(args, fmt);
	text = kvasprintf(flags, fmt, args);
	va_end(args);
	return memory_made(text);
}

FAKED(kfree);
void fake_kfree(const void *memory)
{
	fake_memory_forget(memory);
	kfree(memory);
}

FAKED(kvfree);
void fake_kvfree(const void *memory)
{
	fake_memory_forget(memory);
	kvfree(memory);
}

FAKED(vfree);
void fake_vfree(const void *memory)
{
	fake_memory_forget(memory);
	vfree(memory);
}

FAKED(kmem_cache_free);
void fake_kmem_cache_free(struct kmem_cache *s, void *memory)
{
	fake_memory_forget(memory);
	kmem_cache_free(s, memory);
}

/* Pages are known by their struct page, however they are freed. */
FAKED(alloc_pages_noprof);
struct page *fake_alloc_pages_noprof(gfp_t flags, unsigned int order)
{
	if (fake_fails(1))
		return NULL;
	return memory_made(alloc_pages(flags, order));
}

FAKED(__alloc_pages_noprof);
struct page *fake___alloc_pages_noprof(gfp_t flags, unsigned int order,
				       int node, nodemask_t *mask)
{
	if (fake_fails(1))
		return NULL;
	return memory_made(__alloc_pages_noprof(flags, order, node, mask));
}

FAKED(get_free_pages_noprof);
unsigned long fake_get_free_pages_noprof(gfp_t flags, unsigned int order)
{
	struct page *page;

	if (fake_fails(1))
		return 0;
	page = alloc_pages(flags & ~__GFP_HIGHMEM, order);
	fake_memory_note(page, _RET_IP_);
	return page ? (unsigned long)page_address(page) : 0;
}

FAKED(free_pages);
void fake_free_pages(unsigned long addr, unsigned int order)
{
	if (addr)
		fake_memory_forget(virt_to_page((void *)addr));
	free_pages(addr, order);
}

FAKED(__free_pages);
void fake___free_pages(struct page *page, unsigned int order)
{
	fake_memory_forget(page);
	__free_pages(page, order);
}

FAKED(mempool_create_node_noprof);
mempool_t *fake_mempool_create_node_noprof(int min, mempool_alloc_t *alloc,
					   mempool_free_t *free, void *data,
					   gfp_t flags, int node)
{
	if (fake_fails(1))
		return NULL;
	return memory_made(mempool_create_node_noprof(min, alloc, free, data,
						      flags, node));
}

FAKED(mempool_destroy);
void fake_mempool_destroy(mempool_t *pool)
{
	fake_memory_forget(pool);
	mempool_destroy(pool);
}

FAKED(alloc_workqueue);
/* None of ours has a name with arguments. */
struct workqueue_struct *fake_alloc_workqueue(const char *name,
					      unsigned int flags, int max, ...)
{
	if (fake_fails(1))
		return NULL;
	return alloc_workqueue("%s", flags, max, name);
}

FAKED(__kmem_cache_create_args);
struct kmem_cache *fake___kmem_cache_create_args(const char *name,
						 unsigned int size,
						 struct kmem_cache_args *args,
						 slab_flags_t flags)
{
	if (fake_fails(1))
		return NULL;
	return __kmem_cache_create_args(name, size, args, flags);
}
