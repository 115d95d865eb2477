/* Code memory: what is written at one address runs at the other, and fork tears the two processes' code apart. */
#define _GNU_SOURCE
#include "tests/lib/test.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/err.h"
#include "probe.h"

static u32 run(const struct mk_code *c, size_t off)
{
    return ((u32(*)(void))(c->rx + off))();
}

static void write_at(const struct mk_code *c, size_t off, u32 v)
{
    size_t n = probe_emit_return(c->rw + off, v);
    mk_code_sync(c, off, n);
}

/* Protection of the mapping at p, as /proc tells it. */
static void protection_of(const void *p, char out[5])
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[500];
    unsigned long lo, hi;

    out[0] = 0;
    while (fgets(line, sizeof(line), f)) {
        char prot[5];
        if (sscanf(line, "%lx-%lx %4s", &lo, &hi, prot) == 3 && (hva_t)p >= lo && (hva_t)p < hi)
            memcpy(out, prot, 5);
    }
    fclose(f);
}

static u32 open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    u32 n = 0;

    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

FAULT_TEST(test_run)
{
    struct mk_code c;
    char prot[5];
    u32 fds = open_descriptors();

    assert_int_equal(mk_code_create(&c, 100000), 0);
    assert_true(c.size >= 100000 && c.size % mk_page_size() == 0);
    assert_int_equal(open_descriptors(), fds);
    protection_of(c.rw, prot);
    assert_string_equal(prot, "rw-s");
    protection_of(c.rx, prot);
    assert_string_equal(prot, "r-xs");
    for (u32 i = 0; i < 1000; i++)
        write_at(&c, i * 100, i * 7);
    for (u32 i = 0; i < 1000; i++)
        assert_int_equal(run(&c, i * 100), i * 7);
    write_at(&c, 300, 12345);
    assert_int_equal(run(&c, 300), 12345);
    write_at(&c, c.size - 6, 9);
    assert_int_equal(run(&c, c.size - 6), 9);

    u8 *rw = c.rw, *rx = c.rx, b;
    assert_int_equal(mk_thread_enter(), 0);
    assert_int_equal(mk_store((hva_t)c.rx, 1, "x"), -EFAULT);
    mk_code_destroy(&c);
    mk_code_destroy(&c);
    assert_int_equal(mk_load((hva_t)rw, 1, &b), -EFAULT);
    assert_int_equal(mk_load((hva_t)rx, 1, &b), -EFAULT);
    mk_thread_leave();

    assert_int_equal(mk_code_create(&c, 0), -EINVAL);
    assert_int_equal(mk_code_create(&c, SIZE_MAX), -ENOMEM);
    assert_int_equal(mk_code_create(&c, (size_t)1 << 60), -ENOMEM);
}

