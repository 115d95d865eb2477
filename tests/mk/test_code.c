/* Code memory: what is written at one address runs at the other, and fork tears the two processes' code apart. */
#define _GNU_SOURCE
#include "tests/lib/test.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
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

static void tell(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}
static void hear(int fd)
{
    char b;
    assert_int_equal(read(fd, &b, 1), 1);
}

FAULT_TEST(test_fork)
{
    struct mk_code c, copy;
    int to_child[2], to_parent[2];
    enum { LATE = 50000 };

    assert_int_equal(mk_code_create(&c, 1 << 16), 0);
    write_at(&c, 0, 1);
    write_at(&c, 64, 100);
    write_at(&c, LATE, 5);
    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(to_parent), 0);
    assert_int_equal(mk_code_copy(&c, 128, &copy), 0);
    pid_t pid = fork();
    if (!pid) {
        if (mk_code_adopt(&c, &copy, 128))
            _exit(1);
        if (run(&c, 0) != 1 || run(&c, 64) != 100)
            _exit(2);
        /* What was not in use was not copied. */
        if (c.rx[LATE])
            _exit(3);
        write_at(&c, 0, 2);
        if (run(&c, 0) != 2)
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
        if (mk_code_copy(&c, 128, &copy))
            _exit(7);
        pid_t grand = fork();
        if (!grand) {
            if (mk_code_adopt(&c, &copy, 128))
                _exit(8);
            write_at(&c, 0, 4);
            _exit(run(&c, 0) == 4 ? 0 : 9);
        }
        mk_code_drop(&copy);
        int status;
        waitpid(grand, &status, 0);
        _exit(status || run(&c, 0) != 2);
    }
    mk_code_drop(&copy);
    hear(to_parent[0]);
    assert_int_equal(run(&c, 0), 1);
    write_at(&c, 0, 3);
    write_at(&c, 64, 300);
    assert_int_equal(run(&c, 0), 3);
    assert_int_equal(run(&c, LATE), 5);
    tell(to_child[1]);
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(run(&c, 0), 3);
    mk_code_destroy(&c);
}

/* Copies are given back whole. */
FAULT_TEST(test_copies_do_not_pile_up)
{
    struct mk_code c, copy;

    assert_int_equal(mk_code_create(&c, (size_t)64 << 20), 0);
    write_at(&c, 0, 1);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(mk_code_copy(&c, 64, &copy), 0);
        mk_code_drop(&copy);
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
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_copies_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
