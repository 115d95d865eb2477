/* --strace; see strace.h. The shape of a line follows from the call's description in the table: argument kinds, sets of
 * constants, structures. */
#include "personality/linux/strace.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "personality/linux/syscall.h"

enum { STRING_MAX = 32, PATH_SHOWN = 512 };

/* The line that is being made on this host thread. */
static _Thread_local struct lx_strace *current;

/* --- constants --- */

static const char *name_of(u32 set, u64 value)
{
    const struct lx_set *s = &lx_sets[set];
    for (u32 i = 0; i < s->n; i++) {
        if (s->v[i].value == value)
            return s->v[i].name;
    }
    return NULL;
}

static void put_enum(struct strbuf *o, u32 set, u64 value)
{
    const char *name = name_of(set, value);
    if (!name)
        name = name_of(set, (u64)(s64)(s32)value);
    if (name)
        sb_puts(o, name);
    else
        sb_printf(o, "%#lx", value);
}

static void put_flags(struct strbuf *o, u32 set, u64 value)
{
    const struct lx_set *s = &lx_sets[set];
    const char *sep = "";
    if (s->mask || value == 0) {
        const char *name = name_of(set, value & s->mask);
        if (name && (value & s->mask || !(value & ~s->mask) || set == LX_SET_OPEN)) {
            sb_puts(o, name);
            sep = "|";
            value &= ~s->mask;
        }
    }
    for (u32 i = 0; i < s->n && value; i++) {
        u64 v = s->v[i].value;
        if (v && !(v & s->mask) && (value & v) == v) {
            sb_printf(o, "%s%s", sep, s->v[i].name);
            sep = "|";
            value &= ~v;
        }
    }
    if (value || !sep[0])
        sb_printf(o, value ? "%s%#lx" : "%s%lu", sep, value);
}

const char *lx_errno_name(s64 err)
{
    const char *name = name_of(LX_SET_ERRNO, (u64)err);
    return name ? name : "E?";
}

const char *lx_signal_name(int sig, char buf[16])
{
    const char *name = sig < 32 ? name_of(LX_SET_SIGNAL, (u64)sig) : NULL;
    if (name)
        return name;
    if (sig >= 32 && sig <= 64)
        fmt(buf, 16, "SIGRT_%d", sig - 32);
    else
        fmt(buf, 16, "%d", sig);
    return buf;
}

/* --- memory --- */

static void put_octal(struct strbuf *o, u64 v, u32 digits)
{
    u32 n = 1;
    while (n < 22 && v >> (3 * n))
        n++;
    for (u32 i = n < digits ? digits : n; i-- > 0;)
        sb_putc(o, (char)('0' + (v >> (3 * i) & 7)));
}

static void put_chars(struct strbuf *o, const u8 *s, size_t n)
{
    sb_putc(o, '"');
    for (size_t i = 0; i < n; i++) {
        u8 c = s[i];
        const char *esc = c == '\n'   ? "\\n"
                          : c == '\t' ? "\\t"
                          : c == '\r' ? "\\r"
                          : c == '"'  ? "\\\""
                          : c == '\\' ? "\\\\"
                                      : NULL;
        if (esc)
            sb_puts(o, esc);
        else if (c >= 32 && c < 127)
            sb_putc(o, (char)c);
        else {
            sb_putc(o, '\\');
            put_octal(o, c, i + 1 < n && s[i + 1] >= '0' && s[i + 1] <= '9' ? 3 : 1);
        }
    }
    sb_putc(o, '"');
}

static void put_address(struct strbuf *o, u64 p)
{
    if (p)
        sb_printf(o, "%#lx", p);
    else
        sb_puts(o, "NULL");
}

static void put_bytes(struct lx_thread *t, struct strbuf *o, gva_t p, u64 n)
{
    u8 data[STRING_MAX];
    size_t shown = n < sizeof data ? n : sizeof data;
    if (!p || lx_read(t, data, p, shown)) {
        put_address(o, p);
        return;
    }
    put_chars(o, data, shown);
    if (n > shown)
        sb_puts(o, "...");
}

