/* The gdb stub: the remote serial protocol over a loopback socket.
 *
 * One host thread owns the socket and speaks the protocol. Guest threads never touch it: each has a record here, and
 * passes through lx_gdb_run before it runs guest code. The stub is all-stop. To stop the guest it sets `stopped` and
 * kicks every vCPU; a thread inside translated code leaves at its next poll and parks, a thread inside a system call
 * parks when it comes back. The guest is at rest when no record is `running`; then all registers are in memory and
 * exact, and the stub reads and writes them directly.
 *
 * Breakpoints live in the translator: engine_ops.stop_at says where blocks must stop, and the engine is flushed when
 * the set changes. No guest memory is touched for them. While a watchpoint is set every thread is stepped, and the
 * watched bytes are compared after each instruction; that is slow and exact for writes. Read watchpoints are refused,
 * so that gdb says so.
 *
 * Locks: `g.lock` guards everything here. It is never held while guest code runs. */
#define _GNU_SOURCE
#include "personality/linux/gdb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <fcntl.h>

#include "personality/linux/abi.h"
#include "personality/linux/exec.h"
#include "personality/linux/fd.h"

#define MAX_PACKET  16384
#define MAX_BREAKS  1024
#define MAX_WATCHES 16

struct record {
    struct record *next;
    struct lx_thread *t;
    bool running; /* inside vcpu_run or vcpu_step */
    bool step;    /* gdb wants one instruction */
    bool stepped; /* it was run; report before the next */
    bool waiting; /* stopped with something to report or in lx_gdb_signal */
    int signal;   /* gdb's answer for lx_gdb_signal */
};

struct watch {
    gva_t addr;
    u32 len;
    u8 old[8];
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct lx_process *proc;
    int sock;
    bool on, stopped, interrupt;
    struct record *records;
    /* what stopped it */
    struct record *culprit;
    int stop_signal;
    gva_t watch_hit;
    bool exited;
    int exit_code, exit_signal;
    /* gdb's view */
    int reg_tid; /* Hg */
    gva_t breaks[MAX_BREAKS];
    u32 nbreaks;
    bool breaks_changed;
    struct watch watches[MAX_WATCHES];
    u32 nwatches;
    u64 pass; /* signals that gdb does not want to hear of */
    bool ack;
} g = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .sock = -1, .ack = true};

/* Linux signal to gdb's number, where they differ. */
static const u8 to_gdb[32] = {0, 1,  2,  3,  4,  5,  6,  10, 8,  9,  30, 11, 31, 13, 14, 15,
                              0, 20, 19, 17, 18, 21, 22, 16, 24, 25, 26, 27, 28, 23, 32, 12};

static int gdb_signal(int sig)
{
    if (sig < 32)
        return to_gdb[sig];
    return sig == 32 ? 77 : sig < 64 ? sig + 12 : 78; /* SIGCANCEL-like 32 is 77; 33..63 are 45..75; 64 is 78 */
}

static int guest_signal(int number)
{
    for (int s = 1; s < 65; s++)
        if (gdb_signal(s) == number)
            return s;
    return 0;
}

bool lx_gdb_on(void)
{
    return __atomic_load_n(&g.on, __ATOMIC_RELAXED);
}

static struct record *record_of(struct lx_thread *t)
{
    for (struct record *r = g.records; r; r = r->next)
        if (r->t == t)
            return r;
    struct record *r = calloc(1, sizeof *r);
    if (!r)
        mk_panic("gdb: no memory");
    r->t = t;
    r->next = g.records;
    g.records = r;
    return r;
}

static struct record *record_by_tid(int tid)
{
    for (struct record *r = g.records; r; r = r->next)
        if (r->t->tid == tid)
            return r;
    return NULL;
}

/* --- guest threads' side --- */

static void stop_all_locked(void)
{
    g.stopped = true;
    for (struct record *r = g.records; r; r = r->next)
        if (r->running)
            vcpu_kick(r->t->vcpu);
    pthread_cond_broadcast(&g.changed);
}

/* Waits until gdb lets the guest go on. */
static void park_locked(struct record *r)
{
    r->running = false;
    pthread_cond_broadcast(&g.changed);
    while (g.stopped && g.on)
        pthread_cond_wait(&g.changed, &g.lock);
}

/* Reports a stop of this thread and waits. When another thread's stop is being told already, waits for that to end
 * first. */
