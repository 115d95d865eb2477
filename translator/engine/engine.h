/* The engine: from guest pc to running translation.
 *
 * An engine belongs to one guest address space. It owns a code cache, the table of translated
 * blocks and the links between them, and runs vCPUs. Who embeds it (a personality, a machine) owns guest
 * memory and what traps mean, and says through engine_ops what may be executed.
 *
 * Threads. vcpu_run may be called from many threads, each with its own vCPU. All other functions may
 * be called from any thread that is not inside vcpu_run's translated code, unless they say otherwise. */
#pragma once

#include "translator/guest/guest.h"
#include "translator/vcpu.h"

struct mk_fault;
struct engine;

enum engine_tier { ENGINE_INTERP, ENGINE_BASELINE, ENGINE_OPTIMISED };

/* A piece of guest memory, and the translations of it that were stored: an image, as engine_save made it. */
struct engine_image {
    gva_t start;
    u64 len;
    bool keep;        /* translations of it may be stored; else nothing below counts */
    bool known;       /* it is a file of which `known` below would always say the same */
    const void *data; /* NULL: none. Stays as it is as long as the engine lives; aligned to 8 */
    size_t size;
    u64 id; /* the embedder's own */
};

/* What the embedder provides. `cx` is its own pointer. */
struct engine_ops {
    /* How many bytes from guest address pc on may be executed, up to `want`; 0 when pc itself may not, with *fault
     * filled. The engine then copies them (guarded: the memory may vanish meanwhile). */
    size_t (*executable)(void *cx, gva_t pc, size_t want, struct vcpu_fault *fault);
    /* Translations now exist of (on), or no longer of, the pages [start, start + len): writes there by the guest must
     * fault from now on, or need not any more. Returns false when they cannot be watched: memory that may change behind
     * the guest's back (a shared file mapping that is writable elsewhere); the engine then compares content at
     * IR_TRAP_SYNC. Called with the engine's lock held, so the embedder must not call the engine while it holds the
     * lock that this takes. */
    bool (*watch)(void *cx, gva_t start, size_t len, bool on);
    /* A breakpoint at pc? vcpu_run then returns there with IR_TRAP_STOP before the instruction; vcpu_step goes over it.
     * After a change, engine_flush. NULL: none ever. */
    bool (*stop_at)(void *cx, gva_t pc);
    /* Fills *out: what holds pc, which may be executed, as far as it is of one kind, and its image. `key` stands for
     * all that translations depend on beside the guest's code and its address. Called with the engine's lock held. Used
     * with engine_config.image_key. */
    void (*image)(void *cx, gva_t pc, u64 key, struct engine_image *out);
    /* Which library routine (enum guest_known) begins at pc, so that it may be run as host code in its place; 0: none
     * that is known. Once it was said, the code there does not change without engine_invalidate. Called with the
     * engine's lock held. NULL: none ever. */
    u32 (*known)(void *cx, gva_t pc);
};

struct engine_config {
    const struct guest_isa *guest;
    const struct engine_ops *ops;
    void *cx;
    hva_t mem_base; /* host address of guest address 0 */
    u64 mem_size;   /* guest addresses are below this */
    u64 cpu;        /* what of the guest's CPU was chosen (guest_isa.cpu); 0: all of it as usual */
    /* Not 0: translations are stored and used again. It stands for this build of the program; own, own_size: where that
     * lies, code and data. */
    u64 image_key;
    hva_t own;
    size_t own_size;
    enum engine_tier tier;
    size_t cache_size; /* bytes of the code cache; at least 64 KiB */
    bool count_calls;  /* for engine_calls */
    u32 max_insns;     /* longest block, 0 for the default */
    /* For tests. ENGINE_OPTIMISED: what was found at so many polls becomes a region; 0: what samples find.
     * ENGINE_INTERP: what was entered so often; 0: never */
    u32 hot;
    u64 off, broken; /* passes: ir_unit.off, broken */
    /* Checks each entry into a translation against the interpreter; not with ENGINE_INTERP (cosim.c). What differs
     * first is told by `print`, and then `differs` is called, which may be NULL and need not return. */
    bool cosim;
    void (*differs)(void *cx);
    u32 dump;                                              /* ENGINE_DUMP_* */
    gva_t dump_lo, dump_hi;                                /* only blocks that begin here; both 0: all */
    void (*print)(void *cx, const char *text, size_t len); /* where dumps go */
    /* A translation of guest pc was made, `size` bytes of host code at `code` (perf maps). May be NULL. Called with the
     * engine's lock held. pc ENGINE_MADE_COMMON: the code that all translations share. */
    void (*made)(void *cx, hva_t code, size_t size, gva_t pc);
    /* Carries out a system call of v, which it is asked to in place of a return of vcpu_run with IR_TRAP_SYSCALL: from
     * within translated code, where the backend can. It is not called but jumped to, with where to return to on the
     * stack, and returns by a jump: so the CPU's memory of calls stays the guest's. It has to be between vcpu_outside
     * and vcpu_inside whenever it waits or calls the engine, computes no floating point, and knows nothing of
     * v->fp_flags. True: v goes on at v->pc. False: v->exit says how translated code is left; or what vcpu_inside has
     * said. NULL: none. */
    bool (*call)(struct vcpu *v);
};
#define ENGINE_MADE_COMMON (~0ull)
enum { ENGINE_DUMP_GUEST = 1, ENGINE_DUMP_IR = 2, ENGINE_DUMP_HOST = 4, ENGINE_DUMP_OPT = 8 };