static void put_str(struct lx_thread *t, struct strbuf *o, gva_t p)
{
    char text[PATH_SHOWN];
    s64 n = p ? lx_read_str(t, text, p, sizeof text) : -EFAULT;
    if (n == -ENAMETOOLONG) {
        if (lx_read(t, text, p, sizeof text - 1)) {
            put_address(o, p);
            return;
        }
        put_chars(o, (const u8 *)text, sizeof text - 1);
        sb_puts(o, "...");
    } else if (n < 0) {
        put_address(o, p);
    } else {
        put_chars(o, (const u8 *)text, (size_t)n);
    }
}

/* --- structures --- */

static void put_sigset(struct strbuf *o, u64 set)
{
    char buf[16];
    const char *sep = "";
    bool invert = __builtin_popcountll(set) > 32;
    if (invert) {
        set = ~set;
        sb_putc(o, '~');
    }
    sb_putc(o, '[');
    for (int sig = 1; sig <= 64; sig++) {
        if (set >> (sig - 1) & 1) {
            const char *name = lx_signal_name(sig, buf);
            sb_printf(o, "%s%s", sep, strncmp(name, "SIG", 3) == 0 ? name + 3 : name);
            sep = " ";
        }
    }
    sb_putc(o, ']');
}

static void put_siginfo(struct strbuf *o, const siginfo_t *info)
{
    static const struct {
        u8 sig;
        s8 code;
        const char *name;
    } codes[] = {
        {SIGSEGV, 1, "SEGV_MAPERR"}, {SIGSEGV, 2, "SEGV_ACCERR"},   {SIGBUS, 1, "BUS_ADRALN"},
        {SIGBUS, 2, "BUS_ADRERR"},   {SIGILL, 1, "ILL_ILLOPC"},     {SIGFPE, 1, "FPE_INTDIV"},
        {SIGTRAP, 1, "TRAP_BRKPT"},  {SIGTRAP, 2, "TRAP_TRACE"},    {SIGCHLD, 1, "CLD_EXITED"},
        {SIGCHLD, 2, "CLD_KILLED"},  {SIGCHLD, 3, "CLD_DUMPED"},    {SIGCHLD, 4, "CLD_TRAPPED"},
        {SIGCHLD, 5, "CLD_STOPPED"}, {SIGCHLD, 6, "CLD_CONTINUED"},
    };
    char buf[16];
    int sig = info->si_signo, code = info->si_code;
    const char *name = name_of(LX_SET_SICODE, (u64)(s64)code);
    for (size_t i = 0; i < ARRAY_LEN(codes) && !name; i++) {
        if (codes[i].sig == sig && codes[i].code == code)
            name = codes[i].name;
    }
    sb_printf(o, "{si_signo=%s, si_code=", lx_signal_name(sig, buf));
    if (name)
        sb_puts(o, name);
    else
        sb_printf(o, "%d", code);
    if (sig == SIGCHLD && code > 0)
        sb_printf(o, ", si_pid=%d, si_uid=%u, si_status=%d", info->si_pid, info->si_uid, info->si_status);
    else if (code > 0 && code != 128)
        sb_printf(o, ", si_addr=%#lx", (u64)info->si_addr);
    else if (code == -2)
        sb_printf(o, ", si_timerid=%d, si_overrun=%d", info->si_timerid, info->si_overrun);
    else if (code != 128)
        sb_printf(o, ", si_pid=%d, si_uid=%u", info->si_pid, info->si_uid);
    if (code == -1 || code == -2 || code == -3)
        sb_printf(o, ", si_value=%#lx", (u64)info->si_value.sival_ptr);
    sb_putc(o, '}');
}

