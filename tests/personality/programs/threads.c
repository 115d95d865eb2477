/* Threads: clone, join, thread-local storage, locks of all kinds, signals to threads, ends. */
#include "util.h"

#include <linux/futex.h>
#include <semaphore.h>

static __thread int local = 5;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long shared, turn;

static void *adder(void *arg)
{
    local += (int)(intptr_t)arg;
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&lock);
        shared++;
        pthread_mutex_unlock(&lock);
        __atomic_fetch_add(&turn, 1, __ATOMIC_SEQ_CST);
    }
    return (void *)(intptr_t)local;
}

static void basics(void)
{
    pthread_t t[8];
    long sum = 0;
    for (int i = 0; i < 8; i++)
        pthread_create(&t[i], NULL, adder, (void *)(intptr_t)i);
    for (int i = 0; i < 8; i++) {
        void *r;
        pthread_join(t[i], &r);
        sum += (intptr_t)r;
    }
    printf("%ld %ld %ld local %d\n", shared, turn, sum, local);
}

static void *ping(void *arg)
{
    long me = (intptr_t)arg;
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&lock);
        while (turn % 2 != me)
            pthread_cond_wait(&cond, &lock);
        turn++;
        pthread_cond_broadcast(&cond);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void conditions(void)
{
    pthread_t a, b;
    turn = 0;
    pthread_create(&a, NULL, ping, (void *)0);
    pthread_create(&b, NULL, ping, (void *)1);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    value("turns", turn);
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += 20000000;
    ts.tv_sec += ts.tv_nsec / 1000000000;
    ts.tv_nsec %= 1000000000;
    pthread_mutex_lock(&lock);
    value("timed wait", pthread_cond_timedwait(&cond, &lock, &ts) == ETIMEDOUT);
    pthread_mutex_unlock(&lock);
}

static void *many(void *arg)
{
    __atomic_fetch_add(&shared, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void churn(void)
{
    shared = 0;
    for (int i = 0; i < 300; i++) {
        pthread_t t;
        if (pthread_create(&t, NULL, many, NULL))
            printf("create failed\n");
        pthread_join(t, NULL);
    }
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < 100; i++) {
        pthread_t t;
        while (pthread_create(&t, &attr, many, NULL))
            msleep(1);
    }
    while (__atomic_load_n(&shared, __ATOMIC_SEQ_CST) < 400)
        msleep(1);
    value("ran", shared);
}

/* --- robust and priority-inheriting locks --- */

static pthread_mutex_t *robust;

static sem_t ready;
static void *die_holding(void *arg)
{
    pthread_mutex_lock(robust);
    if (arg) {
        sem_post(&ready);
        msleep(30); /* the other waits by now */
    }
    return NULL;
}

static void *hold_on(void *how)
{
    pthread_mutex_lock(robust);
    sem_post(&ready);
    while ((intptr_t)how == 1)
        pause();
    if ((intptr_t)how == 3 && !vfork()) { /* until it ends, nothing but SIGKILL wakes this thread */
        syscall(SYS_nanosleep, &(struct timespec){2, 0}, NULL);
        _exit(0);
    }
    for (;;)
        ;
}

static void robust_locks(int protocol, int shared_between)
{
    pthread_mutexattr_t ma;
    robust = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_init(&ma);
    pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&ma, protocol);
    pthread_mutexattr_setpshared(&ma, shared_between);
    value("init", pthread_mutex_init(robust, &ma));
    pthread_t t;
    pthread_create(&t, NULL, die_holding, NULL);
    pthread_join(t, NULL);
    value("owner died", pthread_mutex_lock(robust) == EOWNERDEAD);
    value("consistent", pthread_mutex_consistent(robust));
    pthread_mutex_unlock(robust);
    value("lock", pthread_mutex_lock(robust));
    pthread_mutex_unlock(robust);
    if (shared_between == PTHREAD_PROCESS_SHARED) {
        fflush(stdout);
        if (!fork()) {
            pthread_mutex_lock(robust);
            _exit(0);
        }
        wait(NULL);
        value("process died", pthread_mutex_lock(robust) == EOWNERDEAD);
        pthread_mutex_consistent(robust);
        pthread_mutex_unlock(robust);
        /* So does one that another thread holds when its process ends, asleep, busy or in vfork. */
        for (intptr_t how = 1; how <= 3; how++) {
            if (!fork()) {
                sem_init(&ready, 0, 0);
                pthread_create(&t, NULL, hold_on, (void *)how);
                sem_wait(&ready);
                if (how == 3)
                    msleep(100);
                _exit(0);
            }
            wait(NULL);
            value("other thread's", pthread_mutex_lock(robust) == EOWNERDEAD);
            if (how < 3)
                pthread_mutex_consistent(robust);
            pthread_mutex_unlock(robust);
        }
        value("not recoverable", pthread_mutex_lock(robust) == ENOTRECOVERABLE);
    } else {
        /* A waiter is woken. */
        sem_init(&ready, 0, 0);
        pthread_create(&t, NULL, die_holding, &ready);
        sem_wait(&ready);
        value("waiter", pthread_mutex_lock(robust) == EOWNERDEAD);
        pthread_join(t, NULL);
    }
    munmap(robust, PAGE);
}

