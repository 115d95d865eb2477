/* Pages and reservations. */
#define _GNU_SOURCE
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/hosted/hosted.h"
#include "lib/bits.h"
#include "lib/err.h"
#include "mk/mk.h"

FAULT_TEST(test_pages)
{
    size_t page = mk_page_size();
    void *p, *q;
    u8 b;

    assert_true(is_pow2(page));
    assert_int_equal(mk_thread_enter(), 0);
    assert_int_equal(mk_pages_alloc(&p, 1), 0);
    assert_true(is_aligned((u64)p, page));
    for (size_t i = 0; i < page; i++)
        assert_int_equal(((u8 *)p)[i], 0);
    memset(p, 1, page);
    mk_pages_free(p, 1);
    assert_int_equal(mk_load((hva_t)p, 1, &b), -EFAULT);

    assert_int_equal(mk_pages_alloc(&p, 0), -EINVAL);
    assert_int_equal(mk_pages_alloc(&p, SIZE_MAX), -ENOMEM);
    assert_int_equal(mk_pages_alloc(&p, SIZE_MAX - page), -ENOMEM);
    assert_int_equal(mk_pages_alloc(&p, (size_t)1 << 62), -ENOMEM);
    mk_pages_free(NULL, 100);

    assert_int_equal(mk_pages_alloc(&q, 3 * page), 0);
    assert_int_equal(mk_pages_guard(q, 3 * page), 0);
    assert_int_equal(mk_store((hva_t)q + page - 1, 1, "x"), -EFAULT);
    assert_int_equal(mk_store((hva_t)q + page, 1, "x"), 0);
    assert_int_equal(mk_pages_guard(q, page), -EINVAL);
    mk_pages_free(q, 3 * page);
    mk_thread_leave();
}

FAULT_TEST(test_reserve)
{
    hva_t p;
    u8 b;

    assert_int_equal(mk_thread_enter(), 0);
    for (u32 shift = 0; shift <= 36; shift++) {
        size_t align = (size_t)1 << shift;
        for (int i = 0; i < 3; i++) {
            assert_int_equal(mk_reserve(&p, (size_t)1 << 30, align), 0);
            assert_true(is_aligned(p, align));
            assert_int_equal(mk_load(p, 1, &b), -EFAULT);
            hva_t addr;
            u32 kind;
            bool write;
            mk_last_fault(&addr, &kind, &write);
            assert_int_equal(kind, MK_FAULT_PROTECTION);
            mk_pages_free((void *)p, (size_t)1 << 30);
        }
    }
    assert_int_equal(mk_reserve(&p, 4096, 3), -EINVAL);
    assert_int_equal(mk_reserve(&p, 0, 4096), -EINVAL);
    assert_int_equal(mk_reserve(&p, (size_t)1 << 62, 4096), -ENOMEM);
    assert_int_equal(mk_reserve(&p, SIZE_MAX, 4096), -ENOMEM);
    assert_int_equal(mk_reserve(&p, 4096, (size_t)1 << 63), -ENOMEM);
    mk_thread_leave();
}

/* All of a reservation can be given memory, piece by piece, to its last page. */
FAULT_TEST(test_reserved_is_ours)
{
    size_t size = (size_t)1 << 32, page = mk_page_size();
    hva_t p;

    assert_int_equal(mk_reserve(&p, size, (size_t)1 << 34), 0);
    for (size_t off = 0; off < size; off += size - page) {
        assert_ptr_equal(
            mmap((void *)(p + off), page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
            p + off);
        *(u8 *)(p + off) = 1;
    }
    mk_pages_free((void *)p, size);
}

/* Bytes of address space in use. */
static rlim_t address_space(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    assert_int_equal(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    return (rlim_t)pages * mk_page_size();
}

/* With a limit on address space: errors, and nothing left behind. */
FAULT_TEST(test_limit)
{
    pid_t pid = fork();

    if (!pid) {
        rlim_t now = address_space() + ((rlim_t)1 << 30);
        struct rlimit lim = {now, now};
        struct mk_code c;
        void *p;
        hva_t r;
        setrlimit(RLIMIT_AS, &lim);
        for (int i = 0; i < 200; i++) {
            if (mk_pages_alloc(&p, (size_t)2 << 30) != -ENOMEM || mk_reserve(&r, (size_t)2 << 30, 4096) != -ENOMEM ||
                mk_code_create(&c, (size_t)700 << 20) != -ENOMEM)
                _exit(1);
        }
        /* Half of it is still there. */
        _exit(mk_reserve(&r, (size_t)500 << 20, 4096) ? 2 : 0);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

FAULT_TEST(test_hook)
{
    void *p[4];

    mk_hosted_fail_alloc(2);
    assert_int_equal(mk_pages_alloc(&p[0], 1), 0);
    assert_int_equal(mk_pages_alloc(&p[1], 1), -ENOMEM);
    assert_int_equal(mk_pages_alloc(&p[1], 1), 0);
    mk_pages_free(p[0], 1);
    mk_pages_free(p[1], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages), cmocka_unit_test(test_reserve), cmocka_unit_test(test_reserved_is_ours),
        cmocka_unit_test(test_limit), cmocka_unit_test(test_hook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
