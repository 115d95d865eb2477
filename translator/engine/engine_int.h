/* The engine's own structures; only files of translator/engine include this.
 *
 * Life of a block. A *block* is the translation of one unit. It is made under the engine's lock, entered into the table
 * (by pc and code key) and into the list of each guest page that it covers, and dies in one of two ways: killed (its
 * guest code changed: it leaves the table and nothing jumps to it any more, but its host code stays, as a thread may be
 * inside) or flushed with the whole cache.
 *
 * Links. Each direct exit of a block is an exit record, numbered in order of emission. A record that is linked is in
 * the `in` list of the block it leads to, so that killing that block can point it back at its stub. Records of dead
 * blocks stay, since their code may still run.
 *
 * Flush. Memory of the cache is reused only when no vCPU is in translated code. The flusher holds the lock, sets
 * `flushing`, kicks everyone and waits until each vCPU's `running` is 0; a vCPU that wants to enter sets `running`
 * first and looks at `flushing` after (both sequentially consistent), so one of the two always sees the other. Every
 * flush begins a new epoch; a vCPU that enters for the first time in an epoch drops its jump cache and its
 * return-address stack, which point into the old one.
 *
 * Writes to code. A page with translations is watched: the first write faults. Where the guest's ISA fetches
 * coherently, that kills them. Where stale instructions may run until the guest says so (guest_isa.coherent_fetch is
 * false), they stay, with a copy of their source, and the page is *unseen*: written freely until the next sync
 * (IR_TRAP_SYNC, engine_sync), which watches it again and kills the blocks that differ. So code that patches itself
 * costs one fault between two syncs, and a page where code and data lie side by side loses no translations. Pages that
 * cannot be watched stay unseen for good.
 * Some programs never say so, and get away with it on processors and under other emulators (PyPy's compiler for riscv64
 * is one). So blocks stay only where the guest has shown that it syncs: each sync is good for ENGINE_TRUST written
 * pages; without trust a write kills, as if fetches were coherent, but no page more than ENGINE_EMPTIED times, since it
 * may have data beside its code.
 *
 * Stored translations. All blocks of a page that an image has come in at once, as a *piece*, but most of them as code
 * alone: a `struct block` and exit records are made when something asks for them (store.c). So a block of a piece is
 * one of three, lying in the cache or in place, behind it: code that only its neighbours in the piece jump to; a block
 * in the table; or, once the piece was broken up because something on its page had to be killed, code that nothing
 * leads to any more.
 *
 * Forks. Parent and child run the same code memory until one of them is to write to it, which then gets a copy
 * (cache_write, fork.c). So whoever writes asks first, with the lock held.
 *
 * Locks. One, `lock`, guards all of this. It is never held while guest code runs, nor taken in a fault upcall. */
#pragma once

#include "lib/arena.h"
#include "mk/mk.h"
#include "translator/engine/engine.h"
#include "translator/engine/marks.h"
#include "translator/host/host.h"

#define ENGINE_MAX_INSNS      64 /* default longest block, guest instructions */
#define ENGINE_TRUST          16
#define ENGINE_EMPTIED        1000
#define ENGINE_MAX_ROUNDS     8  /* of a loop that is one block */
#define ENGINE_MAX_EXITS      4  /* side exits in a block */
#define ENGINE_HASH_BITS      10 /* at first; a table that is full is replaced by one four times as large, up to */
#define ENGINE_HASH_MOST      20
#define ENGINE_PAGE_HASH_BITS 12
#define ENGINE_JUDGED_BITS    15
/* In a block's key: it is the guest's own code where a library routine is known, and each access by itself. */
#define ENGINE_OWN (1ull << 63)
/* In a code key, beside what the guest has there: its arithmetic looks at its results for NaNs, where otherwise a trap
 * tells of those that are to be seen to (vcpu.nans_trap). A thread with many of them does better so; and a trap costs
 * microseconds. */