static void stop_here_locked(struct record *r, int sig, gva_t watch)
{
    while (g.stopped && g.on)
        park_locked(r);
    if (!g.on)
        return;
    g.culprit = r;
    g.stop_signal = sig;
    g.watch_hit = watch;
    r->signal = 0;
    stop_all_locked();
    park_locked(r);
}

static bool watch_changed_locked(struct lx_thread *t, gva_t *addr)
{
    for (u32 i = 0; i < g.nwatches; i++) {
        struct watch *w = &g.watches[i];
        u8 now[8] = {0};
        if (mk_copy(now, lx_ptr(t, w->addr), w->len) == 0 && memcmp(now, w->old, w->len) != 0) {
            memcpy(w->old, now, sizeof now);
            *addr = w->addr;
            return true;
        }
    }
    return false;
}

enum vcpu_exit lx_gdb_run(struct lx_thread *t)
{
    pthread_mutex_lock(&g.lock);
    struct record *r = record_of(t);
    for (;;) {
        if (r->stepped && g.on) {
            r->stepped = false;
            gva_t hit = 0;
            if (watch_changed_locked(t, &hit))
                stop_here_locked(r, SIGTRAP, hit);
            else if (r->step)
                stop_here_locked(r, SIGTRAP, 0);
        }
        while (g.stopped && g.on)
            park_locked(r);
        bool single = g.on && (r->step || g.nwatches);
        r->running = true;
        if (single)
            r->stepped = true;
        pthread_mutex_unlock(&g.lock);

        enum vcpu_exit exit = single ? vcpu_step(t->vcpu) : vcpu_run(t->vcpu);

        pthread_mutex_lock(&g.lock);
        r->running = false;
        pthread_cond_broadcast(&g.changed);
        if (exit != VCPU_TRAP || t->vcpu->trap != IR_TRAP_STOP) {
            pthread_mutex_unlock(&g.lock);
            return exit;
        }
        if (!single)
            stop_here_locked(r, SIGTRAP, 0);
        else if (t->vcpu->poll) {
            pthread_mutex_unlock(&g.lock);
            return VCPU_POLL;
        } else if (!r->step && lx_gdb_stop_at(NULL, t->vcpu->pc)) {
            r->stepped = false;
            stop_here_locked(r, SIGTRAP, 0);
        }
    }
}

int lx_gdb_signal(struct lx_thread *t, int sig)
{
    if (!lx_gdb_on() || (sig != SIGTRAP && (g.pass >> sig & 1)))
        return sig;
    pthread_mutex_lock(&g.lock);
    struct record *r = record_of(t);
    int answer = sig;
    if (g.on) {
        r->stepped = false;
        stop_here_locked(r, sig, 0);
        answer = g.on ? r->signal : sig;
    }
    pthread_mutex_unlock(&g.lock);
    return answer;
}

void lx_gdb_thread_exit(struct lx_thread *t)
{
    if (!lx_gdb_on())
        return;
    pthread_mutex_lock(&g.lock);
    for (struct record **p = &g.records; *p; p = &(*p)->next) {
        if ((*p)->t == t) {
            struct record *r = *p;
            *p = r->next;
            if (g.culprit == r)
                g.culprit = NULL;
            free(r);
            break;
        }
    }
    pthread_cond_broadcast(&g.changed);
    pthread_mutex_unlock(&g.lock);
}

bool lx_gdb_stop_at(void *cx, gva_t pc)
{
    for (u32 i = 0; i < g.nbreaks; i++)
        if (g.breaks[i] == pc)
            return true;
    return false;
}

/* --- the protocol --- */

static const char hex[] = "0123456789abcdef";

static int unhex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static size_t to_hex(char *out, const u8 *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex[in[i] >> 4];
        out[2 * i + 1] = hex[in[i] & 15];
    }
    out[2 * n] = 0;
    return 2 * n;
}

static size_t from_hex(u8 *out, const char *in, size_t cap)
{
    size_t n = 0;
    while (n < cap && unhex(in[0]) >= 0 && unhex(in[1]) >= 0) {
        out[n++] = (u8)(unhex(in[0]) << 4 | unhex(in[1]));
        in += 2;
    }
    return n;
}

