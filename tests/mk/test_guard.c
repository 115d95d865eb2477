/* Guarded accesses at the edge of what is accessible. */
#define _GNU_SOURCE
#include "tests/lib/test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/hosted/arch.h"
#include "kernel/hosted/hosted.h"
#include "lib/err.h"
#include "lib/str.h"
#include "probe.h"

static size_t page;
static u8 *edge; /* two pages before it are accessible, two behind it are not */

static int set_up(void **state)
{
    void *p;

    page = mk_page_size();
    assert_int_equal(mk_thread_enter(), 0);
    assert_int_equal(mk_pages_alloc(&p, 4 * page), 0);
    edge = (u8 *)p + 2 * page;
    assert_int_equal(mprotect(edge, 2 * page, PROT_NONE), 0);
    return 0;
}

static int tear_down(void **state)
{
    mk_pages_free(edge - 2 * page, 4 * page);
    mk_thread_leave();
    return 0;
}

static void assert_fault(hva_t addr, u32 kind, bool write)
{
    hva_t a;
    u32 k;
    bool w;

    mk_last_fault(&a, &k, &w);
    assert_int_equal(a, addr);
    assert_int_equal(k, kind);
    assert_int_equal(w, write);
}

FAULT_TEST(test_copy_at_every_offset)
{
    u8 from[512], to[512];
    u64 r = 1;

    for (size_t n = 0; n <= 300; n++) {
        for (size_t before = 0; before <= n + 20; before++) {
            u8 *p = edge - before;
            for (size_t i = 0; i < sizeof(from); i++)
                from[i] = (u8)rnd(&r);
            bool fits = n <= before;

            memset(edge - 400, 0xee, 400);
            assert_int_equal(mk_copy(p, from, n), fits ? 0 : -EFAULT);
            if (fits) {
                assert_memory_equal(p, from, n);
                for (u8 *q = p + n; q < edge; q++)
                    assert_int_equal(*q, 0xee);
            } else {
                assert_fault((hva_t)edge, MK_FAULT_PROTECTION, true);
            }
            assert_int_equal(p[-1], 0xee);

            memcpy(edge - 400, from, 400);
            memset(to, 0xdd, sizeof(to));
            assert_int_equal(mk_copy(to + 8, p, n), fits ? 0 : -EFAULT);
            if (fits)
                assert_memory_equal(to + 8, p, n);
            else
                assert_fault((hva_t)edge, MK_FAULT_PROTECTION, false);
            assert_int_equal(to[7], 0xdd);
            assert_int_equal(to[8 + n], 0xdd);
        }
    }
}

/* Loads and stores of every size at every offset around the edge. */
FAULT_TEST(test_load_store)
{
    for (u32 size = 1; size <= 16; size *= 2) {
        for (size_t before = 0; before <= 40; before++) {
            u8 *p = edge - before;
            u8 in[32], out[32];
            bool fits = size <= before;

            for (u32 i = 0; i < 32; i++)
                in[i] = (u8)(i * 7 + before);
            memset(out, 0xaa, sizeof(out));
            memset(edge - 64, 0xbb, 64);
            int rc = mk_store((hva_t)p, size, in);
            assert_int_equal(rc, fits ? 0 : -EFAULT);
            if (fits) {
                assert_memory_equal(p, in, size);
                assert_int_equal(p[-1], 0xbb);
                for (u8 *q = p + size; q < edge; q++)
                    assert_int_equal(*q, 0xbb);
            } else {
                assert_fault((hva_t)edge, MK_FAULT_PROTECTION, true);
                for (u8 *q = edge - 64; q < edge; q++)
                    assert_int_equal(*q, 0xbb);
            }
            rc = mk_load((hva_t)p, size, out);
            assert_int_equal(rc, fits ? 0 : -EFAULT);
            if (fits)
                assert_memory_equal(out, in, size);
            else
                assert_fault((hva_t)edge, MK_FAULT_PROTECTION, false);
            assert_int_equal(out[fits ? size : 0], 0xaa);
        }
    }
}

FAULT_TEST(test_addresses)
{
    u64 v[2] = {0};
    void *gone;

    assert_int_equal(mk_pages_alloc(&gone, page), 0);
    mk_pages_free(gone, page);
    assert_int_equal(mk_load((hva_t)gone + 8, 8, v), -EFAULT);
    assert_fault((hva_t)gone + 8, MK_FAULT_UNMAPPED, false);
    assert_int_equal(mk_store((hva_t)gone + 9, 1, v), -EFAULT);
    assert_fault((hva_t)gone + 9, MK_FAULT_UNMAPPED, true);
    assert_int_equal(mk_load(0, 4, v), -EFAULT);
    assert_fault(0, MK_FAULT_UNMAPPED, false);
    /* No address of memory at all, in the kernel's half, and the last one. */
    assert_int_equal(mk_load(0x1234567812345678, 8, v), -EFAULT);
    assert_fault(0x1234567812345678, MK_FAULT_UNMAPPED, false);
    assert_int_equal(mk_store(0x1234567812345678, 16, v), -EFAULT);
    assert_fault(0x1234567812345678, MK_FAULT_UNMAPPED, true);
    assert_int_equal(mk_copy(v, (void *)0x8765000012345678, 8), -EFAULT);
    assert_fault(0x8765000012345678, MK_FAULT_UNMAPPED, false);
    assert_int_equal(mk_copy((void *)0x8765000012345678, v, 8), -EFAULT);
    assert_fault(0x8765000012345678, MK_FAULT_UNMAPPED, true);
    assert_int_equal(mk_load(0xffffffff80000000, 8, v), -EFAULT);
    assert_int_equal(mk_load(UINTPTR_MAX, 1, v), -EFAULT);

    /* Read-only memory: read but not written. */
    mprotect(edge - page, page, PROT_READ);
    assert_int_equal(mk_load((hva_t)edge - 8, 8, v), 0);
    assert_int_equal(mk_store((hva_t)edge - 8, 8, v), -EFAULT);
    assert_fault((hva_t)edge - 8, MK_FAULT_PROTECTION, true);
    mprotect(edge - page, page, PROT_READ | PROT_WRITE);

    /* Mapped, but behind the end of the file. */
    int fd = memfd_create("test", 0);
    u8 *m = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(m, MAP_FAILED);
    assert_int_equal(mk_load((hva_t)m + 5, 1, v), -EFAULT);
    assert_fault((hva_t)m + 5, MK_FAULT_BUS, false);
    assert_int_equal(mk_copy(m, v, 16), -EFAULT);
    assert_fault((hva_t)m, MK_FAULT_BUS, true);
    munmap(m, page);
    close(fd);
}

