/* Files and directories: what is made, found, changed and removed. */
#include "call.h"

#include <dirent.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static void show_stat(const char *name, const struct stat *s)
{
    printf("%s: mode %o nlink %lu size %ld uid %d blksize %s mtime %ld.%09ld\n", name, s->st_mode, (long)s->st_nlink,
           (long)s->st_size, (int)s->st_uid - (int)getuid(), s->st_blksize >= 512 ? "ok" : "bad",
           (long)s->st_mtim.tv_sec, (long)s->st_mtim.tv_nsec);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *dir)
{
    char *names[3000];
    int n = 0;
    DIR *d = opendir(dir);
    if (!d) {
        T(-1);
        return;
    }
    for (struct dirent *e; (e = readdir(d));) {
        if (asprintf(&names[n], "%s:%d", e->d_name, e->d_type) > 0)
            n++;
    }
    closedir(d);
    qsort(names, n, sizeof *names, by_name);
    printf("%s: %d entries:", dir, n);
    for (int i = 0; i < n && i < 12; i++)
        printf(" %s", names[i]);
    printf("\n");
}

int main(void)
{
    char buf[4096];
    struct stat st, st2;
    struct statx sx;
    enter_work_dir();
    umask(022);
    int fd = T(open("a", O_RDWR | O_CREAT | O_EXCL, 0666));
    T(open("a", O_RDWR | O_CREAT | O_EXCL, 0666));
    T(write(fd, "hello, world\n", 13));
    T(pread(fd, buf, 5, 7));
    printf("%.5s\n", buf);
    T(pwrite(fd, "W", 1, 7));
    T(lseek(fd, 0, SEEK_SET));
    struct iovec v[3] = {{buf, 3}, {buf + 10, 0}, {buf + 20, 100}};
    T(readv(fd, v, 3));
    printf("%.3s %.10s", buf, buf + 20);
    struct iovec w[2] = {{"one ", 4}, {"two", 3}};
    T(writev(fd, w, 2));
    T(pwritev(fd, w, 2, 100));
    T(preadv(fd, v, 1, 100));
    T(pwritev2(fd, w, 1, -1, RWF_APPEND));
    T(preadv2(fd, v, 3, 0, 0));
    T(lseek(fd, 0, SEEK_END));
    T(lseek(fd, 5, SEEK_CUR));
    T(lseek(fd, 0, SEEK_HOLE) >= 0);
    struct timespec ts[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
    T(futimens(fd, ts));
    T(fstat(fd, &st));
    show_stat("a", &st);
    T(stat("a", &st2));
    YES(st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
    T(statx(AT_FDCWD, "a", 0, STATX_BASIC_STATS, &sx));
    printf("statx: mode %o size %llu mtime %lld.%u atime %lld.%u\n", sx.stx_mode, (long long)sx.stx_size,
           (long long)sx.stx_mtime.tv_sec, sx.stx_mtime.tv_nsec, (long long)sx.stx_atime.tv_sec, sx.stx_atime.tv_nsec);
    T(fstatat(fd, "", &st2, AT_EMPTY_PATH));
    YES(st.st_ino == st2.st_ino);
    T(ftruncate(fd, 5));
    T(truncate("a", 4096));
    T(stat("a", &st));
    printf("%ld %ld\n", (long)st.st_size, (long)st.st_nlink);
    T(fallocate(fd, 0, 0, 8192));
    T(fallocate(fd, 1, 8192, 8192)); /* keep size */
    T(fstat(fd, &st));
    printf("size %ld\n", (long)st.st_size);
    T(fchmod(fd, 0640));
    T(chmod("a", 04751));
    T(stat("a", &st));
    printf("%o\n", st.st_mode);
    T(access("a", R_OK | W_OK));
    T(access("b", F_OK));
    T(faccessat(AT_FDCWD, "a", X_OK, AT_EACCESS));
    T(fchownat(AT_FDCWD, "a", getuid(), getgid(), 0));
    T(fsync(fd));
    T(fdatasync(fd));
    T(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    T(readahead(fd, 0, 4096));

    T(mkdir("d", 0777));
    T(mkdir("d", 0777));
    T(mkdir("d/e/f", 0777));
    int dfd = T(open("d", O_RDONLY | O_DIRECTORY));
    T(mkdirat(dfd, "e", 0700));
    int f2 = T(openat(dfd, "e/file", O_WRONLY | O_CREAT, 0600));
    T(write(f2, "x", 1));
    T(close(f2));
    T(link("a", "d/hard"));
    T(symlink("../a", "d/soft"));
    T(symlink("nowhere", "dangling"));
    T(symlink("loop", "loop"));
    T(readlink("d/soft", buf, sizeof buf));
    T(readlink("d/soft", buf, 2));
    printf("%.2s\n", buf);
    T(readlink("a", buf, sizeof buf));
    T(lstat("d/soft", &st));
    printf("%o %ld\n", st.st_mode, (long)st.st_size);
    T(stat("d/soft", &st));
    printf("%ld\n", (long)st.st_nlink);
    T(stat("dangling", &st));
    T(stat("loop", &st));
    T(open("loop", O_RDONLY));
    T(open("dangling", O_RDONLY | O_NOFOLLOW));
    T(close(open("dangling", O_WRONLY | O_CREAT, 0644)));
    T(stat("nowhere", &st));
    T(rename("nowhere", "d/moved"));
    T(renameat2(AT_FDCWD, "a", dfd, "moved", RENAME_NOREPLACE));
    T(renameat2(AT_FDCWD, "a", dfd, "moved", RENAME_EXCHANGE));
    T(stat("d/moved", &st));
    printf("%ld\n", (long)st.st_nlink);
    list("d");
    T(unlink("d"));
    T(rmdir("d"));
    T(unlinkat(dfd, "e", 0));
    T(unlinkat(dfd, "e", AT_REMOVEDIR));
    T(unlinkat(dfd, "e/file", 0));
    T(unlinkat(dfd, "e", AT_REMOVEDIR));
    T(mkfifo("fifo", 0600));
    T(mknod("plain", S_IFREG | 0600, 0));
    T(stat("fifo", &st));
    printf("%o\n", st.st_mode);
    T(chdir("d"));
    getcwd(buf, sizeof buf);
    printf("%s\n", strrchr(buf, '/'));
    T(fchdir(open("..", O_RDONLY)));
    T(stat("d/../d/./moved", &st));
    T(open("d/", O_WRONLY));
    T(open("plain/", O_RDONLY));
    T(mkdir("new/", 0755));
    T(rmdir("new/"));

    /* many entries, several getdents64 */
    mkdir("many", 0755);
    for (int i = 0; i < 1000; i++) {
        snprintf(buf, sizeof buf, "many/%d", i);
        close(open(buf, O_CREAT | O_WRONLY, 0600));
    }
    list("many");

    /* attributes, if the file system has them */
    if (setxattr("plain", "user.test", "value", 5, 0) == 0 || errno != EOPNOTSUPP) {
        T(getxattr("plain", "user.test", buf, sizeof buf));
        T(listxattr("plain", buf, sizeof buf));
        T(removexattr("plain", "user.test"));
        T(getxattr("plain", "user.test", buf, sizeof buf));
    }

    /* copies in the kernel */
    int in = open("in", O_RDWR | O_CREAT, 0600), out = open("out", O_RDWR | O_CREAT, 0600), p[2];
    for (int i = 0; i < 1000; i++)
        (void)!write(in, "0123456789", 10);
    off_t off = 5;
    T(sendfile(out, in, &off, 1000));
    printf("%ld\n", (long)off);
    loff_t a = 100, b = 2000;
    T(copy_file_range(in, &a, out, &b, 500, 0));
    printf("%ld %ld\n", (long)a, (long)b);
    T(pipe(p));
    a = 0;
    T(splice(in, &a, p[1], 0, 100, 0));
    T(tee(p[0], p[1], 10, SPLICE_F_NONBLOCK));
    struct iovec vm = {"from memory", 11};
    T(vmsplice(p[1], &vm, 1, 0));
    T(read(p[0], buf, sizeof buf));

    /* locks */
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20};
    T(fcntl(in, F_SETLK, &fl));
    pid_t pid = fork();
    if (pid == 0) {
        struct flock q = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
        T(fcntl(in, F_GETLK, &q));
        printf("%d %ld %ld %d\n", q.l_type, (long)q.l_start, (long)q.l_len, q.l_pid == getppid());
        T(fcntl(in, F_SETLK, &q));
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, 0, 0);
    T(flock(in, LOCK_EX));
    struct flock ofd = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    T(fcntl(out, F_OFD_SETLK, &ofd));
    T(fcntl(in, F_GETFL) & O_ACCMODE);
    T(fcntl(in, F_SETFL, O_APPEND | O_NONBLOCK));
    T(fcntl(in, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE));
    T(fcntl(p[0], F_SETPIPE_SZ, 8192));
    T(fcntl(p[0], F_GETPIPE_SZ));
    int m = T(memfd_create("m", MFD_ALLOW_SEALING));
    T(fcntl(m, F_ADD_SEALS, F_SEAL_GROW));
    T(fcntl(m, F_GET_SEALS));
    T(ftruncate(m, 10));
    struct statfs sf;
    T(statfs("/proc", &sf));
    printf("%lx %ld\n", (long)sf.f_type, (long)sf.f_namelen);
    T(fstatfs(fd, &sf));
    T(open("/dev/null", O_RDWR) >= 0);
    T(open("/dev/zero", O_RDONLY) >= 0);
    int z = open("/dev/zero", O_RDONLY);
    T(read(z, buf, 100));
    T(write(open("/dev/full", O_WRONLY), "x", 1));
    /* long paths */
    memset(buf, 'x', 300);
    buf[300] = 0;
    T(open(buf, O_RDONLY));
    memset(buf, '/', 4094);
    buf[4094] = 0;
    T(close(open(buf, O_RDONLY)));
    char big[5000];
    memset(big, '/', 4999);
    big[4999] = 0;
    T(open(big, O_RDONLY));
    leave_work_dir();
    return 0;
}