static void put_struct(struct lx_thread *t, struct strbuf *o, u32 type, gva_t p)
{
    char name[16];
    static const u16 sizes[LX_STRUCT_COUNT] = {
        [LX_STRUCT_TIMESPEC] = LX_SIZE_timespec,
        [LX_STRUCT_TIMEVAL] = LX_SIZE_timeval,
        [LX_STRUCT_ITIMERSPEC] = LX_SIZE_itimerspec,
        [LX_STRUCT_ITIMERVAL] = LX_SIZE_itimerval,
        [LX_STRUCT_RLIMIT] = LX_SIZE_rlimit,
        [LX_STRUCT_STAT] = LX_SIZE_stat,
        [LX_STRUCT_SIGSET] = LX_SIZE_sigset,
        [LX_STRUCT_SIGINFO] = LX_SIZE_siginfo,
        [LX_STRUCT_SIGACTION] = LX_SIZE_sigaction,
        [LX_STRUCT_STACK] = LX_SIZE_stack,
        [LX_STRUCT_EPOLL_EVENT] = LX_SIZE_epoll_event,
        [LX_STRUCT_FDPAIR] = LX_SIZE_fdpair,
        [LX_STRUCT_U32] = LX_SIZE_u32,
        [LX_STRUCT_WSTATUS] = LX_SIZE_wstatus,
        [LX_STRUCT_U64] = LX_SIZE_u64,
        [LX_STRUCT_UTSNAME] = LX_SIZE_utsname,
        [LX_STRUCT_OPEN_HOW] = LX_SIZE_open_how,
        [LX_STRUCT_STATX] = 96,
        [LX_STRUCT_SCHED_PARAM] = LX_SIZE_sched_param,
    };
    union {
        u8 bytes[LX_SIZE_utsname];
        u64 q[16];
        u32 w[32];
        siginfo_t info;
    } v = {0};
    u32 size = sizes[type] + (type == LX_STRUCT_SIGACTION && t->proc->abi->restorer ? 8 : 0);
    if (!p || !size || lx_read(t, &v, p, size)) {
        put_address(o, p);
        return;
    }
    switch (type) {
    case LX_STRUCT_TIMESPEC:
        sb_printf(o, "{tv_sec=%ld, tv_nsec=%ld}", (s64)v.q[0], (s64)v.q[1]);
        break;
    case LX_STRUCT_TIMEVAL:
        sb_printf(o, "{tv_sec=%ld, tv_usec=%ld}", (s64)v.q[0], (s64)v.q[1]);
        break;
    case LX_STRUCT_ITIMERSPEC:
        sb_printf(o, "{it_interval={tv_sec=%ld, tv_nsec=%ld}, it_value={tv_sec=%ld, tv_nsec=%ld}}", (s64)v.q[0],
                  (s64)v.q[1], (s64)v.q[2], (s64)v.q[3]);
        break;
    case LX_STRUCT_ITIMERVAL:
        sb_printf(o, "{it_interval={tv_sec=%ld, tv_usec=%ld}, it_value={tv_sec=%ld, tv_usec=%ld}}", (s64)v.q[0],
                  (s64)v.q[1], (s64)v.q[2], (s64)v.q[3]);
        break;
    case LX_STRUCT_RLIMIT:
        for (int i = 0; i < 2; i++) {
            sb_puts(o, i ? ", rlim_max=" : "{rlim_cur=");
            if (v.q[i] == ~0ull)
                sb_puts(o, "RLIM64_INFINITY");
            else
                sb_printf(o, "%lu", v.q[i]);
        }
        sb_putc(o, '}');
        break;
    case LX_STRUCT_STAT:
        sb_puts(o, "{st_mode=");
        put_enum(o, LX_SET_STAT_TYPE, v.w[4] & 0xf000);
        sb_putc(o, '|');
        put_octal(o, v.w[4] & 07777, 4);
        sb_puts(o, ", ");
        if ((v.w[4] & 0xf000) == 0020000 || (v.w[4] & 0xf000) == 0060000)
            sb_printf(o, "st_rdev=%#lx, ...}", v.q[4]);
        else
            sb_printf(o, "st_size=%ld, ...}", (s64)v.q[6]);
        break;
    case LX_STRUCT_STATX: {
        u16 mode;
        memcpy(&mode, v.bytes + 28, 2);
        sb_printf(o, "{stx_mask=%#x, stx_mode=", v.w[0]);
        put_enum(o, LX_SET_STAT_TYPE, mode & 0xf000);
        sb_putc(o, '|');
        put_octal(o, mode & 07777, 4);
        sb_printf(o, ", stx_size=%lu, ...}", v.q[5]);
        break;
    }
    case LX_STRUCT_SIGSET:
        put_sigset(o, v.q[0]);
        break;
    case LX_STRUCT_SIGINFO:
        put_siginfo(o, &v.info);
        break;
    case LX_STRUCT_SIGACTION:
        sb_puts(o, "{sa_handler=");
        if (v.q[0] <= 1)
            sb_puts(o, v.q[0] ? "SIG_IGN" : "SIG_DFL");
        else
            sb_printf(o, "%#lx", v.q[0]);
        sb_puts(o, ", sa_mask=");
        put_sigset(o, v.q[t->proc->abi->restorer ? 3 : 2]);
        sb_puts(o, ", sa_flags=");
        put_flags(o, LX_SET_SIGACTION, v.q[1]);
        if (v.q[1] & LX_SA_RESTORER && t->proc->abi->restorer)
            sb_printf(o, ", sa_restorer=%#lx", v.q[2]);
        sb_putc(o, '}');
        break;
    case LX_STRUCT_STACK:
        sb_printf(o, "{ss_sp=%#lx, ss_flags=", v.q[0]);
        put_flags(o, LX_SET_ALTSTACK, v.w[2]);
        sb_printf(o, ", ss_size=%lu}", v.q[2]);
        break;
    case LX_STRUCT_EPOLL_EVENT:
        sb_puts(o, "{events=");
        put_flags(o, LX_SET_EPOLL_EVENTS, v.w[0]);
        sb_printf(o, ", data=%#lx}", v.q[1]);
        break;
    case LX_STRUCT_FDPAIR:
        sb_printf(o, "[%d, %d]", (s32)v.w[0], (s32)v.w[1]);
        break;
    case LX_STRUCT_WSTATUS:
        if ((v.w[0] & 0x7f) == 0)
            sb_printf(o, "[{WIFEXITED(s) && WEXITSTATUS(s) == %u}]", v.w[0] >> 8 & 0xff);
        else if ((v.w[0] & 0xff) == 0x7f)
            sb_printf(o, "[{WIFSTOPPED(s) && WSTOPSIG(s) == %s}]", lx_signal_name((s32)(v.w[0] >> 8 & 0xff), name));
        else if (v.w[0] == 0xffff)
            sb_puts(o, "[{WIFCONTINUED(s)}]");
        else
            sb_printf(o, "[{WIFSIGNALED(s) && WTERMSIG(s) == %s%s}]", lx_signal_name((s32)(v.w[0] & 0x7f), name),
                      v.w[0] & 0x80 ? " && WCOREDUMP(s)" : "");
        break;
    case LX_STRUCT_U32:
    case LX_STRUCT_SCHED_PARAM:
        sb_printf(o, "[%d]", (s32)v.w[0]);
        break;
    case LX_STRUCT_U64:
        sb_printf(o, "[%ld]", (s64)v.q[0]);
        break;
    case LX_STRUCT_UTSNAME:
        sb_printf(o, "{sysname=\"%.65s\", nodename=\"%.65s\", release=\"%.65s\", ..., machine=\"%.65s\"}",
                  (char *)v.bytes, (char *)v.bytes + 65, (char *)v.bytes + 130, (char *)v.bytes + 260);
        break;
    case LX_STRUCT_OPEN_HOW:
        sb_puts(o, "{flags=");
        put_flags(o, LX_SET_OPEN, lx_open_flags(t, v.q[0]));
        sb_puts(o, ", mode=");
        put_octal(o, v.q[1], 4);
        sb_puts(o, ", resolve=");
        put_flags(o, LX_SET_RESOLVE, v.q[2]);
        sb_putc(o, '}');
        break;
    default:
        put_address(o, p);
        break;
    }
}

