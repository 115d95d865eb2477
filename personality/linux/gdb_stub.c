/* The gdb stub, gdb's side: the remote serial protocol over a loopback socket, spoken by one host thread.
 *
 * The thread is in one of two states. While the guest runs it waits for a guest thread's stop (`wake`) or for gdb's
 * interrupt. While the guest is stopped it answers packets until one lets the guest go on. It holds gdb.lock but for
 * the waits; guest threads never wait for gdb, only for the lock.
 *
 * Whoever may connect to the port may do to the guest what gdb may: it listens on loopback only. */
#define _GNU_SOURCE
#include "personality/linux/gdb_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fmt.h"
#include "personality/linux/abi.h"
#include "personality/linux/exec.h"
#include "personality/linux/fd.h"
#include "personality/linux/mm.h"
#include "personality/linux/path.h"
#include "personality/linux/provider.h"
#include "personality/linux/signal.h"
#include "personality/linux/syscalls_gen.h"

/* Linux signal to gdb's number, where they differ. */
static const u8 to_gdb[32] = {0, 1,  2,  3,  4,  5,  6,  10, 8,  9,  30, 11, 31, 13, 14, 15,
                              0, 20, 19, 17, 18, 21, 22, 16, 24, 25, 26, 27, 28, 23, 32, 12};

int gdb_signal_out(int sig)
{
    if (sig < 32)
        return to_gdb[sig];
    return sig == 32 ? 77 : sig < 64 ? sig + 12 : 78; /* 33 to 63 are 45 to 75; 32 and 64 stand apart */
}

int gdb_signal_in(int number)
{
    for (int s = 1; s <= LX_NSIG; s++)
        if (number && gdb_signal_out(s) == number)
            return s;
    return 0;
}

/* --- text --- */

static const char digits[] = "0123456789abcdef";

static int unhex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

size_t gdb_to_hex(char *out, const void *in, size_t n)
{
    const u8 *bytes = in;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = 0;
    return 2 * n;
}

size_t gdb_from_hex(void *out, const char *in, size_t cap)
{
    size_t n = 0;
    while (n < cap && unhex(in[0]) >= 0 && unhex(in[1]) >= 0) {
        ((u8 *)out)[n++] = (u8)(unhex(in[0]) << 4 | unhex(in[1]));
        in += 2;
    }
    return n;
}

/* --- packets --- */

static bool send_all(const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(gdb.sock, p, n, MSG_NOSIGNAL);
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
    static char out[4 * GDB_MAX_PACKET + 8];
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
    out[k++] = digits[sum >> 4];
    out[k++] = digits[sum & 15];
    return send_all(out, k);
}

static bool reply(const char *text)
{
    return send_packet(text, strlen(text));
}

static bool receive(char *c)
{
    ssize_t n;
    do
        n = recv(gdb.sock, c, 1, 0);
    while (n < 0 && errno == EINTR);
    return n == 1;
}

/* Reads one packet into buf, terminated; an interrupt gives "\3". Its length, or -1 when gdb is gone. */
static ssize_t read_packet(char *buf, size_t cap)
{
    char c, check[2];
    for (;;) {
        if (!receive(&c))
            return -1;
        if (c == 3) {
            strcpy(buf, "\3");
            return 1;
        }
        if (c != '$')
            continue;
        size_t n = 0;
        u8 sum = 0;
        for (;;) {
            if (!receive(&c))
                return -1;
            if (c == '#')
                break;
            sum += (u8)c;
            if (n < cap - 1)
                buf[n++] = c;
        }
        if (!receive(&check[0]) || !receive(&check[1]))
            return -1;
        buf[n] = 0;
        bool good = unhex(check[0]) * 16 + unhex(check[1]) == sum;
        if (gdb.ack && !send_all(good ? "+" : "-", 1))
            return -1;
        if (good)
            return (ssize_t)n;
    }
}

/* --- what gdb asks --- */

/* The thread that packets are about. */
static struct gdb_record *current(void)
{
    struct gdb_record *r = gdb.reg_tid > 0 ? gdb_record_by_tid(gdb.reg_tid) : NULL;
    if (!r)
        r = gdb_record_by_tid(gdb.stop_tid);
    return r ? r : gdb.records;
}

