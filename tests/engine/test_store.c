/* Stored translations: what one engine hands out, another enters; and what is damaged, stale or foreign is not entered.
 *
 * The guest program lies on three pages: loops, calls from page to page, an instruction across a page's end, floating
 * point that calls C. Images are kept in memory, whose code is copied, or in a file, where it runs in place; all is
 * tried with both, and once more where links of code in place become jumps after each run. How well code is moved is
 * the business of tests/host/test_random.c. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/hash.h"
#include "mk/mk.h"
#include "translator/engine/engine.h"
#include "translator/engine/image.h"
#include "translator/guest/riscv64/state.h"
#include "translator/host/host.h"

#define WINDOW (1ull << 32)
#define CODE   0x10000ull
#define PAGES  3u
#define OTHER  0x40000ull /* code that no image is of */
#define PAGE   4096u

static u32 insn_i(u32 op, u32 f3, u32 rd, u32 rs1, s32 imm)
{
    return op | rd << 7 | f3 << 12 | rs1 << 15 | ((u32)imm & 0xfff) << 20;
}

static u32 addi(u32 rd, u32 rs1, s32 imm)
{
    return insn_i(0x13, 0, rd, rs1, imm);
}

static u32 jal(u32 rd, s32 off)
{
    u32 o = (u32)off;
    return 0x6f | rd << 7 | (o >> 12 & 255) << 12 | (o >> 11 & 1) << 20 | (o >> 1 & 1023) << 21 | (o >> 20 & 1) << 31;
}

static u32 bne(u32 a, u32 b, s32 off)
{
    u32 o = (u32)off;
    return 0x63 | 1 << 12 | a << 15 | b << 20 | (o >> 11 & 1) << 7 | (o >> 1 & 15) << 8 | (o >> 5 & 63) << 25 |
           (o >> 12 & 1) << 31;
}

#define UNLUCKY 0xffffffffu
#define EBREAK  0x00100073u
#define RET     insn_i(0x67, 0, 0, 1, 0)

#define TURNS   (CODE + 2 * PAGE + 32)
#define TURN_TO (CODE + PAGE + 48) /* not where TURNS is in the jump cache */

/* x10 = sum of 1 to x11, by a call for each; then f on the second page adds 1000 where x12 is not 0, with the rounding
 * mode that no host has, so that C is called. From TURNS on it jumps x15 times to x13, which is TURN_TO, where 5 is
 * added. */
static void put_program(u8 *mem)
{
    u32 *page0 = (u32 *)(void *)mem, *page1 = (u32 *)(void *)(mem + PAGE), *page2 = (u32 *)(void *)(mem + 2 * PAGE);
    const u32 at = PAGE / 4 - 2; /* two instructions before the first page's end */
    memset(mem, 0, PAGES * PAGE);
    page0[0] = addi(10, 0, 0);
    page0[1] = addi(2, 1, 0);
    page0[2] = jal(1, PAGE - 8); /* loop body: page 1 */
    page0[3] = addi(11, 11, -1);
    page0[4] = bne(11, 0, -8);
    page0[5] = bne(12, 0, 8);
    page0[6] = EBREAK;
    page0[7] = jal(1, (s32)(at * 4) - 28); /* across the page's end */
    page0[8] = EBREAK;
    page0[at] = addi(10, 10, 500);
    page0[at + 1] = addi(10, 10, 100);
    page1[0] = 0x00b50533; /* add x10, x10, x11 */
    page1[1] = bne(12, 0, 8);
    page1[2] = RET;
    page1[3] = jal(0, 2 * PAGE - PAGE - 12); /* page 2 */
    page2[0] = 0xd2254053;                   /* fcvt.d.l f0, x10, rmm: in C where the host has no such mode */
    page2[1] = RET;
    page2[8] = addi(14, 14, 1);
    page2[9] = insn_i(0x67, 0, 0, 13, 0);
    page1[12] = addi(10, 10, 5);
    page1[13] = bne(14, 15, PAGE - 20);
    page1[14] = EBREAK;
}

static _Thread_local struct vcpu *current;
static enum { COPIED, IN_PLACE, TIGHTENED } how;

struct kept {
    void *data;
    size_t size;
    u32 stored;
};

struct world {
    struct engine *e;
    hva_t base;
    struct vcpu *v;
    struct kept *image; /* what there is; what is made anew */
    void *mapped;       /* a file of it */
    size_t mapped_size;
    u32 key_asked;
};