/* --- arrays, addresses, messages --- */

enum { SHOWN = 8 };

static void put_argv(struct lx_thread *t, struct strbuf *o, gva_t p)
{
    u64 s;
    sb_putc(o, '[');
    for (u32 i = 0; !lx_read(t, &s, p + i * 8, 8) && s; i++) {
        sb_puts(o, i ? ", " : "");
        if (i == 4 * SHOWN) {
            sb_puts(o, "...");
            break;
        }
        put_str(t, o, s);
    }
    sb_putc(o, ']');
}

static void put_envp(struct lx_thread *t, struct strbuf *o, gva_t p)
{
    u64 s;
    u32 n = 0;
    while (n < 100000 && !lx_read(t, &s, p + n * 8, 8) && s)
        n++;
    sb_printf(o, "%#lx /* %u vars */", p, n);
}

/* total: bytes moved, for what a call wrote; ~0 when the array says all. */
static void put_iovec(struct lx_thread *t, struct strbuf *o, gva_t p, u64 n, u64 total)
{
    u64 v[2];
    if (!p || lx_read(t, v, p, 1)) {
        put_address(o, p);
        return;
    }
    sb_putc(o, '[');
    for (u64 i = 0; i < n; i++) {
        sb_puts(o, i ? ", " : "");
        if (i == SHOWN || lx_read(t, v, p + i * 16, sizeof v)) {
            sb_puts(o, "...");
            break;
        }
        u64 len = v[1] < total ? v[1] : total;
        sb_puts(o, "{iov_base=");
        put_bytes(t, o, v[0], len);
        sb_printf(o, ", iov_len=%lu}", v[1]);
        total -= total == ~0ull ? 0 : len;
    }
    sb_putc(o, ']');
}