#define ENGINE_LOOKS    (1ull << 62)
#define ENGINE_TRAPS    64 /* many */
#define ENGINE_RAS_SIZE (64u << 10)
#define ENGINE_IDLE     4 /* vCPUs that are kept */

struct block;
struct piece; /* store.c */
struct cosim;
struct wishes; /* fork.c */

struct exit_rec {
    struct block *to;         /* the block linked to, or NULL */
    struct exit_rec *next_in; /* in to->in */
    u32 site_off, stub_off;   /* from the start of the code cache */
    gva_t pc;
};

/* Guest code that a block was made from: one piece, or several for a region. */
struct extent {
    gva_t pc;
    u32 len;
};

/* That a block has code on a page. */
struct page_ref {
    struct block *block;
    struct page_ref *next;
};

/* A guest page that has translations. */
struct code_page {
    struct code_page *next; /* in hash chain */
    u64 number;             /* guest address / page size */
    struct page_ref *blocks;
    struct piece *piece; /* what was stored of it and is not broken up, or NULL. Then it is watched */
    bool watched;        /* a write will be seen; otherwise content is compared at a sync */
    bool listed;         /* in engine.unseen */
    u16 emptied;         /* how often its blocks were killed for want of trust */
    bool tried;          /* store.c: its stored blocks are there, or cannot be used */
    bool judged;         /* store.c: a trial of what begins on it was made */
    bool hashed;         /* store.c: all blocks on it that were made here were made from a page of that hash */
    u32 fresh;           /* store.c: how many that could be stored begin on it, */
    u32 fresh_of;        /* if it is of the present engine.generation */
    u32 order;           /* store.c: so many pages were tried before */
    u64 hash;
    struct code_page *next_unseen;
};

/* Chains of blocks. One that was replaced is kept until the next flush. */
struct block_table {
    struct block_table *old;
    u32 bits;
    struct block *slot[];
};

/* Few bytes count: a process that lives for a millisecond has a thousand of them. */
struct block {
    gva_t pc; /* what a look-up reads comes first */
    u64 key;
    struct block *hash_next;
    struct extent *extent; /* in no order; [0] begins at pc unless it is a region */
    u32 nextents;
    u32 heat;               /* interpreter tier: how often it was entered */
    u32 code_off, code_len; /* in the cache; for the interpreter tier, code_len is 0 */
    u32 exit_id, nexits;
    u32 marks_size; /* bytes, marks.h */
    u32 nrelocs;
    const u8 *marks;
    const u32 *relocs; /* of what can be stored: what of its code depends on the place, in order, */
    u32 nstate;
    u32 reloc_base; /* at offsets from where its code begins, less this */
    bool dead;
    bool movable; /* it can be stored */
    bool counted; /* of a trial (trial.c) */
    bool region;
    bool known; /* host code in place of what the guest has there */
    bool piece; /* none, but the head of a piece (store.c): its code and exits are all of the piece's */
    union {
        const u64 *state;     /* what marks' states describe */
        struct ir_unit *unit; /* interpreter tier */
    };
    const u8 *source; /* copy of the guest bytes, extent after extent, once on a page that is not watched, else NULL */
    struct exit_rec *in;
    struct page_ref ref; /* for the first page that it touches; the others' lie elsewhere */
    struct extent own;   /* where `extent` points when there is but one */
};

/* Guest memory of which translations may be stored, or may not (store.c). */
struct area {
    struct engine_image image;
    u32 total, fresh;    /* blocks: in its image; that could be stored since */
    u32 judged;          /* what trials found since, of which its image does not know */
    struct place *place; /* where its image's code is run in place, or NULL */
};
#define ENGINE_AREAS 64