static bool send_all(const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(g.sock, p, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static bool send_packet(const char *body, size_t n)
{
    static char out[2 * MAX_PACKET + 8];
    u8 sum = 0;
    size_t k = 0;
    out[k++] = '$';
    for (size_t i = 0; i < n && k < sizeof out - 8; i++) {
        char c = body[i];
        if (c == '$' || c == '#' || c == '}' || c == '*') {
            out[k++] = '}';
            sum += (u8)'}';
            c ^= 0x20;
        }
        out[k++] = c;
        sum += (u8)c;
    }
    out[k++] = '#';
    out[k++] = hex[sum >> 4];
    out[k++] = hex[sum & 15];
    return send_all(out, k);
}

static bool reply(const char *text)
{
    return send_packet(text, strlen(text));
}

/* The record that register packets are about. */
static struct record *current_locked(void)
{
    struct record *r = g.reg_tid > 0 ? record_by_tid(g.reg_tid) : NULL;
    if (!r)
        r = g.culprit;
    return r ? r : g.records;
}

static void stop_reply(char *out, size_t cap)
{
    if (g.exited) {
        snprintf(out, cap, g.exit_signal ? "X%02x" : "W%02x",
                 g.exit_signal ? gdb_signal(g.exit_signal) : g.exit_code & 255);
        return;
    }
    struct record *r = g.culprit ? g.culprit : g.records;
    int n = snprintf(out, cap, "T%02x", gdb_signal(g.stop_signal));
    if (g.watch_hit)
        n += snprintf(out + n, cap - (size_t)n, "watch:%llx;", (unsigned long long)g.watch_hit);
    if (r)
        snprintf(out + n, cap - (size_t)n, "thread:%x;", r->t->tid);
}

static void read_memory(const char *args, char *out)
{
    char *end;
    gva_t addr = strtoull(args, &end, 16);
    size_t len = *end == ',' ? strtoull(end + 1, NULL, 16) : 0, got = 0;
    static u8 buf[MAX_PACKET / 2 - 8];
    struct record *r = current_locked();
    if (len > sizeof buf)
        len = sizeof buf;
    if (!r || !lx_ok(r->t, addr, len)) {
        strcpy(out, "E0e");
        return;
    }
    if (mk_copy(buf, lx_ptr(r->t, addr), len) == 0)
        got = len;
    else
        while (got < len && mk_copy(buf + got, lx_ptr(r->t, addr + got), 1) == 0)
            got++;
    if (!got && len)
        strcpy(out, "E0e");
    else
        to_hex(out, buf, got);
}

/* Writes also where the guest may not: a debugger's right. */
static bool write_memory(gva_t addr, const u8 *data, size_t n)
{
    struct record *r = current_locked();
    if (!r || !lx_ok(r->t, addr, n))
        return false;
    int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = pwrite(fd, data, n, (off_t)(hva_t)lx_ptr(r->t, addr)) == (ssize_t)n;
    close(fd);
    engine_invalidate(g.proc->engine, addr, n);
    return ok;
}

static void change_break(const char *p, char *out)
{
    bool set = p[0] == 'Z';
    char kind = p[1], *end;
    gva_t addr = strtoull(p + 3, &end, 16);
    u32 len = *end == ',' ? (u32)strtoul(end + 1, NULL, 16) : 0;
    strcpy(out, "OK");
    if (kind == '0' || kind == '1') {
        for (u32 i = 0; i < g.nbreaks; i++) {
            if (g.breaks[i] == addr) {
                if (!set)
                    g.breaks[i] = g.breaks[--g.nbreaks];
                g.breaks_changed = true;
                return;
            }
        }
        if (!set)
            return;
        if (g.nbreaks == MAX_BREAKS) {
            strcpy(out, "E0c");
            return;
        }
        g.breaks[g.nbreaks++] = addr;
        g.breaks_changed = true;
    } else if (kind == '2') {
        for (u32 i = 0; i < g.nwatches; i++) {
            if (g.watches[i].addr == addr && g.watches[i].len == len) {
                if (!set)
                    g.watches[i] = g.watches[--g.nwatches];
                return;
            }
        }
        if (!set)
            return;
        struct record *r = current_locked();
        if (g.nwatches == MAX_WATCHES || !len || len > 8 || !r || !lx_ok(r->t, addr, len)) {
            strcpy(out, "E16");
            return;
        }
        struct watch *w = &g.watches[g.nwatches++];
        *w = (struct watch){.addr = addr, .len = len};
        if (mk_copy(w->old, lx_ptr(r->t, addr), len))
            memset(w->old, 0, sizeof w->old);
    } else {
        *out = 0;
    }
}

/* qXfer:OBJECT:read:ANNEX:OFF,LEN of a text or blob. */
static void xfer(const char *args, const void *data, size_t size, char *out)
{
    const char *colon = strrchr(args, ':');
    char *end;
    size_t off = strtoull(colon + 1, &end, 16), len = strtoull(end + (*end == ','), NULL, 16);
    if (off >= size) {
        strcpy(out, "l");
        return;
    }
    if (len > size - off)
        len = size - off;
    if (len > MAX_PACKET / 2)
        len = MAX_PACKET / 2;
    out[0] = off + len < size ? 'm' : 'l';
    memcpy(out + 1, (const char *)data + off, len);
    out[1 + len] = 0;
}

static size_t query(const char *p, char *out)
{
    size_t n = 0;
    if (!strncmp(p, "qSupported", 10)) {
        sprintf(out,
                "PacketSize=%x;qXfer:features:read+;qXfer:auxv:read+;qXfer:exec-file:read+;QStartNoAckMode+;"
                "QPassSignals+;vContSupported+",
                MAX_PACKET - 32);
    } else if (!strcmp(p, "QStartNoAckMode")) {
        strcpy(out, "OK");
    } else if (!strncmp(p, "QPassSignals:", 13)) {
        g.pass = 0;
        for (const char *s = p + 13; *s; s += *s == ';') {
            char *end;
            int sig = guest_signal((int)strtoul(s, &end, 16));
            if (end == s)
                break;
            if (sig && sig < 64)
                g.pass |= 1ull << sig;
            s = end;
        }
        strcpy(out, "OK");
    } else if (!strncmp(p, "qXfer:features:read:", 20)) {
        const char *xml = g.proc->abi->gdb->description;
        xfer(p, xml, strlen(xml), out);
    } else if (!strncmp(p, "qXfer:exec-file:read:", 21)) {
        xfer(p, g.proc->exe, strlen(g.proc->exe), out);
    } else if (!strncmp(p, "qXfer:auxv:read:", 16)) {
        u8 auxv[1024];
        size_t len = lx_auxv(g.proc, auxv, sizeof auxv);
        xfer(p, auxv, len, out);
        const char *colon = strrchr(p, ':');
        char *end;
        size_t off = strtoull(colon + 1, &end, 16), want = strtoull(end + (*end == ','), NULL, 16);
        if (off < len)
            n = 1 + (want < len - off ? want : len - off);
    } else if (!strcmp(p, "qfThreadInfo")) {
        char *o = out;
        *o++ = 'm';
        for (struct record *r = g.records; r && o - out < MAX_PACKET - 32; r = r->next)
            o += sprintf(o, "%x%s", r->t->tid, r->next ? "," : "");
    } else if (!strcmp(p, "qsThreadInfo")) {
        strcpy(out, "l");
    } else if (!strcmp(p, "qC")) {
        struct record *r = current_locked();
        sprintf(out, "QC%x", r ? r->t->tid : 0);
    } else if (!strcmp(p, "qAttached")) {
        strcpy(out, "0");
    } else if (!strncmp(p, "qSymbol", 7)) {
        strcpy(out, "OK");
    }
    return n ? n : strlen(out);
}

/* Lets the guest run: vCont's actions, or c and s. */
static void resume_locked(const char *actions)
{
    for (struct record *r = g.records; r; r = r->next) {
        char what = 0;
        int sig = 0;
        for (const char *a = actions; a && *a == ';'; a = strchr(a + 1, ';')) {
            const char *colon = strpbrk(a + 1, ":;");
            int tid = colon && *colon == ':' ? (int)strtol(colon + 1, NULL, 16) : -1;
            if (tid != -1 && tid != r->t->tid)
                continue;
            what = a[1];
            sig = what == 'C' || what == 'S' ? guest_signal((int)strtoul(a + 2, NULL, 16)) : 0;
            break;
        }
        r->step = what == 's' || what == 'S';
        r->signal = sig;
    }
    g.culprit = NULL;
    g.interrupt = false;
    if (g.breaks_changed) {
        g.breaks_changed = false;
        engine_flush(g.proc->engine);
    }
    for (u32 i = 0; i < g.nwatches && g.records; i++)
        if (mk_copy(g.watches[i].old, lx_ptr(g.records->t, g.watches[i].addr), g.watches[i].len))
            memset(g.watches[i].old, 0, sizeof g.watches[i].old);
    g.stopped = false;
    pthread_cond_broadcast(&g.changed);
}

static void detach_locked(void)
{
    g.nbreaks = g.nwatches = 0;
    g.breaks_changed = true;
    __atomic_store_n(&g.on, false, __ATOMIC_RELAXED);
    for (struct record *r = g.records; r; r = r->next)
        r->step = r->stepped = false;
    resume_locked(NULL);
}

/* One packet while the guest is at rest. False: gdb is gone or lets the guest run (*run). */
static bool command(char *p, bool *run)
{
    static char out[2 * MAX_PACKET];
    out[0] = 0;
    struct record *r = current_locked();
    u8 raw[16];
    switch (p[0]) {
    case '?':
        stop_reply(out, sizeof out);
        break;
    case 'q':
    case 'Q': {
        size_t n = query(p, out);
        bool ok = send_packet(out, n);
        if (!strcmp(p, "QStartNoAckMode"))
            g.ack = false;
        return ok;
    }
    case 'H':
        if (p[1] == 'g')
            g.reg_tid = (int)strtol(p + 2, NULL, 16);
        strcpy(out, "OK");
        break;
    case 'T':
        strcpy(out, record_by_tid((int)strtol(p + 1, NULL, 16)) ? "OK" : "E01");
        break;
    case 'g': {
        size_t n = 0;
        for (u32 i = 0; r && i < g.proc->abi->gdb->n; i++) {
            u32 len = g.proc->abi->gdb->read(r->t->vcpu, i, raw);
            n += to_hex(out + n, raw, len);
        }
        break;
    }
    case 'G': {
        const char *s = p + 1;
        for (u32 i = 0; r && i < g.proc->abi->gdb->n; i++) {
            u32 len = g.proc->abi->gdb->read(r->t->vcpu, i, raw);
            if (from_hex(raw, s, len) != len)
                break;
            g.proc->abi->gdb->write(r->t->vcpu, i, raw, len);
            s += 2 * len;
        }
        strcpy(out, "OK");
        break;
    }
    case 'p': {
        u32 len = r ? g.proc->abi->gdb->read(r->t->vcpu, (u32)strtoul(p + 1, NULL, 16), raw) : 0;
        if (len)
            to_hex(out, raw, len);
        else
            strcpy(out, "E01");
        break;
    }
    case 'P': {
        char *eq;
        u32 reg = (u32)strtoul(p + 1, &eq, 16);
        size_t len = *eq == '=' ? from_hex(raw, eq + 1, sizeof raw) : 0;
        strcpy(out, r && len && g.proc->abi->gdb->write(r->t->vcpu, reg, raw, (u32)len) ? "OK" : "E01");
        break;
    }
    case 'm':
        read_memory(p + 1, out);
        break;
    case 'M': {
        static u8 data[MAX_PACKET];
        char *colon = strchr(p, ':');
        size_t n = colon ? from_hex(data, colon + 1, sizeof data) : 0;
        strcpy(out, colon && write_memory(strtoull(p + 1, NULL, 16), data, n) ? "OK" : "E0e");
        break;
    }
    case 'Z':
    case 'z':
        change_break(p, out);
        break;
    case 'c':
        resume_locked(";c");
        *run = true;
        return true;
    case 's':
        resume_locked(";s");
        *run = true;
        return true;
    case 'v':
        if (!strcmp(p, "vCont?")) {
            strcpy(out, "vCont;c;C;s;S");
        } else if (!strncmp(p, "vCont;", 6)) {
            resume_locked(p + 5);
            *run = true;
            return true;
        } else if (!strncmp(p, "vKill", 5)) {
            reply("OK");
            _exit(128 + SIGKILL);
        }
        break;
    case 'k':
        kill(getpid(), SIGKILL);
        break;
    case 'D':
        reply("OK");
        return false;
    }
    return reply(out);
}

/* Reads one packet into buf; 0x03 gives "\3". False when gdb is gone. */
static bool read_packet(char *buf, size_t cap)
{
    char c;
    for (;;) {
        if (recv(g.sock, &c, 1, 0) != 1)
            return false;
        if (c == 3) {
            strcpy(buf, "\3");
            return true;
        }
        if (c != '$')
            continue;
        size_t n = 0;
        u8 sum = 0;
        while (recv(g.sock, &c, 1, 0) == 1 && c != '#') {
            sum += (u8)c;
            if (n < cap - 1)
                buf[n++] = c;
        }
        char check[2];
        if (c != '#' || recv(g.sock, check, 2, MSG_WAITALL) != 2)
            return false;
        buf[n] = 0;
        bool good = (unhex(check[0]) << 4 | unhex(check[1])) == sum;
        if (g.ack && !send_all(good ? "+" : "-", 1))
            return false;
        if (good)
            return true;
    }
}

static bool at_rest_locked(void)
{
    for (struct record *r = g.records; r; r = r->next)
        if (r->running)
            return false;
    return true;
}

/* The stub's thread. g.lock is held but for the waits. */
static void *serve(void *arg)
{
    static char buf[MAX_PACKET];
    bool told = true; /* gdb asks first, with `?` */
    pthread_mutex_lock(&g.lock);
    while (g.on) {
        if (g.stopped || g.exited) {
            while (!g.exited && !at_rest_locked())
                pthread_cond_wait(&g.changed, &g.lock);
            if (!told) {
                stop_reply(buf, sizeof buf);
                g.reg_tid = 0;
                if (!reply(buf))
                    break;
                told = true;
            }
            if (g.exited)
                break;
            pthread_mutex_unlock(&g.lock);
            bool ok = read_packet(buf, sizeof buf);
            pthread_mutex_lock(&g.lock);
            bool run = false;
            if (!ok || (buf[0] != 3 && !command(buf, &run)))
                break;
            if (run)
                told = false;
            continue;
        }
        /* Running: wait for a stop, or for gdb's interrupt. */
        pthread_mutex_unlock(&g.lock);
        struct pollfd pf = {.fd = g.sock, .events = POLLIN};
        int n = poll(&pf, 1, 20);
        bool alive = n <= 0 || read_packet(buf, sizeof buf);
        pthread_mutex_lock(&g.lock);
        if (!alive)
            break;
        if (n > 0 && buf[0] == 3 && !g.stopped) {
            g.culprit = NULL;
            g.stop_signal = SIGINT;
            g.watch_hit = 0;
            stop_all_locked();
        }
    }
    if (!g.exited)
        detach_locked();
    close(g.sock);
    g.sock = -1;
    g.on = false;
    pthread_cond_broadcast(&g.changed);
    pthread_mutex_unlock(&g.lock);
    return arg;
}

void lx_gdb_exit(int code, int sig)
{
    if (!lx_gdb_on())
        return;
    pthread_mutex_lock(&g.lock);
    g.exited = true;
    g.exit_code = code;
    g.exit_signal = sig;
    pthread_cond_broadcast(&g.changed);
    while (g.on)
        pthread_cond_wait(&g.changed, &g.lock);
    pthread_mutex_unlock(&g.lock);
}

void lx_gdb_forked(struct lx_process *p)
{
    if (!g.on)
        return;
    pthread_mutex_init(&g.lock, NULL);
    pthread_cond_init(&g.changed, NULL);
    close(g.sock);
    g.sock = -1;
    g.on = g.stopped = false;
    g.nbreaks = g.nwatches = 0;
    g.records = NULL;
    engine_flush(p->engine);
}

int lx_gdb_start(struct lx_process *p, int port)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((u16)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (s < 0)
        return -errno;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(s, (struct sockaddr *)&a, sizeof a) || listen(s, 1)) {
        int e = errno;
        close(s);
        return -e;
    }
    fprintf(stderr, "dragoman: waiting for gdb on 127.0.0.1:%d\n", port);
    int c = accept4(s, NULL, NULL, SOCK_CLOEXEC), e = errno;
    close(s);
    if (c < 0)
        return -e;
    setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    g.sock = lx_fd_high(c);
    g.proc = p;
    g.on = g.stopped = true;
    g.stop_signal = SIGTRAP;
    record_of(p->threads);
    pthread_t thread;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&thread, NULL, serve, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc)
        return -rc;
    pthread_detach(thread);
    return 0;
}