static void put_sockaddr(struct lx_thread *t, struct strbuf *o, gva_t p, u64 len)
{
    union {
        u8 b[128];
        u16 family;
    } a = {0};
    if (len > sizeof a)
        len = sizeof a;
    if (!p || len < 2 || lx_read(t, &a, p, len)) {
        put_address(o, p);
        return;
    }
    sb_puts(o, "{sa_family=");
    put_enum(o, LX_SET_AF, a.family);
    u32 port = (u32)a.b[2] << 8 | a.b[3];
    if (a.family == 1 && len > 2) {
        bool abstract = !a.b[2];
        const u8 *path = a.b + 2 + abstract;
        sb_puts(o, abstract ? ", sun_path=@" : ", sun_path=");
        put_chars(o, path, abstract ? len - 3 : strnlen((const char *)path, len - 2));
    } else if (a.family == 2 && len >= 8) {
        sb_printf(o, ", sin_port=htons(%u), sin_addr=inet_addr(\"%u.%u.%u.%u\")", port, a.b[4], a.b[5], a.b[6], a.b[7]);
    } else if (a.family == 10 && len >= 24) {
        sb_printf(o, ", sin6_port=htons(%u), sin6_addr=", port);
        for (u32 i = 8; i < 24; i += 2)
            sb_printf(o, "%s%x", i > 8 ? ":" : "", (u32)a.b[i] << 8 | a.b[i + 1]);
    } else if (len > 2) {
        sb_puts(o, ", sa_data=");
        put_chars(o, a.b + 2, len - 2 < 14 ? len - 2 : 14);
    }
    sb_putc(o, '}');
}