/* Code of an image that is run where the image has it: at `at` of the cache, behind what is emptied. store.c. */
struct place {
    const void *data; /* the image */
    u32 at, len;
    u32 exit;              /* number of the first exit */
    struct piece **pieces; /* by entries of its table; NULL: none were entered */
    bool edited, closed;   /* some of it is not as in the image any more; nothing is entered there */
};
#define ENGINE_NPLACES 32
#define ENGINE_PLACES  (256u << 20) /* bytes of the room for them; then comes half as much for their slots */

/* A loop, by its head, that samples were of. sample.c. */
#define ENGINE_HEAT 128
struct heat {
    gva_t pc;
    u64 key;
    u32 n;
};

/* Hot places, for the engine's own thread. background.c. */
#define BACKGROUND_QUEUE 16
struct background_job {
    struct vcpu *v; /* who was found there; may be gone */
    gva_t pc;
    u64 mode;
};
struct background {
    struct background_job queue[BACKGROUND_QUEUE], now;
    u32 n;
    u32 word;     /* mk_signal */
    bool runs;    /* there is a thread */
    bool refused; /* none can be had */
    bool quit;    /* it shall end */
    bool forms;   /* it works in engine.opt, without the lock */
};

/* A region and the block in whose place it would be, in turn in the table. trial.c. */
#define TRIAL_ROUNDS 24 /* windows of each way */
struct trial {
    gva_t pc;             /* the head */
    struct block *way[2]; /* the block, the region; both NULL: no trial is under way */
    struct ir_unit unit;  /* the region's, in engine.opt; */
    void *plan;           /* likewise, how it is emitted (host_code.plan) */
    struct vcpu *v;       /* who begins it and takes the time; may be gone */
    u32 on;               /* which of them is in the table */
    bool warm;            /* it has run long enough to be measured */
    u32 window, round;
    u32 faster;      /* in so many rounds the region was */
    u64 began, last; /* the window, on the clock of its thread; when something was heard of it, as mk_clock tells */
    u64 ns[2][TRIAL_ROUNDS], spent; /* what windows have taken; and all of them */
};

struct engine {
    struct engine_config cfg;
    const struct guest_isa *guest;
    const struct host_isa *host; /* NULL in the interpreter tier */
    struct mk_lock lock;

    struct mk_code code;
    u8 *common; /* rx address of the common code; the cache starts here */
    size_t common_size;
    size_t used; /* bytes of the cache in use */
    size_t ready_code;
    u32 ready_exits; /* what has memory already: cache_ready */
    u64 epoch;       /* read without the lock by entering vCPUs (atomics) */
    u32 flushing;
    bool shared; /* others see guest memory: atomics must be atomic */

    struct block **index;    /* blocks and heads of pieces, in order of address: for faults, read without the lock */
    u32 nblocks, max_blocks; /* nblocks is published last (release) */
    struct exit_rec **exits; /* by number; NULL: of a piece, whose exits get a record when something asks for it */
    u32 nexits, max_exits;
    struct block_table *table; /* by pc and key. Readers without the lock may still have one that was replaced */
    u32 in_table;
    struct code_page *unseen; /* pages to compare at a sync */
    u32 trust; /* so many more pages that are written keep their blocks; atomic, as a sync takes no lock */
    size_t page_size;
    struct arena meta; /* blocks, marks, pages: lives for an epoch */
    struct arena tmp;  /* one translation */
    struct arena opt;  /* one region */
    struct trial trial;
    u64 born; /* mk_clock */
    struct background background;
    u64 changes; /* counts changes of guest code that there are translations of, or that is watched */

    u32 nareas, area_last; /* of areas */
    u32 nplaces;           /* of places, published last; they stay */
    bool slots;            /* there is memory for theirs */
    bool tight;            /* what was in place is tight (store.c); nothing comes there any more */
    u32 generation;        /* what was made in an earlier one is not ours to store: code_page.fresh */
    u64 image_key;         /* 0: no images */

