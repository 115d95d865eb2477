/* System V semaphores, messages and shared memory; POSIX message queues. */
#include "call.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

int main(void)
{
    struct semid_ds sd;
    unsigned short vals[3] = {1, 2, 3}, got[3] = {0};
    union semun u;
    int id;
    T((id = semget(IPC_PRIVATE, 3, 0600)) >= 0);
    u.array = vals;
    T(semctl(id, 0, SETALL, u));
    u.array = got;
    T(semctl(id, 0, GETALL, u));
    printf("%d %d %d\n", got[0], got[1], got[2]);
    u.val = 9;
    T(semctl(id, 1, SETVAL, u));
    T(semctl(id, 1, GETVAL));
    u.buf = &sd;
    T(semctl(id, 0, IPC_STAT, u));
    printf("nsems %lu mode %o ctime %d otime %ld uid %d\n", (long)sd.sem_nsems, sd.sem_perm.mode,
           labs((long)sd.sem_ctime - (long)time(0)) < 100, (long)sd.sem_otime, sd.sem_perm.uid == getuid());
    sd.sem_perm.mode = 0640;
    T(semctl(id, 0, IPC_SET, u));
    T(semctl(id, 0, IPC_STAT, u));
    printf("mode %o\n", sd.sem_perm.mode);
    struct sembuf ops[2] = {{0, -1, 0}, {1, -4, SEM_UNDO}};
    T(semop(id, ops, 2));
    T(semctl(id, 1, GETVAL));
    T(semctl(id, 0, GETPID) == getpid());
    u.buf = &sd;
    T(semctl(id, 0, IPC_STAT, u));
    YES(sd.sem_otime != 0 && sd.sem_nsems == 3);
    ops[0] = (struct sembuf){0, -1, IPC_NOWAIT};
    T(semop(id, ops, 1));
    struct timespec ts = {0, 10000000};
    ops[0].sem_flg = 0;
    T(semtimedop(id, ops, 1, &ts));
    ops[0].sem_num = 7;
    T(semop(id, ops, 1));
    T(semctl(id, 0, IPC_RMID));
    T(semctl(id, 0, GETVAL));

    struct {
        long type;
        char text[32];
    } m = {3, "message"};
    struct msqid_ds qd;
    T((id = msgget(IPC_PRIVATE, 0600)) >= 0);
    T(msgsnd(id, &m, 8, 0));
    m.type = 5;
    T(msgsnd(id, &m, 32, IPC_NOWAIT));
    T(msgctl(id, IPC_STAT, &qd));
    printf("%lu messages, %lu bytes\n", (long)qd.msg_qnum, (long)qd.msg_cbytes);
    memset(&m, 0, sizeof m);
    T(msgrcv(id, &m, 32, 5, 0));
    printf("%ld %s\n", m.type, m.text);
    T(msgrcv(id, &m, 4, 0, 0));
    T(msgrcv(id, &m, 4, 0, MSG_NOERROR));
    T(msgrcv(id, &m, 32, 0, IPC_NOWAIT));
    T(msgctl(id, IPC_RMID, 0));

    struct shmid_ds hd;
    T((id = shmget(IPC_PRIVATE, 10000, 0600)) >= 0);
    char *a = shmat(id, 0, 0), *b = shmat(id, 0, SHM_RDONLY);
    YES(a != (char *)-1 && b != (char *)-1 && a != b);
    strcpy(a + 5000, "shared");
    printf("%s\n", b + 5000);
    T(shmctl(id, IPC_STAT, &hd));
    printf("%lu bytes, %lu attached\n", (long)hd.shm_segsz, (long)hd.shm_nattch);
    pid_t pid = fork();
    if (pid == 0) {
        strcpy(a, "from the child");
        _exit(0);
    }
    waitpid(pid, 0, 0);
    printf("%s\n", b);
    T(shmdt(b));
    T(shmdt(b));
    T(shmctl(id, IPC_RMID, 0));
    T(shmdt(a));
    T(shmctl(id, IPC_STAT, &hd));

    char name[50], buf[8192];
    unsigned prio = 0;
    struct mq_attr at = {.mq_maxmsg = 2, .mq_msgsize = 64};
    snprintf(name, sizeof name, "/call%d", getpid());
    mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &at);
    if (q != (mqd_t)-1) {
        T(mq_send(q, "low", 3, 1));
        T(mq_send(q, "high", 4, 9));
        ts.tv_sec = 0;
        T(mq_timedsend(q, "full", 4, 1, &ts));
        T(mq_getattr(q, &at));
        printf("%ld %ld %ld\n", at.mq_maxmsg, at.mq_msgsize, at.mq_curmsgs);
        T(mq_receive(q, buf, 10, &prio));
        T(mq_receive(q, buf, sizeof buf, &prio));
        printf("%.4s %u\n", buf, prio);
        T(mq_unlink(name));
    } else {
        for (int i = 0; i < 9; i++)
            printf("no queues\n");
    }
    return 0;
}