/* Makes an engine. 0, -ENOMEM, -EINVAL; -ENOSYS where this machine's backend does not have the tier, or not what the
 * guest's CPU is to have (engine_granule). */
extern const char *const engine_tier_names[]; /* as users write them */
int engine_create(struct engine **out, const struct engine_config *cfg) MUST_USE;
/* Can this machine give guests what guest_isa.cpu_granule asks for? */
bool engine_granule(void);
void engine_destroy(struct engine *e);

/* Makes a vCPU in reset state, owned by the engine until vcpu_destroy. */
int vcpu_create(struct vcpu **out, struct engine *e, void *owner) MUST_USE;
void vcpu_destroy(struct vcpu *v);

/* Runs v from v->pc until something concerns the embedder: returns VCPU_TRAP (v->trap: SYSCALL, BREAK, ILLEGAL, ALIGN,
 * STOP; never SYNC or MODE), VCPU_FAULT (v->fault; also for fetches, access VCPU_EXEC) or VCPU_POLL (v->poll was set,
 * at times by the engine; the caller clears it). v->pc and all slots are exact on return. */
enum vcpu_exit vcpu_run(struct vcpu *v);

/* As vcpu_run, but stops after one guest instruction with VCPU_TRAP/IR_TRAP_STOP if nothing else happened. */
enum vcpu_exit vcpu_step(struct vcpu *v);

/* Within engine_config.call: v counts as outside of translated code; it is to be inside again. False: it must leave. */
void vcpu_outside(struct vcpu *v);
bool vcpu_inside(struct vcpu *v) MUST_USE;

/* The guest is about to queue a signal, and may count how many there can be: v's thread, which calls it, has no timer
 * of the engine's from now on, but for the optimising tier's samples. */
void vcpu_no_timer(struct vcpu *v);

/* The embedder wrote registers on which translations may depend (rounding mode: a signal frame, a debugger): call it
 * before v runs again, on v's thread or while v is at rest. */
void vcpu_changed(struct vcpu *v);

/* Makes v leave translated code soon. Async-signal-safe; any thread. */
static inline void vcpu_kick(struct vcpu *v)
{
    /* Orders nothing: what it tells of is an atomic of its own, or a signal comes along. ThreadSanitizer takes a lock
     * for anything stronger, which the interrupted code may hold. */
    __atomic_store_n(&v->poll, VCPU_POLLED, __ATOMIC_RELAXED);
}

/* Guest memory [start, start + len) was unmapped, replaced, or may be written without the engine seeing it: drops its
 * translations. */
void engine_invalidate(struct engine *e, gva_t start, u64 len);

/* The guest says that instructions which it wrote are to be seen (a system call for it, say; the ISA's instruction does
 * this by itself). */
void engine_sync(struct engine *e);

/* Ends the engine's own thread, where there is one, which begins again when it is needed. True if there was one: the
 * host's kernel may know of it for some microseconds more. */
bool engine_quiet(struct engine *e);

/* From now on other threads, or other processes, see the guest's memory. Until it is called, atomics and fences are
 * made for one thread alone, which is cheaper. Call it before a second thread starts to run and before memory is
 * shared; further calls cost nothing. */
void engine_shared(struct engine *e);
bool engine_is_shared(const struct engine *e);

/* Drops everything translated (modes, breakpoints changed). */
void engine_flush(struct engine *e);

/* Stores what was translated since the engine was made, forked or saved last: where that is at least `least` blocks of
 * a piece of memory, and not little beside what it has stored already, makes a new image of it. Less is stored by
 * chance where the image is small, or each run would make it anew: where `luck`, which may be any number, is small.
 * `present` gives the image that there is of it now, which others may have stored meanwhile (*data NULL: none; valid
 * until store returns); `store` gets the new one, which has the best of both. Both are called with the engine's lock
 * held. */
