/* SIGSTOP and SIGCONT at a process of several threads that computes, sleeps, translates: the parent sees each stop and
 * each start, and nothing is disturbed. */
#include "stress.h"

static volatile bool stop;
static volatile long wrong, continued;

static void on_cont(int sig, siginfo_t *si, void *uc)
{
    continued++;
}
static void *worker(void *arg)
{
    char *code = must_map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    uint64_t want = work(8, 3000);
    struct timespec ts = {0, 200000};
    for (unsigned i = 0; !stop; i++) {
        wrong += work(8, 3000) != want;
        flush_code(code, code_sum(code, i % 60, 2));
        wrong += ((code_fn *)code)() != (int)(i % 60 * 2);
        if (arg && i % 8 == 0 && nanosleep(&ts, NULL) && errno != EINTR)
            wrong++;
    }
    return NULL;
}
static void on_term(int sig, siginfo_t *si, void *uc)
{
    stop = true;
}

static void child(void)
{
    pthread_t t[3];
    on(SIGCONT, on_cont, SA_RESTART);
    on(SIGTERM, on_term, SA_RESTART);
    for (intptr_t i = 0; i < 3; i++)
        must_start(&t[i], worker, (void *)(i & 1));
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    _exit(wrong ? 1 : continued ? 0 : 2);
}

int main(void)
{
    int st, stops = 0, starts = 0;
    pid_t p = fork();
    if (!p)
        child();
    msleep(30);
    for (int i = 0; i < 40; i++) {
        kill(p, i % 2 ? SIGSTOP : SIGTSTP);
        if (waitpid(p, &st, WUNTRACED) == p && WIFSTOPPED(st) && WSTOPSIG(st) == (i % 2 ? SIGSTOP : SIGTSTP))
            stops++;
        else
            status("not stopped", st);
        kill(p, SIGCONT);
        if (waitpid(p, &st, WCONTINUED) == p && WIFCONTINUED(st))
            starts++;
        msleep(2);
    }
    /* Signals that come while it is stopped are delivered after. */
    kill(p, SIGSTOP);
    waitpid(p, &st, WUNTRACED);
    kill(p, SIGTERM);
    kill(p, SIGCONT);
    waitpid(p, &st, 0);
    printf("%d stops, %d starts, ", stops, starts);
    status("end", st);
    p = fork();
    if (!p)
        for (;;)
            pause();
    kill(p, SIGSTOP);
    waitpid(p, &st, WUNTRACED);
    kill(p, SIGKILL);
    waitpid(p, &st, 0);
    status("killed while stopped", st);
    return 0;
}