    struct vcpu *vcpus;
    struct vcpu *idle; /* of threads that have ended, for the next ones; their jump caches are kept right */
    u32 nvcpus, nidle;
    struct engine_stats stats;
    bool code_shared;      /* the code memory may be another process's, too: cache_write */
    struct wishes *wishes; /* fork.c: of this process and those that it forked or was forked by; or NULL */
    u32 wishes_seen;       /* how many of them are looked after */
    u32 wishes_left;       /* how many more this process tells; also without the lock, by the only thread of a child */
    struct cosim *cosim;   /* or NULL */

    /* Large. What stands above lies on one page or two, as each page that is written after a fork is copied. */
    u32 ntried;
    struct area areas[ENGINE_AREAS];
    struct place places[ENGINE_NPLACES];
    struct code_page *pages[1 << ENGINE_PAGE_HASH_BITS];
    struct heat heat[ENGINE_HEAT];
    /* By a hash of what a block begins with: it is not made a region again; it is made one without a trial. */
    u64 lost[1 << (ENGINE_JUDGED_BITS - 6)], won[1 << (ENGINE_JUDGED_BITS - 6)];
    u64 calls[VCPU_CALLS]; /* of vCPUs that are gone */
};

/* block.c; all with the lock held, but for block_find and block_at. */
int block_table_create(struct engine *e) MUST_USE;
/* Empties the table; nobody may be looking. */
void block_table_clear(struct engine *e);
void block_table_free(struct engine *e);
/* May also be called without the lock by a vCPU whose `running` is set and which then saw no flush under way: blocks
 * stay until it is cleared. */
struct block *block_find(struct engine *e, gva_t pc, u64 key);
/* The same with the lock held: one that is there as code alone is made a block. */
struct block *block_get(struct engine *e, gva_t pc, u64 key);
/* Exit number `id`; with the lock held. NULL: no memory. */
struct exit_rec *block_exit(struct engine *e, u32 id);
/* NULL also where it has no record yet. */
struct exit_rec *block_exit_made(struct engine *e, u32 id);
/* The block or head of a piece that has exit number `id`. */
struct block *block_of_exit(struct engine *e, u32 id);
/* Enters a filled-in block, whose extents' pages were watched (block_watch), into table and pages. -ENOSPC, and then it
 * is not entered. */
int block_insert(struct engine *e, struct block *b) MUST_USE;
/* The same but for the table. */
int block_insert_pages(struct engine *e, struct block *b) MUST_USE;
void block_kill(struct engine *e, struct block *b);
/* Kills the blocks, but no regions, that have the instruction at pc, to be made anew. */
void block_kill_with(struct engine *e, gva_t pc);
/* b, which is in the table, gives its place there to `to`, which begins alike; whoever leads to b leads there. */
void block_swap(struct engine *e, struct block *b, struct block *to);
void block_link(struct engine *e, struct exit_rec *x, struct block *to);
/* No jump cache has pc any more. */
void block_forget(struct engine *e, gva_t pc);
/* Kills what lies in [start, start + len). */
void block_kill_range(struct engine *e, gva_t start, u64 len);
struct code_page *block_page(struct engine *e, u64 number);
/* A copy of what b was made from, as guest memory has it now. NULL when there is no memory, or none to read. */
const u8 *block_source(struct engine *e, const struct block *b);
/* Makes sure that writes to the pages of [pc, pc+len) will be seen. False when some page can't be watched. */
bool block_watch(struct engine *e, gva_t pc, u64 len, int *err);
/* The block whose code holds cache offset off: what is known of it is put in *out. No lock. */
bool block_at(const struct engine *e, u32 off, struct block *out) MUST_USE;
/* Entry code of a block as the jump cache holds it. */
static inline const void *block_entry(const struct engine *e, const struct block *b)
{
    return e->host ? (const void *)(e->code.rx + b->code_off) : (const void *)b;
}

/* translate.c; with the lock held. The block for (pc, v->mode), made if need be; `own`: the guest's own code even where
 * a library routine is known, and nothing merged. NULL with *err: -ENOMEM, or -EFAULT with *fault filled. */