static int child_status(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void write_three(void *cx, u8 *to)
{
    probe_emit_return(to, 3);
}

/* Behind it: a file's pages run where they are, and others take their place; data. No descriptor, nothing writable that
 * can be run. */
FAULT_TEST(test_room)
{
    struct mk_code c;
    char prot[5];
    const size_t page = mk_page_size();
    const int fd = memfd_create("code", MFD_CLOEXEC);
    u8 text[64] = {0};

    assert_int_equal(mk_code_create_wide(&c, 4 * page, 8 * page), 0);
    write_at(&c, 0, 1);
    assert_int_equal(run(&c, 0), 1);
    if (!c.room) { /* there is no need to have it */
        mk_code_destroy(&c);
        close(fd);
        return;
    }
    probe_emit_return(text, 2);
    assert_int_equal(ftruncate(fd, (off_t)(2 * page)), 0);
    assert_int_equal(pwrite(fd, text, sizeof text, (off_t)page), sizeof text);
    void *data = mmap(NULL, 2 * page, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0), *anonymous;
    assert_ptr_not_equal(data, MAP_FAILED);
    close(fd);
    assert_int_equal(mk_code_show(&c, 5 * page, data, 2 * page), 0);
    assert_int_equal(run(&c, 6 * page), 2);
    assert_int_equal(mk_code_data(&c, 8 * page, page), 0);
    c.rx[8 * page] = 77;
    assert_int_equal(mk_pages_alloc(&anonymous, page), 0);
    assert_int_not_equal(mk_code_show(&c, 9 * page, anonymous, page), 0);
    protection_of(c.rx + 9 * page, prot);
    assert_string_equal(prot, "---p");

    pid_t pid = fork();
    if (!pid) {
        mk_code_edit(&c, 6 * page, page, write_three, NULL);
        c.rx[8 * page] = 78;
        _exit(run(&c, 6 * page) == 3 && run(&c, 0) == 1 ? 0 : 1);
    }
    assert_int_equal(child_status(pid), 0);
    assert_int_equal(run(&c, 6 * page), 2);
    assert_int_equal(c.rx[8 * page], 77);
    mk_code_edit(&c, 6 * page, page, write_three, NULL);
    assert_int_equal(run(&c, 6 * page), 3);
    protection_of(c.rx + 6 * page, prot);
    assert_string_equal(prot, "r-xp");
    write_at(&c, 0, 9);
    assert_int_equal(run(&c, 0), 9);

    u8 b, *rx = c.rx;
    assert_int_equal(mk_thread_enter(), 0);
    assert_int_equal(mk_load((hva_t)rx + 8 * page, 1, &b), 0);
    mk_code_destroy(&c);
    assert_int_equal(mk_load((hva_t)rx + 8 * page, 1, &b), -EFAULT);
    mk_thread_leave();
    mk_pages_free(anonymous, page);
    munmap(data, 2 * page);
}

static void tell(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}
static void hear(int fd)
{
    char b;
    assert_int_equal(read(fd, &b, 1), 1);
}

/* Both may write, and neither sees what the other wrote. */
FAULT_TEST(test_fork)
{
    struct mk_code c;
    int to_child[2], to_parent[2];
    enum { LATE = 50000 };

    assert_int_equal(mk_code_create(&c, 1 << 16), 0);
    write_at(&c, 0, 1);
    write_at(&c, 64, 100);
    write_at(&c, LATE, 5);
    assert_int_equal(mk_code_own(&c, 128), 0);
    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(to_parent), 0);
    mk_code_share(&c);
    pid_t pid = fork();
    if (!pid) {
        if (run(&c, 0) != 1 || run(&c, 64) != 100)
            _exit(1);
        if (mk_code_own(&c, 128) != 1)
            _exit(2);
        /* What was not in use was not copied. */
        if (c.rx[LATE])
            _exit(3);
        write_at(&c, 0, 2);
        if (run(&c, 0) != 2 || run(&c, 64) != 100)
            _exit(4);
        tell(to_parent[1]);
        hear(to_child[0]);
        if (run(&c, 0) != 2 || run(&c, 64) != 100)
            _exit(5);
        char prot[5];
        protection_of(c.rx, prot);
        if (strcmp(prot, "r-xs"))
            _exit(6);
        /* And on: a child of the child. */
        mk_code_share(&c);
        pid_t grand = fork();
        if (!grand) {
            if (mk_code_own(&c, 128) != 1)
                _exit(8);
            write_at(&c, 0, 4);
            _exit(run(&c, 0) == 4 ? 0 : 9);
        }
        _exit(child_status(grand) || run(&c, 0) != 2 || mk_code_own(&c, 128) != 0);
    }
    hear(to_parent[0]);
    assert_int_equal(run(&c, 0), 1);
    assert_int_equal(mk_code_own(&c, 128), 0); /* the child has gone its own way */
    write_at(&c, 0, 3);
    write_at(&c, 64, 300);
    assert_int_equal(run(&c, 0), 3);
    assert_int_equal(run(&c, LATE), 5);
    tell(to_child[1]);
    assert_int_equal(child_status(pid), 0);
    assert_int_equal(run(&c, 0), 3);
    mk_code_destroy(&c);
}

