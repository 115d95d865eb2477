/* Guest paths: from (dirfd, path) of the guest to (dirfd, name) for the host call.
 *
 * Without --root and -L the two are the same, but for a few files of /proc that must show the guest (see proc.h). With
 * --root DIR, the path is resolved as after chroot(DIR): absolute links and `..` stay inside; /proc, /sys and /dev come
 * from the host where DIR has no mount of its own there. With -L DIR, an absolute path that exists below DIR is that
 * one.
 *
 * A result is used at once by one host call and then put. Under --root the directory is held open and the last
 * component is known not to be a symbolic link when the call follows links, so that a call with O_NOFOLLOW cannot be
 * led out by a race; calls that have no such flag follow what they find. */
#pragma once

#include "personality/linux/lx.h"

enum {
    LX_PATH_MAX = 4096,
    LX_PATH_FOLLOW = 1, /* follow a symbolic link in the last component */
    LX_PATH_CREATE = 2, /* the last component is to be made (never with FOLLOW, but for open's O_CREAT) */
    LX_PATH_ENTRY =
        32,            /* the directory entry itself is meant (unlink, rename): a slash at the end does not follow it */
    LX_PATH_EMPTY = 4, /* an empty path is the dirfd itself (AT_EMPTY_PATH) */
    LX_PATH_NULL = 8,  /* so is a null pointer */
    LX_PATH_DATA = 16, /* the file's content is wanted (open): files of /proc that we make give LX_PATH_EMULATED */
};

struct lx_path {
    int dirfd;        /* for the host call */
    const char *name; /* NULL for a null pointer */
    int own;          /* descriptor to close, or -1 */
    int own2;
    u32 emulated;                /* with LX_PATH_DATA: which file of /proc this is (proc.h), or 0 */
    bool nofollow;               /* resolved: name must not be followed any more */
    char guest[LX_PATH_MAX];     /* the guest's path */
    char buf[LX_PATH_MAX + 128]; /* what name points to, where it is not `guest` */
};

void lx_path_init(struct lx_path *p);
void lx_path_put(struct lx_path *p);

/* Reads the guest's path at address `path` and resolves it. 0 or -errno; put it in either case. */
int lx_path_get(struct lx_thread *t, struct lx_path *p, int dirfd, gva_t path, u32 how) MUST_USE;
/* For host calls without a dirfd: relative to the working directory, name alone says where. */
int lx_path_get_full(struct lx_thread *t, struct lx_path *p, gva_t path, u32 how) MUST_USE;
/* The same from a string of ours; name may be p->guest. */
int lx_path_resolve(struct lx_process *proc, struct lx_path *p, int dirfd, const char *path, u32 how) MUST_USE;
int lx_path_resolve_full(struct lx_process *proc, struct lx_path *p, const char *path, u32 how) MUST_USE;

/* The descriptors that hold p open get numbers out of the way of one that the call is to make, which must be the lowest
 * free one. */
void lx_path_aside(struct lx_path *p);

/* Under --root, opens a path in one step where that is right: no O_CREAT; nothing of /proc that we make; no links where
 * it is relative or of /proc, /sys, /dev. That saves a link of /proc, which is dear, and dearer still when the process
 * ends. -EXDEV: resolve it the long way. */
s64 lx_path_open_direct(struct lx_thread *t, int dirfd, const char *path, u64 flags);

/* Opens a guest path for the engine itself (the program, its interpreter). A host descriptor or -errno. */
int lx_path_open(struct lx_process *proc, int dirfd, const char *path, int flags, u32 mode) MUST_USE;

/* Host path -> guest path in place (getcwd, links of /proc): strips the root. False when it lies outside the guest's
 * root; buf is then as it was. */
bool lx_path_to_guest(const struct lx_process *proc, char *buf);

/* Prepares proc->root_fd (from opt->root) and what belongs to it. A working directory outside the root becomes the
 * root. 0 or -errno. */
int lx_path_init_root(struct lx_process *proc) MUST_USE;

/* After the process has come to another mount namespace: a mount below a directory of the old one would be refused. */
void lx_path_renew(struct lx_process *proc);

/* chroot to a directory that was resolved: -ENOTDIR, -EACCES, -EPERM without CAP_SYS_CHROOT. There are no grafts then.
 */
int lx_path_chroot(struct lx_thread *t, struct lx_path *p) MUST_USE;
/* The host path of the guest's root, for the program that takes this one's place, or NULL; *bare: it has no grafts. */
const char *lx_path_root(const struct lx_process *proc, bool *bare);
void lx_path_root_free(struct lx_root *root);