static pthread_mutex_t pi;
static void *pi_user(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&pi);
        shared++;
        pthread_mutex_unlock(&pi);
    }
    return NULL;
}

static void pi_locks(void)
{
    pthread_mutexattr_t ma;
    pthread_mutexattr_init(&ma);
    pthread_mutexattr_setprotocol(&ma, PTHREAD_PRIO_INHERIT);
    value("init", pthread_mutex_init(&pi, &ma));
    shared = 0;
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, pi_user, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    value("counted", shared);
}

/* --- futexes by hand --- */

static uint32_t word, word2;
static long futex(uint32_t *w, int op, uint32_t val, void *timeout, uint32_t *w2, uint32_t val3)
{
    return syscall(SYS_futex, w, op, val, timeout, w2, val3);
}

static void *futex_waiter(void *arg)
{
    futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return NULL;
}

static void futexes(void)
{
    struct timespec ts = {0, 10000000};
    result("again", futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
    result("timeout", futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0));
    result("unaligned", futex((uint32_t *)((char *)&word + 1), FUTEX_WAIT, 0, &ts, NULL, 0));
    result("nowhere", futex((uint32_t *)64, FUTEX_WAIT, 0, &ts, NULL, 0));
    result("bad pointer", futex((uint32_t *)(-1ul << 40), FUTEX_WAKE, 1, NULL, NULL, 0));
    result("bad op", futex(&word, 99, 0, NULL, NULL, 0));
    result("wake", futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
    result("bitset 0", futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
    result("wake op", futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 0)));
    value("word2", word2);
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, futex_waiter, NULL);
    msleep(50);
    result("requeue", futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)10, &word2, 0));
    result("wake requeued", futex(&word2, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    result("unlock pi of another", futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    result("lock pi", futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    value("owner", word == gettid_());
    result("trylock pi", futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
    result("unlock pi", futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    result("robust list size", syscall(SYS_set_robust_list, &word, 8));
    void *head;
    size_t len;
    result("robust list", syscall(SYS_get_robust_list, 0, &head, &len));
    value("size", (long)len);
}

/* --- signals to threads --- */

static volatile int seen_by;
static void by_whom(int sig, siginfo_t *si, void *uc)
{
    seen_by = (int)gettid_();
}

static volatile bool stop_now;
static volatile int worker_tid;
static void *worker(void *arg)
{
    worker_tid = (int)gettid_();
    sem_post(&ready);
    if (arg) {
        while (!stop_now) /* in translated code all the time */
            ;
    } else {
        sigset_t none;
        sigemptyset(&none);
        while (!stop_now)
            sigsuspend(&none);
    }
    return NULL;
}

static void thread_signals(void)
{
    sem_init(&ready, 0, 0);
    on(SIGUSR1, by_whom, 0);
    for (int spin = 0; spin < 2; spin++) {
        sigset_t set, old;
        pthread_t t;
        stop_now = false;
        seen_by = 0;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        if (!spin)
            pthread_sigmask(SIG_BLOCK, &set, &old);
        pthread_create(&t, NULL, worker, spin ? &ready : NULL);
        sem_wait(&ready);
        pthread_kill(t, SIGUSR1);
        while (!seen_by)
            sched_yield();
        value("right thread", seen_by == worker_tid);
        /* To the process: the one that does not block it. */
        if (!spin)
            pthread_sigmask(SIG_SETMASK, &old, NULL);
        pthread_sigmask(SIG_BLOCK, &set, &old);
        seen_by = 0;
        kill(getpid(), SIGUSR1);
        while (!seen_by)
            sched_yield();
        value("thread that takes it", seen_by == worker_tid);
        stop_now = true;
        pthread_kill(t, SIGUSR1);
        pthread_join(t, NULL);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
    }
    result("no such thread", syscall(SYS_tgkill, getpid(), 4000000, 0));
    result("other process", syscall(SYS_tgkill, 1, getpid(), 0));
}

static void *canceled(void *arg)
{
    sem_post(&ready);
    for (;;)
        pause();
}

static void *spin_forever(void *arg)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    sem_post(&ready);
    for (;;)
        ;
}

static void cancellation(void)
{
    pthread_t t;
    void *r;
    pthread_create(&t, NULL, canceled, NULL);
    sem_wait(&ready);
    pthread_cancel(t);
    pthread_join(t, &r);
    value("canceled", r == PTHREAD_CANCELED);
    pthread_create(&t, NULL, spin_forever, NULL);
    sem_wait(&ready);
    pthread_cancel(t);
    pthread_join(t, &r);
    value("canceled", r == PTHREAD_CANCELED);
}

/* --- ends --- */

static void *exit_group_from(void *arg)
{
    exit(7);
}
static void *exit_later(void *arg)
{
    msleep(50);
    printf("the last thread\n");
    fflush(stdout);
    return NULL;
}
static void *leave_last(void *arg)
{
    msleep(50);
    syscall(SYS_exit, 9);
    return NULL;
}
static void *exec_from(void *arg)
{
    execl("/proc/self/exe", "threads", "child", NULL);
    perror("exec");
    return NULL;
}
static void *fork_from(void *arg)
{
    pid_t p = fork();
    if (!p) {
        /* Only this thread is left, and it works. */
        pthread_t t;
        shared = 0;
        pthread_create(&t, NULL, many, NULL);
        pthread_join(t, NULL);
        _exit(shared == 1 && gettid_() == getpid() ? 3 : 4);
    }
    int st;
    waitpid(p, &st, 0);
    status("forked from a thread", st);
    return NULL;
}

static void *fork_and_leave(void *arg)
{
    pid_t p = fork();
    if (!p)
        syscall(SYS_exit, 6); /* the only thread is the first one now */
    int st;
    waitpid(p, &st, 0);
    status("left alone by fork", st);
    return NULL;
}

static void ends(void)
{
    int st;
    void *(*const fns[])(void *) = {exit_group_from, exit_later, exec_from};
    for (int i = 0; i < 3; i++) {
        fflush(stdout);
        if (!fork()) {
            pthread_t t;
            pthread_create(&t, NULL, fns[i], NULL);
            if (i == 1)
                pthread_exit(NULL);
            if (i == 2)
                for (;;)
                    ;
            for (;;)
                pause();
        }
        wait(&st);
        status("process", st);
    }
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        if (!fork()) {
            pthread_t t;
            pthread_create(&t, NULL, i ? leave_last : exit_later, NULL);
            syscall(SYS_exit, 6); /* of this thread only */
        }
        wait(&st);
        status("first thread left", st);
    }
    pthread_t t;
    pthread_create(&t, NULL, fork_from, NULL);
    pthread_join(t, NULL);
    pthread_create(&t, NULL, fork_and_leave, NULL);
    pthread_join(t, NULL);
}

/* Forks while other threads make and run things. */
static void *busy(void *arg)
{
    while (!stop_now) {
        void *p = malloc(1000 + (rand() & 1023));
        memset(p, 1, 1000);
        free(p);
        pthread_mutex_lock(&lock);
        shared++;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void fork_storm(void)
{
    pthread_t t[3];
    int good = 0;
    stop_now = false;
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, busy, NULL);
    for (int i = 0; i < 40; i++) {
        pid_t p = fork();
        if (!p)
            _exit(sigabbrev_np(i % 30 + 1)[0] & 1);
        int st;
        waitpid(p, &st, 0);
        good += WIFEXITED(st) && WEXITSTATUS(st) == (sigabbrev_np(i % 30 + 1)[0] & 1);
    }
    stop_now = true;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    value("forks", good);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "child")) {
        printf("executed from a thread: %s, pid is tid %d\n", argv[1], gettid_() == getpid());
        return 8;
    }
    basics();
    conditions();
    churn();
    robust_locks(PTHREAD_PRIO_NONE, PTHREAD_PROCESS_PRIVATE);
    robust_locks(PTHREAD_PRIO_NONE, PTHREAD_PROCESS_SHARED);
    robust_locks(PTHREAD_PRIO_INHERIT, PTHREAD_PROCESS_PRIVATE);
    pi_locks();
    futexes();
    thread_signals();
    cancellation();
    ends();
    fork_storm();
    return 0;
}