static size_t executable(void *cx, gva_t pc, size_t want, struct vcpu_fault *f)
{
    const gva_t ends[][2] = {{CODE, CODE + PAGES * PAGE}, {OTHER, OTHER + PAGE}};
    for (size_t i = 0; i < 2; i++)
        if (pc >= ends[i][0] && pc < ends[i][1])
            return ends[i][1] - pc < want ? ends[i][1] - pc : want;
    *f = (struct vcpu_fault){.addr = pc, .kind = VCPU_FAULT_UNMAPPED, .access = VCPU_EXEC};
    return 0;
}

static bool watch(void *cx, gva_t start, size_t len, bool on)
{
    struct world *w = cx;
    assert_int_equal(mprotect((void *)(w->base + start), len, on ? PROT_READ : PROT_READ | PROT_WRITE), 0);
    return true;
}

static void image_of(void *cx, gva_t pc, u64 key, struct engine_image *out)
{
    struct world *w = cx;
    w->key_asked++;
    *out = (struct engine_image){.start = OTHER, .len = PAGE};
    if (pc < OTHER)
        *out = (struct engine_image){.start = CODE,
                                     .len = PAGES * PAGE,
                                     .keep = true,
                                     .data = w->mapped  ? w->mapped
                                             : w->image ? w->image->data
                                                        : NULL,
                                     .size = w->image ? w->image->size : 0,
                                     .id = 7};
}

static const struct engine_ops ops = {.executable = executable, .watch = watch, .image = image_of};

static bool upcall(struct mk_fault *f, void *cx)
{
    return current && engine_fault(current, f);
}