FAULT_TEST(test_cas)
{
    for (u32 size = 1; size <= 16; size *= 2) {
        u8 *p = edge - 32;
        u8 old[16], new[16], expect[17], other[16];

        for (u32 i = 0; i < 16; i++) {
            old[i] = (u8)(i + 1);
            new[i] = (u8)(i * 3 + 50);
        }
        memset(p, 0xcc, 32);
        memcpy(p, old, size);
        memcpy(expect, old, 16);
        expect[size] = 0x77;
        assert_int_equal(probe_cas((hva_t)p, size, expect, new), 0);
        assert_memory_equal(expect, old, size);
        assert_memory_equal(p, new, size);
        assert_int_equal(p[size], 0xcc);

        /* Differs in one byte, each in turn: nothing is swapped, and the old value is told. */
        for (u32 i = 0; i < size; i++) {
            memcpy(other, new, 16);
            other[i] ^= 1;
            memcpy(expect, other, size);
            expect[size] = 0x77;
            assert_int_equal(probe_cas((hva_t)p, size, expect, old), 0);
            assert_memory_equal(expect, new, size);
            assert_int_equal(expect[size], 0x77);
            assert_memory_equal(p, new, size);
        }
        if (size > 1) {
            assert_int_equal(mk_cas((hva_t)p + 1, size, expect, new), -EINVAL);
            assert_int_equal(mk_cas((hva_t)p + size / 2, size, expect, new), -EINVAL);
        }

        memcpy(expect, old, 16);
        assert_int_equal(probe_cas((hva_t)edge + 16, size, expect, new), -EFAULT);
        assert_fault((hva_t)edge + 16, MK_FAULT_PROTECTION, true);
        assert_memory_equal(expect, old, 16);
        mprotect(edge - page, page, PROT_READ);
        assert_int_equal(probe_cas((hva_t)edge - 16, size, expect, new), -EFAULT);
        assert_fault((hva_t)edge - 16, MK_FAULT_PROTECTION, true);
        mprotect(edge - page, page, PROT_READ | PROT_WRITE);
        assert_int_equal(probe_cas(0x1234567812345670, size, expect, new), -EFAULT);
        assert_fault(0x1234567812345670, MK_FAULT_UNMAPPED, true);
    }
}

enum { THREADS = 4, ADDS = 20000 };
static _Alignas(16) u8 counter[16];
static u32 counter_size;

static void *add(void *arg)
{
    u128 now = 0, next;

    for (int i = 0; i < ADDS; i++) {
        do {
            u128 seen = now;
            next = now + 1;
            if (mk_cas((hva_t)counter, counter_size, &now, &next))
                return (void *)1;
            if (!memcmp(&now, &seen, counter_size))
                break;
        } while (true);
    }
    return NULL;
}

FAULT_TEST(test_cas_is_atomic)
{
    for (counter_size = 1; counter_size <= 16; counter_size *= 2) {
        pthread_t t[THREADS];
        u32 sum = THREADS * ADDS;

        memset(counter, 0, sizeof(counter));
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&t[i], NULL, add, NULL), 0);
        for (int i = 0; i < THREADS; i++) {
            void *failed;
            pthread_join(t[i], &failed);
            assert_null(failed);
        }
        assert_memory_equal(counter, &sum, counter_size < 4 ? counter_size : 4);
    }
}

FAULT_TEST(test_pc_guarded)
{
    assert_true(mk_hosted_pc_guarded((hva_t)hosted_guard_copy));
    assert_true(mk_hosted_pc_guarded((hva_t)hosted_guard_load1));
    assert_true(mk_hosted_pc_guarded((hva_t)hosted_guard_cas16 + 4));
    assert_false(mk_hosted_pc_guarded((hva_t)mk_copy));
    assert_false(mk_hosted_pc_guarded((hva_t)memcpy));
    assert_false(mk_hosted_pc_guarded(0));
}

/* Faults leave errno alone, as they may come anywhere. */
FAULT_TEST(test_errno)
{
    u8 b;

    errno = 1234;
    assert_int_equal(mk_load((hva_t)edge, 1, &b), -EFAULT);
    assert_int_equal(errno, 1234);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_at_every_offset),
        cmocka_unit_test(test_load_store),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_cas),
        cmocka_unit_test(test_cas_is_atomic),
        cmocka_unit_test(test_pc_guarded),
        cmocka_unit_test(test_errno),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