static void stop_reply(char *out, size_t cap)
{
    char name[LX_PATH_MAX];
    if (gdb.exited) {
        fmt(out, cap, gdb.exit_signal ? "X%02x" : "W%02x",
            gdb.exit_signal ? gdb_signal_out(gdb.exit_signal) : gdb.exit_code & 255);
        return;
    }
    if (gdb.stop == GDB_STOP_NONE_LEFT && gdb.none_left) {
        fmt(out, cap, "N");
        return;
    }
    if (!gdb_record_by_tid(gdb.stop_tid) && gdb.records)
        gdb.stop_tid = gdb.records->t->tid;
    size_t n = fmt(out, cap, "T%02xthread:%x;", gdb_signal_out(gdb.stop_signal), gdb.stop_tid);
    if (gdb.stop == GDB_STOP_WATCH) {
        fmt(out + n, cap - n, "watch:%lx;", gdb.watch_hit);
    } else if (gdb.stop == GDB_STOP_EXEC && 2 * strlen(lx_program_name(gdb.proc, name)) + n + 16 < cap) {
        n += fmt(out + n, cap - n, "exec:");
        n += gdb_to_hex(out + n, name, strlen(name));
        fmt(out + n, cap - n, ";");
    }
}

/* How many bytes from addr on are mapped, up to n. */
static size_t mapped(gva_t addr, size_t n)
{
    struct lx_vma v;
    size_t done = 0;
    while (done < n && lx_mm_find(gdb.proc->mm, addr + done, &v))
        done = v.end - addr < n ? v.end - addr : n;
    return done;
}