struct engine_saver {
    u32 least, luck;
    void *cx;
    void (*present)(void *cx, const struct engine_image *area, const void **data, size_t *size);
    void (*store)(void *cx, const struct engine_image *area, const void *data, size_t size);
};
void engine_save(struct engine *e, const struct engine_saver *s);
/* What was stored and is run where the image has it gets its links as jumps: worth while in a process that lives for
 * long. Done by itself, too, when a thread has run for some time (sample.c). */
void engine_tighten(struct engine *e);
/* Is there anything that engine_save would store? */
bool engine_save_wanted(struct engine *e, u32 least, u32 luck);

/* A host memory fault on the thread that runs v. Called from the kernel interface's fault upcall, hence
 * async-signal-safe. Returns true when the fault was the guest's (or the engine's own and mended): regs then resume at
 * the right place. */
bool engine_fault(struct vcpu *v, struct mk_fault *f);

/* A write fault at guest address addr: was it a watched page? Then ends the watch, drops its translations where the ISA
 * fetches coherently, and returns true: try again. The embedder calls this first on VCPU_FAULT with VCPU_WRITE, and for
 * buffers that the host kernel is about to write. */
bool engine_unwatch(struct engine *e, gva_t addr, u64 len);

/* Around fork, which v's thread makes. before: waits for other threads to be out of the engine's locks; after: in the
 * parent, and in the child, where only v lives on. */
enum engine_fork { ENGINE_FORK_PARENT, ENGINE_FORK_FAILED, ENGINE_FORK_CHILD };
void engine_fork_before(struct engine *e, struct vcpu *v);
void engine_fork_after(struct engine *e, enum engine_fork what, struct vcpu *v);

/* This process, which has no thread but the caller's, is about to end or to execute another program: what it shares
 * with its parent or with its children is theirs. The engine's lock is taken and kept; _stay gives it back where it
 * comes otherwise. False: the lock is taken, by the caller itself, and nothing was done. Calling neither is no error,
 * but the others may have to copy then. */
bool engine_leave(struct engine *e);
void engine_stay(struct engine *e);

struct engine_stats {
    u64 blocks, guest_insns, guest_bytes, host_bytes; /* translated, in all */
    u64 flushes, invalidated, links, lookups, entries;
    u64 translate_ns;
    u64 regions, region_insns, region_ns;       /* in use; compiled, those that lost with them; on processors */
    u64 samples, samples_away, samples_regions; /* of where threads are: all; outside of translations; in regions */
    u64 heads;                                  /* hot loops that they were of */
    /* Places of which a region was formed, or tried to: by the engine's thread; while the guest's waited; whose code
     * had changed by then. */
    u64 background, foreground, regions_void;
    u64 trials, trials_lost; /* of regions: how many began; how many found the blocks faster */
    u64 images, image_pages, image_blocks, image_bytes; /* used of what was stored; host bytes */
    u64 image_ns;                                       /* entering it; counted with engine_config.count_calls alone */
    u64 image_placed;                                   /* of these pages, where the code runs where the image has it */
    u64 image_misses, image_saved; /* pages of images that could not be used; blocks that engine_save stored */
    /* The engine's own memory as of now, in bytes: host code, blocks and what is known of them, tables, vCPUs, space to
     * work in. What was written, or could be: not all of it need be resident. */
    u64 memory_code, memory_blocks, memory_tables, memory_vcpus, memory_work;
    u64 cosim_checked, cosim_unchecked; /* entries that were compared; that could not be */
    u64 known, own; /* library routines that are run as host code; how often one, or an access that stands for several,
                       was left to the guest's own */
};
void engine_stats(struct engine *e, struct engine_stats *out);

/* With count_calls: calls `each` for what was done in C so far, in no order: an op of the IR, or a helper by name. */
void engine_calls(struct engine *e, void (*each)(void *cx, const char *name, bool helper, u64 n), void *cx);

/* For crash reports: writes to the console (mk_console) where v was: the block that f->pc lies in, in guest and host
 * code, the vCPU's state, the blocks entered last. f may be NULL. Changes v: it is not run any more. Async-signal-safe,
 * takes no lock; v's memory is not trusted to be sound. */
void engine_report(struct vcpu *v, const struct mk_fault *f);

/* The block that host pc lies in, for crash reports and perf: fills guest pc. False if none. Async-signal-safe. */
bool engine_locate(struct engine *e, hva_t host_pc, gva_t *guest_pc);