static void put_msghdr(struct lx_thread *t, struct strbuf *o, gva_t p, u64 total)
{
    u64 m[7];
    if (!p || lx_read(t, m, p, sizeof m)) {
        put_address(o, p);
        return;
    }
    sb_puts(o, "{msg_name=");
    put_sockaddr(t, o, m[0], (u32)m[1]);
    sb_printf(o, ", msg_namelen=%d, msg_iov=", (s32)m[1]);
    put_iovec(t, o, m[2], m[3], total);
    sb_printf(o, ", msg_iovlen=%lu, msg_controllen=%lu, msg_flags=", m[3], m[5]);
    put_flags(o, LX_SET_MSGFLAGS, (u32)m[6]);
    sb_putc(o, '}');
}

static void put_pollfds(struct lx_thread *t, struct strbuf *o, gva_t p, u32 n, bool results)
{
    struct {
        s32 fd;
        u16 events, revents;
    } f;
    if (!p || lx_read(t, &f, p, sizeof f)) {
        put_address(o, p);
        return;
    }
    sb_putc(o, '[');
    for (u32 i = 0; i < n; i++) {
        sb_puts(o, i ? ", " : "");
        if (i == SHOWN || lx_read(t, &f, p + i * sizeof f, sizeof f)) {
            sb_puts(o, "...");
            break;
        }
        sb_printf(o, "{fd=%d, events=", f.fd);
        put_flags(o, LX_SET_POLL, f.events);
        if (results) {
            sb_puts(o, ", revents=");
            put_flags(o, LX_SET_POLL, f.revents);
        }
        sb_putc(o, '}');
    }
    sb_putc(o, ']');
}

/* --- a call --- */

static u64 extent(const struct lx_thread *t, const struct lx_arg *arg)
{
    u64 n = arg->size_arg ? t->call_arg[arg->size_arg - 1] : 1;
    return call_mul(n, arg->scale);
}

static void put_arg(struct lx_thread *t, struct strbuf *o, const struct lx_call *c, u32 i, const s64 *result)
{
    char buf[16];
    const struct lx_arg *arg = &c->args[i];
    u64 v = t->call_arg[i];
    u64 done = result && *result >= 0 && c->ret == LX_RET_SIZE ? (u64)*result : result ? 0 : ~0ull;
    switch (arg->kind) {
    case LX_ARG_INT:
    case LX_ARG_FD:
    case LX_ARG_PID:
        sb_printf(o, "%d", (s32)v);
        break;
    case LX_ARG_UID:
    case LX_ARG_GID:
        sb_printf(o, (s32)v == -1 ? "-1" : "%u", (u32)v);
        break;
    case LX_ARG_DIRFD:
        if ((s32)v == -100)
            sb_puts(o, "AT_FDCWD");
        else
            sb_printf(o, "%d", (s32)v);
        break;
    case LX_ARG_UINT:
        sb_printf(o, "%u", (u32)v);
        break;
    case LX_ARG_LONG:
    case LX_ARG_OFF:
        sb_printf(o, "%ld", (s64)v);
        break;
    case LX_ARG_ULONG:
    case LX_ARG_SIZE:
        sb_printf(o, "%lu", v);
        break;
    case LX_ARG_OCT:
        put_octal(o, (u32)v, 4);
        break;
    case LX_ARG_SIG:
        sb_puts(o, lx_signal_name((s32)v, buf));
        break;
    case LX_ARG_FLAGS:
        put_flags(o, arg->set,
                  arg->set == LX_SET_OPEN || arg->set == LX_SET_FDFLAGS ? lx_open_flags(t, (u32)v) : (u32)v);
        break;
    case LX_ARG_ENUM:
        if (lx_sets[arg->set].mask)
            put_flags(o, arg->set, (u32)v);
        else
            put_enum(o, arg->set, (u32)v);
        break;
    case LX_ARG_STR:
    case LX_ARG_PATH:
        put_str(t, o, v);
        break;
    case LX_ARG_IN:
    case LX_ARG_OUT:
    case LX_ARG_INOUT:
        if (arg->kind == LX_ARG_OUT && (!result || *result < 0))
            put_address(o, v);
        else if (arg->type)
            put_struct(t, o, arg->type, v);
        else if (arg->scale == 1 && arg->size_arg)
            put_bytes(t, o, v, arg->kind == LX_ARG_OUT && c->ret == LX_RET_SIZE ? (u64)*result : extent(t, arg));
        else
            put_address(o, v);
        break;
    case LX_ARG_ADDR:
    case LX_ARG_PTR:
    case LX_ARG_MEM:
        put_address(o, v);
        break;
    case LX_ARG_ARGV:
        put_argv(t, o, v);
        break;
    case LX_ARG_ENVP:
        put_envp(t, o, v);
        break;
    case LX_ARG_IOVEC:
        put_iovec(t, o, v, t->call_arg[i + 1], done);
        break;
    case LX_ARG_MSGHDR:
        put_msghdr(t, o, v, done);
        break;
    case LX_ARG_SOCKADDR:
        put_sockaddr(t, o, v, (u32)t->call_arg[i + 1]);
        break;
    case LX_ARG_SOCKADDR_OUT: {
        u32 len = 0;
        if (result && *result >= 0 && !lx_read(t, &len, t->call_arg[i + 1], sizeof len))
            put_sockaddr(t, o, v, len);
        else
            put_address(o, v);
        break;
    }
    case LX_ARG_POLLFDS:
        put_pollfds(t, o, v, (u32)t->call_arg[i + 1], result != NULL);
        break;
    default:
        sb_printf(o, "%#lx", v);
        break;
    }
}