static void install_handler(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE};
    static struct sigaction ours[ARRAY_LEN(signals)];
    if (!ours[0].sa_sigaction) {
        assert_int_equal(mk_fault_handler(upcall, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(signals); i++)
            sigaction(signals[i], NULL, &ours[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        sigaction(signals[i], &ours[i], NULL);
}

extern const char __executable_start[], end[];

static void map_image(struct world *w)
{
    const int fd = memfd_create("image", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, w->image->data, w->image->size), w->image->size);
    w->mapped_size = w->image->size;
    w->mapped = mmap(NULL, w->mapped_size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(w->mapped, MAP_FAILED);
    close(fd);
}

static void open_world(struct world *w, struct kept *image)
{
    *w = (struct world){.image = image};
    if (how && image && image->data)
        map_image(w);
    assert_int_equal(mk_reserve(&w->base, WINDOW, 1 << 21), 0);
    assert_ptr_equal(
        mmap((void *)(w->base + CODE), 0x40000, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        w->base + CODE);
    put_program((u8 *)w->base + CODE);
    ((u32 *)(w->base + OTHER))[0] = addi(5, 5, 1);
    ((u32 *)(w->base + OTHER))[1] = bne(5, 6, -4);
    ((u32 *)(w->base + OTHER))[2] = EBREAK;
    install_handler();
    host_native.probe(0);
    struct engine_config cfg = {.guest = &guest_riscv64,
                                .ops = &ops,
                                .cx = w,
                                .mem_base = w->base,
                                .mem_size = WINDOW,
                                .tier = ENGINE_BASELINE,
                                .cache_size = 64 << 10,
                                .image_key = 12345,
                                .own = (hva_t)__executable_start,
                                .own_size = (size_t)(end - __executable_start)};
    assert_int_equal(engine_create(&w->e, &cfg), 0);
    assert_int_equal(vcpu_create(&w->v, w->e, w), 0);
}

static void close_world(struct world *w)
{
    engine_destroy(w->e);
    munmap((void *)w->base, WINDOW);
    if (w->mapped)
        munmap(w->mapped, w->mapped_size);
}

static struct rv_state *regs(struct world *w)
{
    return (struct rv_state *)w->v->slots;
}

static void run_from(struct world *w, gva_t pc)
{
    current = w->v;
    assert_int_equal(mk_thread_enter(), 0);
    mk_thread_base(w->base);
    w->v->pc = pc;
    assert_int_equal(vcpu_run(w->v), VCPU_TRAP);
    assert_int_equal(w->v->trap, IR_TRAP_BREAK);
    mk_thread_leave();
    current = NULL;
    if (how == TIGHTENED)
        engine_tighten(w->e);
}

/* Runs the program; more: all of its parts. */
static void run(struct world *w, bool more)
{
    regs(w)->x[11] = 100;
    regs(w)->x[12] = more;
    run_from(w, CODE);
    /* In the last part, the addition at the start of page 1 comes once more, with x11 being 0. */
    assert_int_equal(regs(w)->x[10], 5050 + (more ? 600 : 0));
}

static void present(void *cx, const struct engine_image *area, const void **data, size_t *size)
{
    struct kept *k = ((struct world *)cx)->image;
    assert_int_equal(area->start, CODE);
    *data = k->data;
    *size = k->size;
}

static void store(void *cx, const struct engine_image *area, const void *data, size_t size)
{
    struct kept *k = ((struct world *)cx)->image;
    assert_int_equal(area->id, 7);
    if (!data)
        return;
    void *copy = aligned_alloc(64, (size + 63) & ~63ul);
    memcpy(copy, data, size);
    free(k->data);
    k->data = copy;
    k->size = size;
    k->stored++;
}

static void save(struct world *w)
{
    engine_save(w->e, &(struct engine_saver){1, UNLUCKY, w, present, store});
}

static struct engine_stats stats(struct world *w)
{
    struct engine_stats s;
    engine_stats(w->e, &s);
    return s;
}

/* An image of all of the program. */
static void make(struct kept *k)
{
    struct world w;
    *k = (struct kept){0};
    open_world(&w, k);
    run(&w, true);
    assert_true(engine_save_wanted(w.e, 1, UNLUCKY));
    save(&w);
    assert_int_equal(k->stored, 1);
    assert_false(engine_save_wanted(w.e, 1, UNLUCKY));
    close_world(&w);
}

static void is_entered(void **state)
{
    struct kept k;
    struct world w;
    make(&k);
    for (int shift = 0; shift < 2; shift++) {
        open_world(&w, &k);
        u64 own = 0;
        if (shift) { /* code and exits of the image come to lie elsewhere */
            regs(&w)->x[6] = 10;
            run_from(&w, OTHER);
            own = stats(&w).blocks;
        }
        for (int i = 0; i < 2; i++)
            run(&w, true);
        const struct engine_stats s = stats(&w);
        assert_int_equal(s.blocks, own);
        assert_int_equal(s.images, 1);
        assert_int_equal(s.image_pages, 3);
        assert_int_equal(s.image_misses, 0);
        if (how != TIGHTENED) /* then what comes later is copied */
            assert_int_equal(s.image_placed, how == IN_PLACE ? 3 : 0);
        assert_true(s.image_blocks >= 6);
        assert_false(engine_save_wanted(w.e, 1, UNLUCKY));
        close_world(&w);
    }
    free(k.data);
}

static void run_on(struct world *w, u32 times)
{
    regs(w)->x[11] = times;
    regs(w)->x[12] = 0;
    w->v->pc = CODE;
    assert_int_equal(vcpu_run(w->v), VCPU_TRAP);
    assert_int_equal(regs(w)->x[10], (u64)times * (times + 1) / 2);
}

/* While a thread runs for long, and has come to all of its code before, what is in place is made faster: then what
 * comes later is copied. A short one makes nothing of it. Where there are no timers it is done when one that has run
 * for long leaves translated code. */
static void ages(void **state)
{
    enum { SHORT, LONG, NO_TIMER, WAYS };
    struct rlimit before;
    struct kept k;
    make(&k);
    assert_int_equal(getrlimit(RLIMIT_SIGPENDING, &before), 0);
    for (int way = SHORT; way < WAYS; way++) {
        struct world w;
        open_world(&w, &k);
        current = w.v;
        assert_int_equal(mk_thread_enter(), 0);
        mk_thread_base(w.base);
        if (way == NO_TIMER)
            assert_int_equal(setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){0, before.rlim_max}), 0);
        run_on(&w, 100);
        const u64 placed = stats(&w).image_placed;
        for (int i = 0; i < 64; i++)
            run_on(&w, 100);
        const u64 entries = stats(&w).entries;
        run_on(&w, way == LONG ? 100000000 : 100);
        assert_int_equal(stats(&w).entries > entries + 1, way == LONG); /* it was made to leave */
        run(&w, true);
        const struct engine_stats s = stats(&w);
        assert_int_equal(s.image_pages, 3);
        assert_true(placed > 0 && placed < 3);
        assert_int_equal(s.image_placed, way == SHORT ? 3 : placed);
        assert_int_equal(setrlimit(RLIMIT_SIGPENDING, &before), 0);
        close_world(&w);
    }
    free(k.data);
}

/* What is entered is a block like others: it dies when its code changes, and comes back after a flush. */
static void lives_like_others(void **state)
{
    struct kept k;
    struct world w;
    make(&k);
    open_world(&w, &k);
    run(&w, true);
    engine_flush(w.e);
    run(&w, true);
    assert_int_equal(stats(&w).blocks, 0);
    engine_invalidate(w.e, CODE + PAGE, PAGE);
    run(&w, true);
    assert_true(stats(&w).blocks <=
                1); /* it was mapped anew, with the same in it; one block reaches over from before */
    assert_int_equal(stats(&w).image_pages, 7);
    assert_true(engine_unwatch(w.e, CODE + PAGE, 4));
    ((u32 *)(w.base + CODE + PAGE))[0] = addi(10, 10, 7);
    engine_sync(w.e);
    regs(&w)->x[11] = 10;
    regs(&w)->x[12] = 0;
    run_from(&w, CODE);
    assert_int_equal(regs(&w)->x[10], 70);
    assert_true(stats(&w).blocks > 0);
    const u64 source = image_find(k.data, 1)->source;
    const u32 blocks = image_blocks(k.data);
    save(&w); /* what was written is not stored */
    assert_int_equal(image_find(k.data, 1)->source, source);
    assert_int_equal(image_blocks(k.data), blocks);
    close_world(&w);
    free(k.data);
}

/* What is entered leads from block to block by itself. When one of them has to go, the others do not lead to it any
 * more, whether somebody had asked for them or not. */
static void inner_links_are_undone(void **state)
{
    struct kept k;
    struct world w;
    make(&k);
    for (int all = 0; all < 2; all++) { /* a word is written; all of the page is mapped anew */
        open_world(&w, &k);
        run(&w, true);
        assert_int_equal(stats(&w).blocks, 0);
        if (all)
            engine_invalidate(w.e, CODE, PAGE);
        assert_true(engine_unwatch(w.e, CODE, 4));
        ((u32 *)(w.base + CODE))[3] = addi(11, 11, -2);
        engine_sync(w.e);
        regs(&w)->x[11] = 100;
        regs(&w)->x[12] = 0;
        run_from(&w, CODE);
        assert_int_equal(regs(&w)->x[10], 2550);
        assert_true(stats(&w).blocks > 0);
        close_world(&w);
    }
    free(k.data);
}

/* What is entered leads to what was entered before of other pages by itself, too; until that has to go. */
static void outer_links_are_undone(void **state)
{
    static u64 copied_links;
    struct kept k;
    struct world w;
    make(&k);
    open_world(&w, &k);
    run(&w, true); /* the pages come in order: each leads to what is not there yet */
    const u64 links = stats(&w).links;
    close_world(&w);
    if (how == COPIED)
        copied_links = links;
    else if (how == IN_PLACE) /* that is linked when the later one comes */
        assert_int_equal(links, copied_links - 2);
    for (int i = 0; i < 4; i++) {
        const bool all = i & 1; /* a word is written, or all of the page is mapped anew */
        open_world(&w, &k);
        if (i & 2) { /* the last page comes first */
            regs(&w)->x[1] = CODE + 32;
            run_from(&w, CODE + 2 * PAGE);
        }
        run(&w, true);
        assert_int_equal(stats(&w).blocks, 0);
        if (how != TIGHTENED)
            assert_int_equal(stats(&w).links, links - (i & 2 ? 1 : 0));
        if (all)
            engine_invalidate(w.e, CODE + 2 * PAGE, PAGE);
        assert_true(engine_unwatch(w.e, CODE + 2 * PAGE, 4));
        ((u32 *)(w.base + CODE + 2 * PAGE))[0] = addi(10, 10, 1);
        engine_sync(w.e);
        regs(&w)->x[11] = 100;
        regs(&w)->x[12] = 1;
        run_from(&w, CODE);
        assert_int_equal(regs(&w)->x[10], 5050 + 600 + 101);
        assert_true(stats(&w).blocks > 0);
        close_world(&w);
    }
    free(k.data);
}

static void turn(struct world *w, u64 want)
{
    regs(w)->x[10] = regs(w)->x[14] = 0;
    regs(w)->x[13] = TURN_TO;
    regs(w)->x[15] = 10;
    run_from(w, TURNS);
    assert_int_equal(regs(w)->x[10], want);
}

/* Where a jump cache leads to stored code without a block, it forgets that when the code has to go. */
static void jump_caches_forget_it(void **state)
{
    struct kept k = {0};
    struct world w;
    open_world(&w, &k);
    turn(&w, 50);
    save(&w);
    assert_int_equal(k.stored, 1);
    close_world(&w);
    for (int part = 0; part < 3; part++) { /* a word is written; it or all of the page is mapped anew */
        open_world(&w, &k);
        turn(&w, 50);
        turn(&w, 50);
        assert_int_equal(stats(&w).blocks, 0);
        assert_int_equal(stats(&w).image_pages, 2);
        if (part)
            engine_invalidate(w.e, part == 1 ? TURN_TO : CODE + PAGE, part == 1 ? 4 : PAGE);
        (void)engine_unwatch(w.e, TURN_TO, 4);
        ((u32 *)(w.base + TURN_TO))[0] = addi(10, 10, 7);
        engine_sync(w.e);
        turn(&w, 70);
        assert_true(stats(&w).blocks > 0);
        close_world(&w);
    }
    free(k.data);
}

static void stale_pages_are_left(void **state)
{
    struct kept k;
    struct world w;
    make(&k);
    open_world(&w, &k);
    ((u32 *)(w.base + CODE + PAGE))[0] = addi(10, 10, 7);
    regs(&w)->x[11] = 10;
    regs(&w)->x[12] = 0;
    run_from(&w, CODE);
    assert_int_equal(regs(&w)->x[10], 70);
    assert_int_equal(stats(&w).image_misses, 1);
    assert_int_equal(stats(&w).image_pages, 1);
    close_world(&w);

    /* Only the tail of a block of the first page has changed. */
    open_world(&w, &k);
    ((u32 *)(w.base + CODE))[PAGE / 4 - 2] = addi(10, 10, 500);
    ((u32 *)(w.base + CODE + PAGE))[1] = bne(0, 0, 8);
    ((u32 *)(w.base + CODE + PAGE))[3] = EBREAK;
    regs(&w)->x[11] = 10;
    regs(&w)->x[12] = 1;
    run_from(&w, CODE);
    assert_int_equal(regs(&w)->x[10], 55 + 600);
    close_world(&w);
    free(k.data);
}

static void foreign_images_are_left(void **state)
{
    struct kept k;
    struct world w;
    make(&k);
    open_world(&w, &k);
    engine_shared(w.e); /* other code: another key */
    run(&w, true);
    assert_int_equal(stats(&w).images, 0);
    assert_int_equal(stats(&w).image_pages, 0);
    assert_true(engine_save_wanted(w.e, 1, UNLUCKY));
    close_world(&w);

    struct image_head *h = k.data;
    h->start += PAGE;
    h->sum = image_head_sum(h);
    open_world(&w, &k);
    run(&w, true);
    assert_int_equal(stats(&w).images, 0);
    close_world(&w);
    free(k.data);
}

static void parts_come_together(void **state)
{
    struct kept k = {0};
    struct world a, b;
    open_world(&a, &k);
    run(&a, false);
    save(&a);
    assert_int_equal(k.stored, 1);
    const u32 first = image_blocks(k.data);
    open_world(&b, &k);
    run(&b, true); /* what it enters and what it makes, on the same pages, and one page more */
    assert_true(stats(&b).image_blocks > 0);
    save(&b);
    assert_int_equal(k.stored, 2);
    const u32 all = image_blocks(k.data);
    assert_true(all > first);
    run(&a, true);
    save(&a); /* it knows all, too, now */
    assert_int_equal(image_blocks(k.data), all);
    close_world(&a);
    close_world(&b);

    /* Who knows less does not take away. */
    struct kept none = {0};
    open_world(&a, &none);
    run(&a, false);
    none = k;
    none.data = malloc(k.size);
    memcpy(none.data, k.data, k.size);
    save(&a);
    assert_int_equal(image_blocks(none.data), all);
    close_world(&a);
    free(none.data);
    free(k.data);
}

/* What is too little to be stored is so at times. */
static void luck_stores_little(void **state)
{
    struct kept k = {0};
    struct world w;
    open_world(&w, &k);
    assert_false(engine_save_wanted(w.e, 1000, 0)); /* nothing */
    run(&w, true);
    assert_false(engine_save_wanted(w.e, 1000, UNLUCKY));
    assert_false(engine_save_wanted(w.e, 1000, UNLUCKY / 4));
    assert_true(engine_save_wanted(w.e, 1000, 0));
    engine_save(w.e, &(struct engine_saver){1000, UNLUCKY, &w, present, store});
    assert_int_equal(k.stored, 0);
    engine_save(w.e, &(struct engine_saver){1000, 0, &w, present, store});
    assert_int_equal(k.stored, 1);
    assert_false(engine_save_wanted(w.e, 1000, 0));
    close_world(&w);
    free(k.data);
}

/* A block whose end lies on a page on which none begins is stored, too; and left where that page is another. */
static void tails_are_stored(void **state)
{
    struct kept k = {0};
    for (int i = 0; i < 3; i++) {
        struct world w;
        open_world(&w, &k);
        u32 *page1 = (u32 *)(w.base + CODE + PAGE);
        page1[0] = i == 2 ? addi(10, 10, 7) : EBREAK;
        page1[1] = EBREAK;
        regs(&w)->x[10] = 0;
        run_from(&w, CODE + PAGE - 8);
        assert_int_equal(regs(&w)->x[10], i == 2 ? 607 : 600);
        assert_int_equal(stats(&w).blocks, i != 1);
        if (!i)
            save(&w);
        close_world(&w);
    }
    free(k.data);
}

/* Pages lie as they were come to, those of the first image first; what leads to another page says to which block. */
static void order_is_that_of_use(void **state)
{
    struct kept k = {0};
    struct world w;
    open_world(&w, &k);
    turn(&w, 50);
    save(&w);
    close_world(&w);
    open_world(&w, &k);
    run(&w, true);
    save(&w);
    close_world(&w);
    const struct image_head *h = k.data;
    const struct image_page *p = image_pages(k.data);
    u32 away = 0, in = 0;
    assert_int_equal(h->npages, 3);
    assert_int_equal(p[0].number, (TURNS - CODE) / PAGE);
    assert_int_equal(p[1].number, (TURN_TO - CODE) / PAGE);
    assert_int_equal(p[2].number, 0);
    for (u32 i = 0; i < h->npages; i++) {
        struct image_view v, to;
        assert_ptr_equal(image_find(k.data, p[i].number), &p[i]);
        assert_true(image_open(k.data, image_text(k.data), &p[i], &v));
        for (u32 j = 0; j < v.piece->nexits; j++) {
            const struct image_exit *x = &v.exits[j];
            const gva_t pc = image_exit_pc(&v, j);
            const u32 from = image_owner(&v, j);
            assert_true(v.blocks[from].exit <= j && j < v.blocks[from + 1].exit);
            const struct image_page *q = image_find(k.data, (u32)((pc - CODE) / PAGE));
            const u32 outer = image_outer_at(&v, j);
            assert_int_equal(outer < v.piece->nouters && v.outers[outer].exit == j, !x->to);
            if (x->to || !q || q == &p[i])
                continue;
            assert_true(image_open(k.data, image_text(k.data), q, &to));
            const u32 at = image_block_at(&to, pc % PAGE, v.keys[v.blocks[from].key]);
            const bool there = at < to.piece->nblocks;
            assert_int_equal(v.outers[outer].page, there ? q - p + 1 : 0);
            assert_int_equal(v.outers[outer].code, there ? to.blocks[at].code_off : 0);
            away += there;
            in = 0;
            while (in < to.nin && (to.in[in].page != i || to.in[in].outer != outer || to.in[in].block != at))
                in++;
            assert_int_equal(in < to.nin, there);
        }
    }
    assert_true(away > 0);
    free(k.data);
}

static void children_do_not_store_it_again(void **state)
{
    struct kept k = {0};
    struct world w;
    open_world(&w, &k);
    run(&w, true);
    assert_true(engine_save_wanted(w.e, 1, UNLUCKY));
    engine_fork_before(w.e, w.v);
    engine_fork_after(w.e, ENGINE_FORK_CHILD, w.v);
    assert_false(engine_save_wanted(w.e, 1, UNLUCKY));
    save(&w);
    assert_int_equal(k.stored, 0);
    close_world(&w);
}

/* Runs with an image that was damaged: the result is right whatever is in it. */
static void try_damaged(void *data, size_t size)
{
    struct world w;
    struct kept k = {.data = data, .size = size};
    open_world(&w, &k);
    run(&w, true);
    close_world(&w);
}

static void damage_is_seen(void **state)
{
    struct kept k;
    make(&k);
    u8 *copy = aligned_alloc(64, (k.size + 63) & ~63ul);
    for (size_t i = 0; i < k.size; i += i < 512 ? 1 : 7) {
        memcpy(copy, k.data, k.size);
        copy[i] ^= (u8)(1u << i % 8);
        try_damaged(copy, k.size);
    }
    for (size_t n = 0; n < k.size; n += n < 256 ? 1 : 61) { /* cut short, with nothing behind it */
        u8 *cut = aligned_alloc(64, (n + 64) & ~63ul);
        memcpy(cut, k.data, n);
        try_damaged(cut, n);
        free(cut);
    }
    free(copy);
    free(k.data);
}

static void sum_anew(u8 *image, size_t size, struct image_page *p)
{
    const struct image_head *h = (void *)image;
    struct image_view v;
    image_view(&v, image + p->off, 0);
    v.code = image_text(image) + p->code;
    if (p->size >= sizeof *v.piece && v.piece->nouters <= v.piece->nexits && h->text <= size &&
        p->code <= size - h->text && image_code_size(v.piece) <= size - h->text - p->code && h->in <= size &&
        !(h->in & 7) && p->in < size / sizeof *v.in && p->nin < size / sizeof *v.in &&
        (p->in + p->nin) * sizeof *v.in <= size - h->in) {
        v.in = image_in(image, p);
        v.nin = p->nin;
        p->sum = image_piece_sum(&v, p->size, h->key, p->number);
    }
}

/* The checksums made right again: then a wrong image may be taken for one, but nothing outside of it is touched. What
 * it has is not run. */
static void nonsense_stays_inside(void **state)
{
    struct kept k;
    make(&k);
    u64 seed = 1;
    u32 opened = 0;
    for (int round = 0; round < 20000; round++) {
        u8 *copy = malloc(k.size);
        memcpy(copy, k.data, k.size);
        struct image_head *h = (void *)copy;
        struct image_page *p = (void *)(h + 1);
        for (u32 n = 1 + round % 3; n; n--) {
            seed = hash_u64(seed + 1);
            u32 at = (u32)(seed % k.size);
            if (seed >> 40 & 1) /* most of what says how large something is lies in front */
                at = (u32)(sizeof *h + seed % 400) % (u32)k.size;
            copy[at] ^= (u8)(1 + (seed >> 32) % 255);
        }
        const u32 npages = h->npages < 8 && k.size >= sizeof *h + h->npages * (sizeof *p + sizeof(u32)) ? h->npages : 0;
        for (u32 i = 0; i < npages; i++)
            if (p[i].off <= k.size && p[i].size <= k.size - p[i].off && !(p[i].off & 7))
                sum_anew(copy, k.size, &p[i]);
        if (npages)
            h->sum = image_head_sum(copy);
        if (image_check(copy, k.size, h->key, h->start, h->len))
            for (u32 i = 0; i < h->npages; i++) {
                struct image_view v;
                opened += image_open(copy, image_text(copy), &p[i], &v) && image_sound(&v);
            }
        free(copy);
    }
    assert_true(opened > 0);
    free(k.data);
}

int main(void)
{
    if (!host_native.move)
        return 77; /* this host stores nothing */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_entered),
        cmocka_unit_test(lives_like_others),
        cmocka_unit_test(inner_links_are_undone),
        cmocka_unit_test(outer_links_are_undone),
        cmocka_unit_test(jump_caches_forget_it),
        cmocka_unit_test(stale_pages_are_left),
        cmocka_unit_test(foreign_images_are_left),
        cmocka_unit_test(parts_come_together),
        cmocka_unit_test(luck_stores_little),
        cmocka_unit_test(tails_are_stored),
        cmocka_unit_test(order_is_that_of_use),
        cmocka_unit_test(children_do_not_store_it_again),
    };
    const struct CMUnitTest damage[] = {
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(nonsense_stays_inside),
    };
    const struct CMUnitTest in_place[] = {cmocka_unit_test(ages)};
    int failed = cmocka_run_group_tests(damage, NULL, NULL);
    for (how = COPIED; how <= TIGHTENED; how++)
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    how = IN_PLACE;
    return failed + cmocka_run_group_tests(in_place, NULL, NULL);
}
