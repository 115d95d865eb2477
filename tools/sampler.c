/* Samples where a program and its children are, without perf: `sampler MICROSECONDS FILE COMMAND [ARGUMENT…]`.
 *
 * Every so often it looks how much processor time each thread has had (/proc/PID/task/TID/schedstat), stops those that
 * had some, reads their program counter, and lets them go on. A thread that sleeps is left alone, so that none of
 * its system calls is interrupted. FILE gets a line for each sample:
 *
 *     PID TID ADDRESS-IN-HEXADECIMAL NANOSECONDS-SINCE-THE-LAST-SAMPLE
 *
 * and, for each process, what of its memory is executable, now and then, as lines "map PID LINE" with LINE from
 * /proc/PID/maps. The status is the command's. Uses ptrace; time inside the kernel counts where the thread
 * returns to. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_THREADS 4096

static struct thread {
    pid_t tid, pid;
    unsigned long long ns; /* of processor time at the last sample */
    unsigned long samples;
} threads[MAX_THREADS];
static int nthreads;
static FILE *out;

static pid_t group_of(pid_t tid)
{
    char path[64], line[256];
    pid_t pid = tid;
    snprintf(path, sizeof path, "/proc/%d/status", tid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Tgid: %d", &pid) == 1)
            break;
    if (f)
        fclose(f);
    return pid;
}

static struct thread *thread_of(pid_t tid)
{
    for (int i = 0; i < nthreads; i++)
        if (threads[i].tid == tid)
            return &threads[i];
    if (nthreads == MAX_THREADS) {
        fprintf(stderr, "sampler: too many threads\n");
        exit(1);
    }
    threads[nthreads] = (struct thread){.tid = tid, .pid = group_of(tid)};
    return &threads[nthreads++];
}

static unsigned long long time_of(const struct thread *t)
{
    char path[64];
    unsigned long long ns = t->ns;
    snprintf(path, sizeof path, "/proc/%d/schedstat", t->tid);
    FILE *f = fopen(path, "r");
    if (f) {
        if (fscanf(f, "%llu", &ns) != 1)
            ns = t->ns;
        fclose(f);
    }
    return ns;
}

/* Memory that is executable does not move often: looked at with the first sample and then ever more seldom. */
static void maps_of(struct thread *t)
{
    char path[64], line[512];
    unsigned long n = t->samples++;
    if (n & (n - 1))
        return;
    snprintf(path, sizeof path, "/proc/%d/maps", t->pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strstr(line, "r-x"))
            fprintf(out, "map %d %s", t->pid, line);
    if (f)
        fclose(f);
}

static void sample(struct thread *t)
{
    struct __ptrace_syscall_info at; /* which has the program counter, on every machine alike */
    unsigned long long now = time_of(t);
    if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof at, &at) > 0) {
        maps_of(t);
        fprintf(out, "%d %d %llx %llu\n", t->pid, t->tid, (unsigned long long)at.instruction_pointer, now - t->ns);
    }
    t->ns = now;
}

/* A thread stopped: why, and how it goes on. */
static void stopped(pid_t tid, int status)
{
    struct thread *t = thread_of(tid);
    int sig = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_STOP) {
        if (sig == SIGTRAP)
            sample(t);
        else { /* job control: it stays stopped */
            ptrace(PTRACE_LISTEN, tid, 0, 0);
            return;
        }
    }
    ptrace(PTRACE_CONT, tid, 0, event ? 0 : sig);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    long pause_us = atol(argv[1]);
    out = fopen(argv[2], "we");
    if (!out) {
        perror(argv[2]);
        return 1;
    }
    int go[2];
    char c = 0;
    if (pipe2(go, O_CLOEXEC))
        return 1;
    pid_t child = fork();
    if (child == 0) {
        if (read(go[0], &c, 1) == 1)
            execvp(argv[3], argv + 3);
        perror(argv[3]);
        _exit(127);
    }
    long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL;
    if (child < 0 || ptrace(PTRACE_SEIZE, child, 0, options) || write(go[1], &c, 1) != 1) {
        perror("sampler");
        return 1;
    }
    thread_of(child);
    int result = 0;
    while (nthreads) {
        int status;
        pid_t tid;
        while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
            if (WIFSTOPPED(status)) {
                stopped(tid, status);
                continue;
            }
            *thread_of(tid) = threads[nthreads - 1];
            nthreads--;
            if (tid == child)
                result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        }
        if (tid < 0 && errno == ECHILD)
            break;
        usleep((useconds_t)pause_us);
        for (int i = 0; i < nthreads; i++)
            if (time_of(&threads[i]) > threads[i].ns)
                ptrace(PTRACE_INTERRUPT, threads[i].tid, 0, 0);
    }
    fclose(out);
    return result;
}
