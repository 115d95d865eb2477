/* Descriptors: the guest sees a normal table, and the engine's own are not in it.
 *
 * The engine's descriptors live in a window of LX_FD_HIDDEN numbers, all of which are taken from the start (by
 * placeholders), so that the host kernel never hands one of them to the guest. Where the hard limit leaves room, the
 * window lies above the guest's soft limit, so that the guest has every number below it; where it does not, below. A
 * descriptor stays valid above the soft limit, so the soft limit is the guest's; the hard limit that the guest sets is
 * only kept (lx_limits.nofile).
 *
 * The guest cannot use, close, replace or see them: system calls answer EBADF, close_range goes around, /proc/self/fd
 * leaves them out. */
#pragma once

#include "personality/linux/lx.h"

enum { LX_FD_HIDDEN = 16 };

extern u32 lx_fd_base; /* first of the window; fixed after lx_fd_init */

/* Finds the window and fills it. Once, before the guest runs; in a process that was started by exec, too. 0 or -EMFILE.
 */
int lx_fd_init(struct lx_process *p) MUST_USE;

/* Is this one of the engine's? */
static inline bool lx_fd_hidden(u64 fd)
{
    return (u32)fd - lx_fd_base < LX_FD_HIDDEN;
}

/* The guest may have used up its descriptors when the engine needs some for a moment: between _begin and _end the host
 * process's soft limit is higher, where its hard limit leaves room. Pairs nest, threads may overlap. A successor by
 * execve inherits the raised limit and is told what it was (lx_fd_room_limit before, lx_fd_room_inherit after). */
void lx_fd_room_begin(struct lx_process *p);
void lx_fd_room_end(struct lx_process *p);
/* The guest's soft limit, room made or not. */
u64 lx_fd_room_limit(struct lx_process *p);
/* Before lx_fd_init: there is room, and the guest's soft limit is `limit`. */
void lx_fd_room_inherit(struct lx_process *p, u64 limit);
/* In a forked child: only the calling thread, which has no room open, is left. */
void lx_fd_room_forked(struct lx_process *p);

/* Moves fd into the window (close-on-exec), closing the old number. The new number or -errno (-EMFILE: the window is
 * full). */
int lx_fd_high(int fd) MUST_USE;

/* The same for a copy of fd, which stays open. */
int lx_fd_copy(int fd) MUST_USE;

/* Closes one that lx_fd_high gave; the number stays taken. */
void lx_fd_close(int fd);
