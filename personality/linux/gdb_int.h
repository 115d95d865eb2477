/* The gdb stub's own structures, shared by gdb.c (guest threads: parking, stepping, break- and watchpoints), gdb_stub.c
 * (the protocol) and gdb_file.c (files for gdb). What holds between the two sides is told in gdb.c. */
#pragma once

#include <pthread.h>

#include "personality/linux/gdb.h"

#define GDB_MAX_BREAKS  1024
#define GDB_MAX_WATCHES 16
#define GDB_MAX_WATCHED 1024 /* bytes of one watchpoint */
#define GDB_MAX_PACKET  16384

enum gdb_where {
    GDB_OUTSIDE, /* in the personality: a system call, a fault, a signal's delivery */
    GDB_RUNNING, /* in vcpu_run or vcpu_step */
    GDB_PARKED,
};

/* What the stub knows of a guest thread. */
struct gdb_record {
    struct gdb_record *next;
    struct lx_thread *t;
    enum gdb_where where;
    bool held;       /* gdb let others go on without it */
    bool step;       /* gdb wants one instruction … */
    gva_t lo, hi;    /* … or as many as begin in [lo, hi) */
    bool report;     /* its step is done: to be told before it runs further */
    bool check;      /* a system call was stepped: look at watchpoints before running further */
    gva_t watch_hit; /* a watchpoint that it has hit and that was not told yet */
    bool kicked;     /* driven out of a system call for gdb's sake */
    bool in_signal;  /* waits in lx_gdb_signal for gdb's answer */
    int signal;      /* the answer; or, elsewhere, a signal that gdb wants delivered */
    int injected;    /* a signal of gdb's own that is under way: not to be told */
    siginfo_t info;  /* of the stop told last */
    /* A finished system call whose result waits until gdb has brought the thread back to where it was. */
    struct {
        bool waits;
        gva_t pc, sp;
        u64 arg0;
        s64 result;
    } call;
};

struct gdb_watch {
    gva_t addr;
    u32 len;
    u8 *old;
};

enum gdb_stop {
    GDB_STOP_SIGNAL,
    GDB_STOP_WATCH,
    GDB_STOP_EXEC,
    GDB_STOP_NONE_LEFT, /* no thread is left that gdb let go on */
};

struct gdb {
    pthread_mutex_t lock;
    pthread_cond_t go;   /* guest threads wait here */
    pthread_cond_t rest; /* the stub waits here for threads to park */
    struct lx_process *proc;
    bool on, used; /* written under the lock, read without */
    bool stopped;
    struct gdb_record *records; /* oldest thread first */
    /* what stopped it */
    enum gdb_stop stop;
    int stop_signal; /* guest's number */
    int stop_tid;    /* the thread that gdb was told of last, or is to be */
    gva_t watch_hit;
    bool exited;
    int exit_code, exit_signal;
    /* what gdb has asked for */
    u64 pass; /* signals that it does not want to hear of, LX_SIGBIT */
    gva_t breaks[GDB_MAX_BREAKS];
    u32 nbreaks; /* sorted */
    struct gdb_watch watches[GDB_MAX_WATCHES];
    u32 nwatches;
    /* the stub's thread only */
    int sock, wake; /* wake: an eventfd, written when a guest thread stops */
    bool ack, none_left;
    int reg_tid; /* Hg */
};
extern struct gdb gdb;

/* Makes t known, lock held or before there are others. */
void gdb_add_thread(struct lx_thread *t);
struct gdb_record *gdb_record_by_tid(int tid);
/* Waits until no thread runs guest code or changes registers; lock held. */
void gdb_wait_rest(void);
/* Makes a thread that sits in a system call leave it and park, so that its registers may be written. False: it does
 * not. Lock held, guest stopped. */
bool gdb_make_park(struct gdb_record *r);
/* Stops all threads; lock held. */
void gdb_stop_all(void);
/* Lets the guest run as vCont's actions say ("c;…", NULL: all); lock held. */
void gdb_resume(const char *actions);
/* gdb goes, the guest goes on; lock held. */
void gdb_detach(void);

/* 0 or -errno; lock held, guest stopped. */
int gdb_break(gva_t pc, bool set) MUST_USE;
int gdb_watch(gva_t addr, u32 len, bool set) MUST_USE;

/* gdb's numbers of signals. */
int gdb_signal_out(int sig);
int gdb_signal_in(int number);

/* gdb_file.c: a vFile packet (without "vFile:"); the reply goes to out, its length is returned. */
size_t gdb_file(struct lx_process *p, const char *args, char *out, size_t cap);
void gdb_file_close_all(void);

/* Text in hexadecimal. */
size_t gdb_to_hex(char *out, const void *in, size_t n);
size_t gdb_from_hex(void *out, const char *in, size_t cap);
