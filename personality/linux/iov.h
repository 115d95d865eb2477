/* Guest iovec arrays and message headers, made into the host's. */
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include "personality/linux/syscall.h"

enum { LX_IOV_MAX = 1024 };

/* Copies n entries from guest address `iov` with their pointers translated; `write`: the host kernel will write to
 * them. 0, -EINVAL (n too large), -EFAULT. */
int lx_iov_read(struct lx_thread *t, struct iovec *out, gva_t iov, u64 n, bool write) MUST_USE;