/* Memory as a debugger sees it, whatever its protection. Bytes done from the start. */
static size_t access_memory(gva_t addr, u8 *data, size_t n, bool write)
{
    hva_t at = gdb.proc->mm->base + addr;
    if (!write && mk_copy(data, (const void *)at, n) == 0)
        return n;
    n = mapped(addr, n);
    if (write)
        engine_unwatch(gdb.proc->engine, addr, n);
    size_t done = 0;
    int fd = open("/proc/self/mem", (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    while (fd >= 0 && done < n) {
        ssize_t k = write ? pwrite(fd, data + done, n - done, (off_t)(at + done))
                          : pread(fd, data + done, n - done, (off_t)(at + done));
        if (k <= 0)
            break;
        done += (size_t)k;
    }
    if (fd >= 0)
        close(fd);
    if (write)
        engine_invalidate(gdb.proc->engine, addr, n);
    return done;
}

static bool in_window(gva_t addr, u64 n)
{
    return addr < gdb.proc->mm->size && n <= gdb.proc->mm->size - addr;
}

static void read_memory(const char *args, char *out)
{
    static u8 buf[GDB_MAX_PACKET / 2];
    char *end;
    gva_t addr = strtoull(args, &end, 16);
    u64 len = *end == ',' ? strtoull(end + 1, NULL, 16) : 0;
    if (len > sizeof buf)
        len = sizeof buf;
    size_t got = in_window(addr, len) ? access_memory(addr, buf, len, false) : 0;
    if (!got && len)
        strcpy(out, "E0e");
    else
        gdb_to_hex(out, buf, got);
}

static void write_memory(const char *args, char *out)
{
    static u8 buf[GDB_MAX_PACKET / 2];
    char *end;
    gva_t addr = strtoull(args, &end, 16);
    const char *colon = strchr(end, ':');
    size_t n = colon ? gdb_from_hex(buf, colon + 1, sizeof buf) : 0;
    bool ok = colon && in_window(addr, n) && access_memory(addr, buf, n, true) == n;
    strcpy(out, ok ? "OK" : "E0e");
}

static void change_break(const char *p, char *out)
{
    bool set = p[0] == 'Z';
    char kind = p[1], *end;
    gva_t addr = strtoull(p[1] && p[2] ? p + 3 : "", &end, 16);
    u32 len = *end == ',' ? (u32)strtoul(end + 1, NULL, 16) : 0;
    int rc;
    if (kind == '0' || kind == '1')
        rc = gdb_break(addr, set);
    else if (kind == '2')
        rc = gdb_watch(addr, len, set);
    else
        return; /* watchpoints for reading: not supported */
    if (rc)
        fmt(out, 8, "E%02x", -rc & 255);
    else
        strcpy(out, "OK");
}

/* The part of an object that "OFF,LEN" at the end of args asks for; the reply's length. */
static size_t part(const char *args, const void *data, size_t size, char *out)
{
    const char *colon = strrchr(args, ':');
    char *end = NULL;
    u64 off = colon ? strtoull(colon + 1, &end, 16) : 0;
    u64 len = colon && *end == ',' ? strtoull(end + 1, NULL, 16) : 0;
    if (off > size)
        off = size;
    if (len > size - off)
        len = size - off;
    if (len > GDB_MAX_PACKET)
        len = GDB_MAX_PACKET;
    out[0] = off + len < size ? 'm' : 'l';
    memcpy(out + 1, (const char *)data + off, len);
    return 1 + len;
}

/* The list of threads with their names. */
static size_t threads_xml(const char *args, char *out)
{
    struct strbuf sb;
    sb_growing(&sb);
    sb_puts(&sb, "<?xml version=\"1.0\"?><threads>");
    for (struct gdb_record *r = gdb.records; r; r = r->next) {
        char name[64] = "", path[64];
        fmt(path, sizeof path, "/proc/self/task/%d/comm", r->t->tid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
        if (fd >= 0)
            close(fd);
        sb_printf(&sb, "<thread id=\"%x\" name=\"", r->t->tid);
        for (ssize_t i = 0; i < n && name[i] != '\n'; i++) {
            if (strchr("<>&\"", name[i]) || (name[i] & 0x80) || name[i] < ' ')
                sb_putc(&sb, '?');
            else
                sb_putc(&sb, name[i]);
        }
        sb_puts(&sb, "\"/>");
    }
    sb_puts(&sb, "</threads>");
    size_t n = part(args, sb.text, sb.len, out);
    sb_free(&sb);
    return n;
}

static void pass_signals(const char *list)
{
    gdb.pass = 0;
    while (*list) {
        char *end;
        int sig = gdb_signal_in((int)strtoul(list, &end, 16));
        if (end == list)
            break;
        if (sig)
            gdb.pass |= LX_SIGBIT(sig);
        list = end + (*end == ';');
    }
}

/* qXfer:siginfo:write::OFF:DATA, the data in binary. */
static size_t write_siginfo(const char *p, size_t len, char *out, size_t cap)
{
    struct gdb_record *r = current();
    const char *end = p + len, *off_text = strstr(p, "::"), *data = off_text ? strchr(off_text + 2, ':') : NULL;
    u64 off = data ? strtoull(off_text + 2, NULL, 16) : 0, n = 0;
    u8 raw[sizeof r->info];
    if (!r || !data)
        return fmt(out, cap, "E01");
    for (data++; data < end && n < sizeof raw; data++) {
        char c = *data;
        if (c == '}' && data + 1 < end)
            c = *++data ^ 0x20;
        raw[n++] = (u8)c;
    }
    if (off > sizeof r->info || n > sizeof r->info - off)
        return fmt(out, cap, "E01");
    memcpy((u8 *)&r->info + off, raw, n);
    return fmt(out, cap, "%lx", n);
}

/* q and Q packets; the reply's length, 0 for what we do not know. */
static size_t query(const char *p, size_t len, char *out, size_t cap)
{
    char name[LX_PATH_MAX];
    static const char features[] = "qXfer:features:read:", exec_file[] = "qXfer:exec-file:read:",
                      auxv[] = "qXfer:auxv:read:", siginfo[] = "qXfer:siginfo:read:",
                      set_siginfo[] = "qXfer:siginfo:write:", threads[] = "qXfer:threads:read:";
    struct gdb_record *r = current();
    if (!strncmp(p, "qSupported", 10)) {
        gdb.none_left = strstr(p, "no-resumed+") != NULL;
        return fmt(out, cap,
                   "PacketSize=%x;qXfer:features:read+;qXfer:auxv:read+;qXfer:exec-file:read+;qXfer:siginfo:read+;"
                   "qXfer:siginfo:write+;qXfer:threads:read+;QStartNoAckMode+;QPassSignals+;vContSupported+;exec-"
                   "events+;no-resumed+",
                   GDB_MAX_PACKET - 32);
    }
    if (!strncmp(p, "QPassSignals:", 13)) {
        pass_signals(p + 13);
        return fmt(out, cap, "OK");
    }
    if (!strncmp(p, features, sizeof features - 1)) {
        const char *xml = gdb.proc->abi->gdb->description;
        return part(p, xml, strlen(xml), out);
    }
    if (!strncmp(p, exec_file, sizeof exec_file - 1))
        return part(p, name, strlen(lx_program_name(gdb.proc, name)), out);
    if (!strncmp(p, auxv, sizeof auxv - 1)) {
        u8 data[1024];
        return part(p, data, lx_auxv(gdb.proc, data, sizeof data), out);
    }
    if (!strncmp(p, siginfo, sizeof siginfo - 1))
        return r && r->info.si_signo ? part(p, &r->info, sizeof r->info, out) : fmt(out, cap, "E01");
    if (!strncmp(p, set_siginfo, sizeof set_siginfo - 1))
        return write_siginfo(p, len, out, cap);
    if (!strncmp(p, threads, sizeof threads - 1))
        return threads_xml(p, out);
    if (!strcmp(p, "qfThreadInfo")) {
        size_t n = fmt(out, cap, "m");
        for (r = gdb.records; r && n < cap - 32; r = r->next)
            n += fmt(out + n, cap - n, "%x%s", r->t->tid, r->next ? "," : "");
        return n;
    }
    if (!strcmp(p, "qsThreadInfo"))
        return fmt(out, cap, "l");
    if (!strcmp(p, "qC"))
        return r ? fmt(out, cap, "QC%x", r->t->tid) : 0;
    if (!strcmp(p, "qAttached"))
        return fmt(out, cap, "0");
    if (!strncmp(p, "qSymbol", 7))
        return fmt(out, cap, "OK");
    return 0;
}

/* g and G, p and P: registers of a thread. Before they are written, the thread must be where nothing of its own goes
 * into them. */
static void read_all(struct gdb_record *r, char *out)
{
    const struct lx_gdb_regs *regs = gdb.proc->abi->gdb;
    u8 raw[16];
    size_t n = 0;
    for (u32 i = 0; i < regs->n; i++)
        n += gdb_to_hex(out + n, raw, regs->read(r->t->vcpu, i, raw));
}

static bool write_all(struct gdb_record *r, const char *text)
{
    const struct lx_gdb_regs *regs = gdb.proc->abi->gdb;
    u8 raw[16];
    if (!gdb_make_park(r))
        return false;
    for (u32 i = 0; i < regs->n; i++) {
        u32 len = regs->read(r->t->vcpu, i, raw);
        if (gdb_from_hex(raw, text, len) != len || !regs->write(r->t->vcpu, i, raw, len))
            return false;
        text += 2 * len;
    }
    return true;
}

static void read_one(struct gdb_record *r, const char *args, char *out)
{
    u8 raw[16];
    u32 len = gdb.proc->abi->gdb->read(r->t->vcpu, (u32)strtoul(args, NULL, 16), raw);
    if (len)
        gdb_to_hex(out, raw, len);
    else
        strcpy(out, "E01");
}

static bool write_one(struct gdb_record *r, const char *args)
{
    u8 raw[16];
    char *eq;
    u32 reg = (u32)strtoul(args, &eq, 16);
    size_t len = *eq == '=' ? gdb_from_hex(raw, eq + 1, sizeof raw) : 0;
    return len && gdb_make_park(r) && gdb.proc->abi->gdb->write(r->t->vcpu, reg, raw, (u32)len);
}

/* c, C, s, S of the protocol's first days: the thread that gdb speaks of steps, all go on. */
static void resume_plainly(const char *p)
{
    char actions[64];
    struct gdb_record *r = current();
    if (*p == 'c')
        fmt(actions, sizeof actions, "c");
    else
        fmt(actions, sizeof actions, "%c%.2s:%x;c", *p, *p == 's' ? "" : p + 1, r ? r->t->tid : 0);
    gdb_resume(actions);
}

enum outcome { STAY, RUN, GONE };

/* One packet while the guest is at rest. */
static enum outcome command(char *p, size_t len)
{
    static char out[2 * GDB_MAX_PACKET + 64];
    struct gdb_record *r = current();
    size_t n = 0;
    out[0] = 0;
    switch (p[0]) {
    case '?':
        stop_reply(out, sizeof out);
        break;
    case 'q':
    case 'Q':
        if (!strcmp(p, "QStartNoAckMode")) {
            bool sent = reply("OK");
            gdb.ack = false;
            return sent ? STAY : GONE;
        }
        n = query(p, len, out, sizeof out);
        return send_packet(out, n) ? STAY : GONE;
    case 'H':
        n = (size_t)strtol(p + (p[1] ? 2 : 1), NULL, 16);
        if ((int)n > 0 && !gdb_record_by_tid((int)n))
            return reply("E01") ? STAY : GONE;
        if (p[1] == 'g')
            gdb.reg_tid = (int)n;
        strcpy(out, "OK");
        break;
    case 'T':
        strcpy(out, gdb_record_by_tid((int)strtol(p + 1, NULL, 16)) ? "OK" : "E01");
        break;
    case 'g':
        if (r)
            read_all(r, out);
        else
            strcpy(out, "E01");
        break;
    case 'G':
        strcpy(out, r && write_all(r, p + 1) ? "OK" : "E01");
        break;
    case 'p':
        if (r)
            read_one(r, p + 1, out);
        else
            strcpy(out, "E01");
        break;
    case 'P':
        strcpy(out, r && write_one(r, p + 1) ? "OK" : "E01");
        break;
    case 'm':
        read_memory(p + 1, out);
        break;
    case 'M':
        write_memory(p + 1, out);
        break;
    case 'Z':
    case 'z':
        change_break(p, out);
        break;
    case 'c':
    case 'C':
    case 's':
    case 'S':
        resume_plainly(p);
        return RUN;
    case 'v':
        if (!strcmp(p, "vCont?")) {
            strcpy(out, "vCont;c;C;s;S;r");
        } else if (!strncmp(p, "vCont;", 6)) {
            gdb_resume(p + 6);
            return RUN;
        } else if (!strncmp(p, "vFile:", 6)) {
            n = gdb_file(gdb.proc, p + 6, out, sizeof out);
            return send_packet(out, n) ? STAY : GONE;
        } else if (!strncmp(p, "vKill", 5)) {
            reply("OK");
            kill(getpid(), SIGKILL);
        }
        break;
    case 'k':
        kill(getpid(), SIGKILL);
        break;
    case 'D':
        reply("OK");
        return GONE;
    }
    return reply(out) ? STAY : GONE;
}

/* --- the thread --- */

/* The guest runs: waits for a stop, or for gdb's interrupt. False: gdb is gone. */
static bool watch_running(char *buf, size_t cap)
{
    struct pollfd pf[2] = {{.fd = gdb.sock, .events = POLLIN}, {.fd = gdb.wake, .events = POLLIN}};
    u64 count;
    pthread_mutex_unlock(&gdb.lock);
    poll(pf, 2, -1);
    if (pf[1].revents && read(gdb.wake, &count, sizeof count) < 0)
        count = 0;
    bool alive = !pf[0].revents || read_packet(buf, cap) >= 0;
    pthread_mutex_lock(&gdb.lock);
    if (alive && pf[0].revents && buf[0] == 3 && !gdb.stopped && !gdb.exited) {
        gdb.stop = GDB_STOP_SIGNAL;
        gdb.stop_signal = SIGINT;
        struct gdb_record *r = current();
        if (r) {
            memset(&r->info, 0, sizeof r->info);
            r->info.si_signo = SIGINT;
            r->info.si_code = SI_KERNEL;
            gdb.stop_tid = r->t->tid;
        }
        gdb_stop_all();
    }
    return alive;
}

static void *serve(void *arg)
{
    static char buf[GDB_MAX_PACKET], out[GDB_MAX_PACKET];
    bool told = arg == NULL; /* gdb asks first, with `?` */
    lx_signal_block_all();   /* what faults on this thread is the memory that gdb asks for */
    if (mk_thread_enter())
        mk_panic("gdb: no memory");
    pthread_mutex_lock(&gdb.lock);
    for (;;) {
        if (!gdb.stopped && !gdb.exited) {
            if (!watch_running(buf, sizeof buf))
                break;
            continue;
        }
        if (gdb.exited) {
            stop_reply(out, sizeof out);
            reply(out);
            break;
        }
        gdb_wait_rest();
        if (!told) {
            gdb.reg_tid = 0;
            stop_reply(out, sizeof out);
            if (!reply(out))
                break;
            told = true;
        }
        pthread_mutex_unlock(&gdb.lock);
        ssize_t len = read_packet(buf, sizeof buf);
        pthread_mutex_lock(&gdb.lock);
        enum outcome o = len < 0 ? GONE : buf[0] == 3 ? STAY : command(buf, (size_t)len);
        if (o == GONE)
            break;
        if (o == RUN)
            told = false;
    }
    if (gdb.exited)
        __atomic_store_n(&gdb.on, false, __ATOMIC_RELEASE);
    else
        gdb_detach();
    gdb_file_close_all();
    lx_fd_close(gdb.sock);
    lx_fd_close(gdb.wake);
    gdb.sock = gdb.wake = -1;
    pthread_cond_broadcast(&gdb.go);
    pthread_mutex_unlock(&gdb.lock);
    return NULL;
}

/* gdb has connected: from here on the guest is its. */
static int begin(struct lx_process *p, int sock, bool after_exec)
{
    static char exec;
    int one = 1, wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    gdb.wake = wake < 0 ? -errno : lx_fd_high(wake);
    gdb.sock = lx_fd_high(sock);
    if (gdb.wake < 0 || gdb.sock < 0)
        return gdb.wake < 0 ? gdb.wake : gdb.sock;
    setsockopt(gdb.sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    gdb.proc = p;
    gdb.stop = after_exec ? GDB_STOP_EXEC : GDB_STOP_SIGNAL;
    gdb.stop_signal = SIGTRAP;
    gdb.stop_tid = p->threads->tid;
    gdb.stopped = true;
    gdb_add_thread(p->threads);
    __atomic_store_n(&gdb.on, true, __ATOMIC_RELEASE);
    __atomic_store_n(&gdb.used, true, __ATOMIC_RELAXED);
    lx_signals_mirror(p->signals);
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, serve, after_exec ? &exec : NULL);
    if (rc)
        return -rc;
    pthread_detach(thread);
    return 0;
}

int lx_gdb_adopt(struct lx_process *p, const struct lx_gdb_handover *h)
{
    gdb.ack = h->ack;
    gdb.pass = h->pass;
    gdb.none_left = true;
    return begin(p, h->fd, true);
}

static void set_mask(u64 mask)
{
    prov_call_now(LX_NR_rt_sigprocmask, SIG_SETMASK, (u64)&mask, 0, sizeof mask, 0, 0);
}

int lx_gdb_start(struct lx_process *p, int port)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((u16)(port < 0 ? 0 : port)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    if (s < 0)
        return -errno;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(s, (struct sockaddr *)&a, sizeof a) || listen(s, 1) || getsockname(s, (struct sockaddr *)&a, &len)) {
        int e = errno;
        close(s);
        return -e;
    }
    char line[80];
    mk_console(line, fmt(line, sizeof line, "dragoman: waiting for gdb on 127.0.0.1:%d\n", ntohs(a.sin_port)));
    int c;
    set_mask(p->threads->sigmask); /* it may be a long time: let the user end it */
    do
        c = accept4(s, NULL, NULL, SOCK_CLOEXEC);
    while (c < 0 && errno == EINTR);
    int e = errno;
    set_mask(~0ull);
    close(s);
    if (c < 0)
        return -e;
    gdb.ack = true;
    return begin(p, c, false);
}