static void put_head(const struct lx_thread *t, struct strbuf *o)
{
    sb_printf(o, "[%d] ", t->tid);
}

/* The last character of a line that was too long for its buffer is still its end. */
static void flush(struct strbuf *o)
{
    sb_putc(o, '\n');
    if (o->lost && o->len)
        o->text[o->len - 1] = '\n';
    mk_console(o->text, o->len);
}

/* Is this argument shown as it is after the call? */
static bool is_result(const struct lx_thread *t, const struct lx_call *c, u32 i)
{
    switch (c->args[i].kind) {
    case LX_ARG_OUT:
    case LX_ARG_SOCKADDR_OUT:
    case LX_ARG_POLLFDS:
        return true;
    case LX_ARG_IOVEC:
        return t->call_nr == LX_NR_readv || t->call_nr == LX_NR_preadv || t->call_nr == LX_NR_preadv2;
    case LX_ARG_MSGHDR:
        return t->call_nr == LX_NR_recvmsg;
    default:
        return false;
    }
}

static void put_next(struct lx_thread *t, struct lx_strace *s, const s64 *result)
{
    u32 i = s->next++;
    enum { CREAT = 0100, TMPFILE = 020200000 };
    u64 flags = lx_open_flags(t, t->call_arg[2]);
    if (t->call_nr == LX_NR_openat && i == 3 && !(flags & CREAT) && (flags & TMPFILE) != TMPFILE)
        return; /* a mode that means nothing */
    sb_puts(&s->text, i ? ", " : "");
    put_arg(t, &s->text, s->call, i, result);
}

void lx_strace_enter(struct lx_thread *t, struct lx_strace *s, const struct lx_call *c)
{
    s->outer = current;
    s->call = c;
    s->next = 0;
    current = s;
    sb_fixed(&s->text, s->buf, sizeof s->buf);
    put_head(t, &s->text);
    if (!c) {
        sb_printf(&s->text, "syscall_%lu(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx", t->call_nr, t->call_arg[0],
                  t->call_arg[1], t->call_arg[2], t->call_arg[3], t->call_arg[4], t->call_arg[5]);
        return;
    }
    sb_printf(&s->text, "%s(", c->name);
    while (s->next < c->nargs && !is_result(t, c, s->next)) {
        put_next(t, s, NULL);
    }
    if (c->ret == LX_RET_NONE) {
        sb_puts(&s->text, ") = ?");
        flush(&s->text);
        s->call = NULL;
        s->next = ~0u;
    }
}