struct block *translate(struct engine *e, struct vcpu *v, gva_t pc, bool own, struct vcpu_fault *fault, int *err);
/* Makes a unit of the code that `rq` has, in `arena`. */
int translate_unit(struct engine *e, const struct guest_request *rq, struct arena *arena, struct ir_unit *u) MUST_USE;
/* Is `u` the one of a first instruction that does not fit into what may be executed? Then the fault is that of its
 * first missing byte. */
bool translate_cut_short(const struct ir_unit *u);
void translate_cut_fault(struct engine *e, gva_t missing, struct vcpu_fault *fault);
size_t translate_fetch(struct engine *e, gva_t pc, u8 *buf, size_t want, struct vcpu_fault *fault);

/* Emits `u` into the cache and fills the block's host side, and all of *hc but `plan` and `plan_arena`. -ENOSPC when
 * the cache or a table is full, -ENOMEM. */
int translate_emit(struct engine *e, const struct ir_unit *u, struct block *b, struct host_code *hc) MUST_USE;
/* Copies `u` into the epoch's arena, for the interpreter. NULL: no memory. */
struct ir_unit *translate_keep(struct engine *e, const struct ir_unit *u);
/* Watches, fetches and translates into `arena`, as `rq` asks; rq's code and len are set here. -EFAULT with *fault
 * filled, -ENOMEM, -ENOSPC. *watched: whether writes to all of it will be seen. */
int translate_piece(struct engine *e, struct guest_request *rq, struct arena *arena, struct ir_unit *u,
                    struct vcpu_fault *fault, bool *watched) MUST_USE;

/* Has a region lost, or won, its trial there? As block_judge has said, of it or of something with the same hash. */
bool block_has_lost(const struct engine *e, gva_t pc, u64 key);
bool block_has_won(const struct engine *e, gva_t pc, u64 key);
void block_judge(struct engine *e, gva_t pc, u64 key, bool won);

/* store.c; with the lock held. */
/* Reckons the key anew: what it depends on has changed. All areas are forgotten. */
void store_begin(struct engine *e);
/* Are there stored blocks of the page of pc that were not entered yet? Then enters them. */
bool store_load(struct engine *e, gva_t pc);
/* The block at pc, made from a piece; NULL when none has it, or there is no memory. */
struct block *store_get(struct engine *e, gva_t pc, u64 key);
/* Code of the block of a piece at pc, which need not become one for that; NULL where there is none that may be entered
 * so. Exit number `exit`, unless it is ~0, leads there from now on. */
const void *store_code(struct engine *e, gva_t pc, u64 key, u32 exit);
/* Makes the record of the exit with that number, which is one of the piece with that head. NULL: no memory. */
struct exit_rec *store_exit(struct engine *e, struct block *head, u32 id) MUST_USE;
/* What the piece with that head has at offset off of the cache. No lock. */
bool store_at(const struct block *head, u32 off, struct block *out) MUST_USE;
/* Which block of the piece with that head has exit number `id`: its pc and key, and the exit's number in it. */
struct exit_name {
    gva_t pc;
    u64 key;
    u32 exit;
};
/* The same for exits whose number is engine.max_exits or more: of code that runs in place. */
struct block *store_of_exit(struct engine *e, u32 id);
/* Where it leads; its page need not be entered any more. No lock. */
gva_t store_exit_pc(const struct engine *e, u32 id);
/* make: also where there is none yet. */
struct exit_rec **store_exit_slot(struct engine *e, u32 id, bool make);
/* The piece in place whose code `off` is, or NULL; also without the lock. */
const struct block *store_head_at(const struct engine *e, u32 off);
/* cache_link, of code in place. */
void store_link(struct engine *e, const struct exit_rec *x, u32 off);
/* What runs in place runs faster from now on: exits that are linked are jumps. */
void store_tighten(struct engine *e);
/* The cache was emptied. */
void store_flushed(struct engine *e);
struct exit_name store_exit_name(const struct block *head, u32 id);
/* Breaks the piece of a page up: its code is left at the next exit. keep: what is no block yet becomes one, as far as
 * there is memory; else it is gone. */