/* Nobody copies for a child that leaves, or that was not made; for one that just ends the parent does. */
FAULT_TEST(test_leave)
{
    struct mk_code c;
    assert_int_equal(mk_code_create(&c, 1 << 16), 0);
    write_at(&c, 0, 1);
    mk_code_share(&c);
    mk_code_leave(&c);
    assert_int_equal(mk_code_own(&c, 64), 0);
    mk_code_share(&c);
    pid_t pid = fork();
    if (!pid) {
        mk_code_leave(&c);
        _exit(0);
    }
    assert_int_equal(child_status(pid), 0);
    assert_int_equal(mk_code_own(&c, 64), 0);
    mk_code_share(&c);
    pid = fork();
    if (!pid)
        _exit(0);
    assert_int_equal(child_status(pid), 0);
    assert_int_equal(mk_code_own(&c, 64), 1);
    assert_int_equal(mk_code_own(&c, 64), 0);
    assert_int_equal(run(&c, 0), 1);
    mk_code_destroy(&c);
}

/* Who left what the other then writes, and stays all the same, has new memory. */
FAULT_TEST(test_renew)
{
    struct mk_code c;
    assert_int_equal(mk_code_create(&c, 1 << 16), 0);
    write_at(&c, 0, 1);
    mk_code_share(&c);
    pid_t pid = fork();
    if (!pid) {
        mk_code_leave(&c);
        if (mk_code_renew(&c) || c.rx[0] || mk_code_own(&c, 0) != 0)
            _exit(1);
        write_at(&c, 0, 2);
        _exit(run(&c, 0) != 2);
    }
    assert_int_equal(child_status(pid), 0);
    assert_int_equal(run(&c, 0), 1);
    assert_int_equal(mk_code_own(&c, 64), 0);
    mk_code_destroy(&c);
}

struct runner {
    const struct mk_code *c;
    bool stop, wrong;
};

static void *run_on(void *arg)
{
    struct runner *r = arg;
    while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED))
        if (run(r->c, 64) != 100)
            __atomic_store_n(&r->wrong, true, __ATOMIC_RELAXED);
    return NULL;
}

/* Other threads run there while it becomes a copy. */
FAULT_TEST(test_own_while_running)
{
    struct mk_code c;
    struct runner r = {.c = &c};
    pthread_t t[2];
    if (getenv("TEST_EMULATED")) /* QEMU's children hang where there have been threads */
        skip();
    assert_int_equal(mk_code_create(&c, 1 << 20), 0);
    write_at(&c, 64, 100);
    for (u32 i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, run_on, &r), 0);
    for (u32 i = 0; i < 200; i++) {
        mk_code_share(&c); /* and nobody leaves */
        assert_int_equal(mk_code_own(&c, 1 << 18), 1);
        write_at(&c, 0, i);
        assert_int_equal(run(&c, 0), i);
    }
    __atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
    for (u32 i = 0; i < ARRAY_LEN(t); i++)
        pthread_join(t[i], NULL);
    assert_false(r.wrong);
    mk_code_destroy(&c);
}

/* What is replaced is given back whole. */
FAULT_TEST(test_copies_do_not_pile_up)
{
    struct mk_code c;

    assert_int_equal(mk_code_create(&c, (size_t)64 << 20), 0);
    write_at(&c, 0, 1);
    for (int i = 0; i < 3000; i++) {
        mk_code_share(&c);
        assert_int_equal(mk_code_own(&c, 64), 1);
    }
    FILE *f = fopen("/proc/self/maps", "r");
    char line[500];
    u32 maps = 0;
    while (fgets(line, sizeof(line), f))
        maps++;
    fclose(f);
    assert_true(maps < 500);
    assert_int_equal(run(&c, 0), 1);
    mk_code_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_leave),
        cmocka_unit_test(test_renew),
        cmocka_unit_test(test_own_while_running),
        cmocka_unit_test(test_copies_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