static void put_result(struct strbuf *o, const struct lx_call *c, s64 r)
{
    switch (-r) {
    case LX_ERESTARTSYS:
        sb_puts(o, "? ERESTARTSYS (To be restarted if SA_RESTART is set)");
        return;
    case LX_ERESTARTNOINTR:
        sb_puts(o, "? ERESTARTNOINTR (To be restarted)");
        return;
    case LX_ERESTARTNOHAND:
        sb_puts(o, "? ERESTARTNOHAND (To be restarted if no handler)");
        return;
    case LX_ERESTART_RESTARTBLOCK:
        sb_puts(o, "? ERESTART_RESTARTBLOCK (Interrupted by signal)");
        return;
    default:
        break;
    }
    if (r < 0 && r >= -4095) {
        sb_printf(o, "-1 %s", lx_errno_name(-r));
        return;
    }
    switch (c ? c->ret : LX_RET_LONG) {
    case LX_RET_ADDR:
    case LX_RET_HEX:
        sb_printf(o, r ? "%#lx" : "%lu", (u64)r);
        break;
    case LX_RET_OCT:
        put_octal(o, (u64)r, 4);
        break;
    default:
        sb_printf(o, "%ld", r);
        break;
    }
}

void lx_strace_leave(struct lx_thread *t, struct lx_strace *s, s64 result)
{
    const struct lx_call *c = s->call;
    current = s->outer;
    if (s->next == ~0u) /* written already */
        return;
    while (c && s->next < c->nargs)
        put_next(t, s, &result);
    sb_puts(&s->text, ") = ");
    if (result == LX_NO_RESULT)
        sb_puts(&s->text, "0");
    else
        put_result(&s->text, c, result);
    flush(&s->text);
}

void lx_strace_gone(struct lx_thread *t)
{
    if (current && current->next != ~0u) {
        struct lx_strace *s = current;
        lx_strace_leave(t, s, 0);
        s->next = ~0u;
        current = s;
    }
}

void lx_strace_note(const struct lx_thread *t, const char *format, ...)
{
    char buf[256];
    struct strbuf o;
    va_list ap;
    sb_fixed(&o, buf, sizeof buf);
    va_start(ap, format);
    sb_vprintf(&o, format, ap);
    va_end(ap);
    mk_console(o.text, o.len);
}

void lx_strace_signal(const struct lx_thread *t, int sig, const siginfo_t *info)
{
    char buf[512], name[16];
    struct strbuf o;
    if (!t->proc->opt->strace)
        return;
    sb_fixed(&o, buf, sizeof buf);
    put_head(t, &o);
    sb_printf(&o, "--- %s ", lx_signal_name(sig, name));
    put_siginfo(&o, info);
    sb_puts(&o, " ---");
    flush(&o);
}

static void ended(const struct lx_thread *t, const char *how, const char *what)
{
    char buf[128];
    struct strbuf o;
    sb_fixed(&o, buf, sizeof buf);
    put_head(t, &o);
    sb_printf(&o, "+++ %s %s +++", how, what);
    flush(&o);
}

void lx_strace_exit(const struct lx_thread *t, int code)
{
    char text[16];
    if (t->proc->opt->strace) {
        fmt(text, sizeof text, "%d", code);
        ended(t, "exited with", text);
    }
}

void lx_strace_killed(const struct lx_thread *t, int sig)
{
    char name[16];
    if (t->proc->opt->strace)
        ended(t, "killed by", lx_signal_name(sig, name));
}