void store_break(struct engine *e, struct code_page *p, bool keep);
/* b, which can be stored, was made just now, of these bytes. It is movable no longer where what it has on the next page
 * cannot be told. */
void store_note(struct engine *e, struct block *b, const u8 *code);
/* It was found out whether a region pays that begins at pc (block_judge). */
void store_judged(struct engine *e, gva_t pc);
/* What was mapped in [start, start + len) is gone. */
void store_forget(struct engine *e, gva_t start, u64 len);
/* What there is now is somebody else's to store (fork), or is gone (flush). */
void store_disown(struct engine *e);

/* region.c; with the lock held. Is a region worth thinking of where b begins? */
bool region_wanted(const struct engine *e, const struct block *b);
/* Makes a region that begins where `b` does and puts it in b's place, at once; b where that does not pay. */
struct block *region_make(struct engine *e, struct block *b);
/* Step one: makes the region of the code at pc, in e->opt, where nothing else may be going on. own: the lock is not
 * held, and taken when it is needed. *ns: how long it took. */
int region_form(struct engine *e, gva_t pc, u64 mode, bool own, struct ir_unit *u, u64 *ns) MUST_USE;
/* Step two: a region was formed in e->opt, or (NULL) there is none: enters it, or lets its trial begin when v comes. */
void region_formed(struct engine *e, struct vcpu *v, gva_t pc, u64 mode, const struct ir_unit *u);
/* Makes a block of it, which is not entered yet. plan: host_code.plan. */
int region_build(struct engine *e, const struct ir_unit *u, bool counted, void **plan, struct block **out) MUST_USE;
/* The code where b begins is hot, as v has found, which is of that mode: has a region made, now or soon, or later, by
 * who asks again. */
void region_ask(struct engine *e, struct vcpu *v, struct block *b);

