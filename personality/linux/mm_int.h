/* Shared by mm.c and mmcalls.c. All functions want mm->lock held, but for mm_drop_code and mm_has_code. */
#pragma once

#include "personality/linux/mm.h"

#define MM_STACK_GAP (256 * 4096ull) /* free below a mapping that grows down */

/* Host calls on guest ranges. 0 or -errno. mm_host_map needs MAP_FIXED in flags. */
s64 mm_host_map(struct lx_mm *mm, gva_t at, u64 len, int prot, int flags, int fd, u64 off) MUST_USE;
void mm_host_reserve(struct lx_mm *mm, gva_t at, u64 len);
/* Nothing is mapped there any more. 0 or -errno. */
s64 mm_host_unmap(struct lx_mm *mm, gva_t at, u64 len) MUST_USE;
/* Puts reserved memory where a hole may be. False when (part of) the range is mapped; nothing is changed then. */
bool mm_host_fill_hole(struct lx_mm *mm, gva_t at, u64 len);
/* Host protection for a guest's, code pages aside. */
int mm_host_prot(u32 prot);
/* Protects as the guest wants it, but code pages are not made writable. */
s64 mm_host_protect(struct lx_mm *mm, gva_t start, gva_t end, u32 prot) MUST_USE;

/* Index of the first mapping that ends above p; n if none. */
u32 mm_index(const struct lx_mm *mm, gva_t p);
struct lx_vma *mm_vma_at(struct lx_mm *mm, gva_t p);
/* Room for this many more entries: before any change (a removal or a change of a range needs 2, an insertion 1). 0 or
 * -ENOMEM. */
int mm_room(struct lx_mm *mm, u32 more) MUST_USE;
void mm_insert(struct lx_mm *mm, struct lx_vma v);
void mm_split(struct lx_mm *mm, gva_t p);
void mm_remove(struct lx_mm *mm, gva_t start, gva_t end);
void mm_set_prot(struct lx_mm *mm, gva_t start, gva_t end, u32 prot);
void mm_set_flags(struct lx_mm *mm, gva_t start, gva_t end, u32 set, u32 clear);
/* Merges neighbours that belong together, from just below start to just above end. */
void mm_merge(struct lx_mm *mm, gva_t start, gva_t end);
bool mm_is_free(const struct lx_mm *mm, gva_t start, gva_t end);
bool mm_is_mapped(const struct lx_mm *mm, gva_t start, gva_t end);
/* Free room for len bytes: at the hint if it can be, else as high as possible. 0 if none. */
gva_t mm_find_room(struct lx_mm *mm, gva_t hint, u64 len, u64 align);

/* Are there code pages? No lock needed. */
bool mm_has_code(const struct lx_mm *mm, gva_t start, gva_t end);
/* Is something in the range executable? */
bool mm_has_exec(const struct lx_mm *mm, gva_t start, gva_t end);
/* Drops translations of a range that was changed, and its watches; had_exec: part of it was executable before. Without
 * the lock. */
void mm_drop_code(struct lx_process *p, gva_t start, gva_t end, bool had_exec);
