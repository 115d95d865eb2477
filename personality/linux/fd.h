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

#include "lib/types.h"

enum { LX_FD_HIDDEN = 16 };

extern u32 lx_fd_base; /* first of the window; fixed after lx_fd_init */

/* Finds the window and fills it. Once, before the guest runs; in a process that was started by exec, too. 0 or -EMFILE.
 */
int lx_fd_init(void) MUST_USE;

/* Is this one of the engine's? */
static inline bool lx_fd_hidden(u64 fd)
{
    return (u32)fd - lx_fd_base < LX_FD_HIDDEN;
}

/* Moves fd into the window (close-on-exec), closing the old number. The new number or -errno (-EMFILE: the window is
 * full). */
int lx_fd_high(int fd) MUST_USE;

/* Closes one that lx_fd_high gave; the number stays taken. */
void lx_fd_close(int fd);
