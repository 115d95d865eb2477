/* Terminals: a pair of pseudo terminals and the requests that they know. */
#include "call.h"

#include <sys/ioctl.h>
#include <sys/poll.h>

/* As the kernel has them; glibc's struct termios is larger. */
struct kernel_termios {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[19];
};
struct kernel_termios2 {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[19];
    uint32_t ispeed, ospeed;
};
#define GET2 0x802C542A
#define SET2 0x402C542B

static unsigned char buf[256];

/* How many bytes a request writes behind the pointer. */
static int written(int fd, unsigned long request)
{
    int n[2] = {0};
    for (int i = 0; i < 2; i++) {
        memset(buf, i ? 0xff : 0, sizeof buf);
        if (ioctl(fd, request, buf) == -1)
            return -1;
        for (int k = 0; k < (int)sizeof buf; k++) {
            if (buf[k] != (i ? 0xff : 0))
                n[i] = k + 1;
        }
    }
    return n[0] > n[1] ? n[0] : n[1];
}

int main(void)
{
    struct kernel_termios t;
    struct kernel_termios2 t2;
    struct {
        unsigned short row, col, x, y;
    } ws = {24, 80, 1, 2};
    int n = 0, lock = 0;
    char line[64];

    int m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    YES(m >= 0);
    T(ioctl(m, TIOCSPTLCK, &lock));
    T(ioctl(m, TIOCGPTLCK, &n));
    OK(ioctl(m, TIOCGPTN, &n));
    int s = (int)ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    YES(s >= 0);
    YES(isatty(m) && isatty(s));

    T(written(s, 0x5401 /* TCGETS */));
    T(written(s, 0x5405 /* TCGETA */));
    T(written(s, GET2));
    T(written(s, TIOCGWINSZ));
    T(written(s, TIOCGLCKTRMIOS));
    T(written(s, TIOCGETD));
    T(written(m, TIOCGPKT));
    T(written(s, TIOCGEXCL));

    memset(&t, 0xee, sizeof t);
    T(ioctl(s, 0x5401, &t));
    printf("%x %x %x %x %u", t.iflag, t.oflag, t.cflag, t.lflag, t.line);
    for (int i = 0; i < 19; i++)
        printf(" %u", t.cc[i]);
    puts("");
    memset(&t, 0xee, sizeof t);
    T(ioctl(s, TIOCGLCKTRMIOS, &t));
    printf("%x %x %x %x %u\n", t.iflag, t.oflag, t.cflag, t.lflag, t.line);
    T(ioctl(s, TIOCSLCKTRMIOS, &t)); /* needs privilege */
    T(ioctl(s, GET2, &t2));
    printf("%u %u\n", t2.ispeed, t2.ospeed);
    t2.ospeed = t2.ispeed = 9600;
    T(ioctl(s, SET2, &t2));
    T(ioctl(s, TIOCSWINSZ, &ws));
    memset(&ws, 0, sizeof ws);
    T(ioctl(m, TIOCGWINSZ, &ws));
    printf("%u %u %u %u\n", ws.row, ws.col, ws.x, ws.y);

    T(write(m,
            "abc\x7f"
            "d\nx",
            7));
    struct pollfd p = {s, POLLIN, 0};
    T(poll(&p, 1, 1000));
    T(ioctl(s, FIONREAD, &n));
    T(n);
    T(read(s, line, sizeof line));
    printf("%.4s", line);
    T(ioctl(m, FIONREAD, &n));
    T(n);
    T(ioctl(m, TIOCPKT, &(int){1}));
    T(ioctl(s, TIOCOUTQ, &n));
    T(ioctl(s, TCFLSH, 2));
    T(ioctl(s, TCSBRK, 1));
    T(ioctl(s, TIOCEXCL, 0));
    T(ioctl(s, TIOCGEXCL, &n));
    T(n);
    T(ioctl(s, TIOCNXCL, 0));
    T(ioctl(s, TIOCGPGRP, &n));
    T(ioctl(s, TIOCGSID, &n));

    T(ioctl(s, 0x5401, (void *)8));
    T(ioctl(s, 0x5402, (void *)8));
    T(ioctl(s, TIOCGWINSZ, NULL));
    T(ioctl(s, TIOCGLCKTRMIOS, (void *)8));
    T(ioctl(s, 0x5499, buf));
    T(ioctl(77, 0x5401, buf));
    n = open("/dev/null", O_RDONLY);
    T(ioctl(n, 0x5401, &t));
    return 0;
}