/* sample.c. Has v's thread, which calls it, found out from time to time where it is, if that is worth while. */
void sample_start(struct vcpu *v);
/* No more. By the same thread, or when v is at rest for good. */
void sample_stop(struct vcpu *v);
/* Makes v leave at its next poll for sample_take, unless it is to leave anyway. Async-signal-safe; any thread. */
static inline void vcpu_sample_soon(struct vcpu *v)
{
    u32 none = 0;
    __atomic_compare_exchange_n(&v->poll, &none, VCPU_SAMPLED, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
static inline void sample_sum(const struct vcpu *v, struct engine_stats *to)
{
    to->samples += v->sample.ticks;
    to->samples_away += v->sample.away;
    to->samples_regions += v->sample.regions;
}
/* v has left translated code, and there is code in place that is not tight: has it made so when v's thread, which calls
 * it, has run for long. Takes the lock. */
void sample_age(struct vcpu *v);
/* v, outside of translated code, has VCPU_SAMPLED in its poll. Takes the locks. */
void sample_take(struct vcpu *v);
/* v is about to go on at v->pc, with engine_config.hot. Takes the locks. True: it has to make a step first, as it came
 * to poll where it polled before. */
bool sample_look(struct vcpu *v);

/* trial.c; with the lock held. None is under way or about to begin; one that comes to no end is ended. */
bool trial_is_over(struct engine *e);
/* There may be a trial of u, which is in e->opt: v begins it. False: it is lost. */
bool trial_prepare(struct engine *e, struct vcpu *v, const struct ir_unit *u) MUST_USE;
/* Is there one for v to begin? Then it begins. */
bool trial_begin(struct engine *e, struct vcpu *v);
/* Has unit u an instruction that is counted now? */
bool trial_counts(const struct engine *e, const struct ir_unit *u);
/* Takes the lock. v->tally ran out. */
void trial_tick(struct engine *e, struct vcpu *v);

/* background.c; with the lock held. Is that place in the queue, or being worked at? */
bool background_has(const struct engine *e, gva_t pc, u64 mode);
/* Has a region made of the code at pc. False: it has to be made in the foreground. */
bool background_ask(struct engine *e, struct vcpu *v, gva_t pc);
/* There may be something to do. */
void background_wake(struct engine *e);
/* Ends the thread, if there is one; the lock is let go meanwhile. */
void background_stop(struct engine *e);
/* This is a fork's child. */
void background_forked(struct engine *e);

/* cache.c; with the lock held. Empties the cache; waits for all vCPUs but `self` to be out of translated code. */
void cache_flush(struct engine *e);
/* The cache will be written up to `end`, the exits up to number `nexits`: gives them memory, ahead and in pieces. */
void cache_ready(struct engine *e, size_t end, u32 nexits);
int cache_start(struct engine *e) MUST_USE;
/* Before each write to code memory: makes it this process's alone (mk_code_own). */
void cache_own(struct engine *e);
static inline void cache_write(struct engine *e)
{
    if (UNLIKELY(e->code_shared))
        cache_own(e);
}
/* Makes exit x lead to `off` of the cache; which is not seen before cache_linked. */
void cache_link(struct engine *e, const struct exit_rec *x, u32 off);
void cache_linked(struct engine *e, const struct exit_rec *x);
/* Is there code at that host address, from the begin of the cache? Images that run in place lie behind it. */
static inline bool cache_has(const struct engine *e, u64 off)
{
    return off < e->code.size + ENGINE_PLACES;
}

/* fork.c; while wishes_left is not 0. v has come to b by exit `exit`, which is not linked, or (~0) by none, and its
 * jump cache did not have it: tells those that it was forked by, and those that they fork. With the lock held, or while
 * v counts as running. */
void fork_wish(struct engine *e, const struct vcpu *v, u32 exit, const struct block *b);

/* run.c. Enters into the jump cache that `code`, of v's mode and epoch, is what is at pc. With the lock held. */
void run_remember(struct vcpu *v, gva_t pc, const void *code);
/* Do translations lead to each other without us? */
bool run_links(const struct engine *e);
/* Runs translation `code`; false: a flush came between. */
bool run_enter(struct engine *e, struct vcpu *v, const void *code);

/* cosim.c. All do nothing without cosimulation. */
int cosim_start(struct engine *e) MUST_USE;
void cosim_stop(struct engine *e);
/* Keeps what is needed to check b, which was made from unit u and guest code `code` (NULL: what memory has now). With
 * both locks held. -ENOSPC. */
int cosim_note(struct engine *e, const struct block *b, const struct ir_unit *u, const u8 *code) MUST_USE;
/* All notes are void. */
void cosim_forget(struct engine *e);
/* Only one thread makes and runs translations; taken before the engine's lock. */
void cosim_lock(struct engine *e);
void cosim_unlock(struct engine *e);
void cosim_lock_reset(struct engine *e);
/* As run_enter, and checks; with the lock held. */
bool cosim_enter(struct engine *e, struct vcpu *v, const void *code);

/* fault.c: brings slots to memory and makes f's registers leave translated code. */
void fault_unwind(struct vcpu *v, const struct mk_fault *f);

/* vcpu.c: forgets what points into older code. */
void vcpu_forget(struct vcpu *v);
/* Its jump cache is made larger, by its own thread, outside translated code. */
void vcpu_jc_grow(struct vcpu *v);
/* Are units of this code key run by vCPUs with nans_trap? */
bool vcpu_nans_trap(const struct engine *e, u64 key);
void vcpu_free_idle(struct engine *e);
void vcpu_free(struct vcpu *v);

/* dump.c */
void dump_region(struct engine *e, const struct ir_unit *u, const struct host_code *hc);
void dump_block(struct engine *e, const struct ir_unit *u, const u8 *code, const struct host_code *hc);
