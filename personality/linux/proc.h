/* Files of /proc that must show the guest and not the engine.
 *
 * /proc is the host's; these are the exceptions. `exe` leads to the guest's program; the others, when opened, give a
 * memory file with content made for the guest (LX_PATH_DATA), so what is read is a snapshot of the moment of open.
 * Other processes' entries are the host's. */
#pragma once

#include "personality/linux/lx.h"

enum lx_proc {
    LX_PROC_NONE,
    LX_PROC_EXE,     /* link */
    LX_PROC_ROOT,    /* link */
    LX_PROC_CWD,     /* link */
    LX_PROC_FD,      /* link: a descriptor of ours */
    LX_PROC_HIDDEN,  /* of the engine's: is not there */
    LX_PROC_CMDLINE, /* from here on: content */
    LX_PROC_ENVIRON,
    LX_PROC_AUXV,
    LX_PROC_MAPS,
    LX_PROC_SMAPS,
    LX_PROC_STAT,
    LX_PROC_STATUS,
    LX_PROC_STATM,
    LX_PROC_LIMITS,
    LX_PROC_MEM,
    LX_PROC_TIMERS,
    LX_PROC_CPUINFO,
    LX_PROC_OSRELEASE,
    LX_PROC_VERSION,
    LX_PROC_ARCH,
};

/* Which of them (dirfd, path) names, by its text and, where its last component is a candidate, by where dirfd lies.
 * Cheap for all other paths. */
enum lx_proc lx_proc_file(const struct lx_process *p, int dirfd, const char *path);

/* Opens one with content, which the host has at (dirfd, path). A descriptor (the lowest free) or -errno. */
s64 lx_proc_open(struct lx_thread *t, enum lx_proc which, int dirfd, const char *path, u32 flags);

/* Is this descriptor the directory /proc/PID/fd (or fdinfo) of this process? */
bool lx_proc_is_fd_dir(const struct lx_process *p, int fd);

/* Reads a link of the host by path; its length or -errno; the text is terminated. */
s64 lx_host_link(const char *path, char *buf, size_t cap);
/* Where a descriptor (or AT_FDCWD) leads, as the host names it. */
s64 lx_host_fd_path(int fd, char *buf, size_t cap);

/* Tells the host kernel where the guest's arguments, environment and auxiliary vector lie, so that what it shows of
 * this process to all others (ps, pgrep) is the guest's. After a program was loaded. Where the host kernel does not
 * offer it, only the process itself sees its own. */
void lx_proc_publish(const struct lx_process *p);
