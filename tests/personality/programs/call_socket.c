/* Sockets: addresses, messages with descriptors and credentials, options. */
#include "call.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static void show_un(const char *what, const struct sockaddr_un *a, socklen_t len)
{
    int n = (int)len - (int)offsetof(struct sockaddr_un, sun_path);
    if (n > 0 && a->sun_path[0])
        printf("%s: family %d, %d bytes, %.*s\n", what, a->sun_family, n, n, a->sun_path);
    else
        printf("%s: family %d, %d bytes%s%.*s\n", what, a->sun_family, n, n > 0 ? ", abstract " : "", n > 0 ? n - 1 : 0,
               a->sun_path + 1);
}

int main(void)
{
    char buf[4096], cbuf[256];
    int sv[2];
    struct sockaddr_un un = {AF_UNIX, "sock"}, peer;
    socklen_t len;
    enter_work_dir();

    /* a path */
    int l = T(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    T(bind(l, (struct sockaddr *)&un, sizeof un));
    T(bind(l, (struct sockaddr *)&un, sizeof un));
    T(access("sock", F_OK));
    T(listen(l, 5));
    len = sizeof peer;
    T(getsockname(l, (struct sockaddr *)&peer, &len));
    show_un("bound", &peer, len);
    int c = T(socket(AF_UNIX, SOCK_STREAM, 0));
    T(connect(c, (struct sockaddr *)&un, offsetof(struct sockaddr_un, sun_path) + 5));
    len = sizeof peer;
    memset(&peer, 0xff, sizeof peer);
    int a = T(accept4(l, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK));
    show_un("accepted", &peer, len);
    len = sizeof peer;
    T(getpeername(c, (struct sockaddr *)&peer, &len));
    show_un("peer", &peer, len);
    len = 4;
    memset(&peer, 0, sizeof peer);
    T(getpeername(c, (struct sockaddr *)&peer, &len));
    printf("cut: len %d, %.2s|\n", (int)len, peer.sun_path);
    len = -1;
    T(getpeername(c, (struct sockaddr *)&peer, &len));
    T(recv(a, buf, 10, 0));
    T(send(c, "hello", 5, MSG_NOSIGNAL));
    T(recv(a, buf, 10, MSG_PEEK));
    T(recv(a, buf, 10, 0));
    T(shutdown(c, SHUT_WR));
    T(recv(a, buf, 10, 0));
    T(close(c));
    T(send(a, "x", 1, MSG_NOSIGNAL));
    T(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&(struct sockaddr_un){AF_UNIX, "nothere"},
              sizeof un));
    struct sockaddr_un longest = {AF_UNIX, ""};
    memset(longest.sun_path, 'n', sizeof longest.sun_path);
    T(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&longest, sizeof longest));
    T(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&longest, sizeof longest));

    /* an abstract name, datagrams */
    struct sockaddr_un abs = {AF_UNIX, ""};
    int alen = offsetof(struct sockaddr_un, sun_path) + 1 + snprintf(abs.sun_path + 1, 50, "call%d", getpid());
    int d1 = T(socket(AF_UNIX, SOCK_DGRAM, 0)), d2 = T(socket(AF_UNIX, SOCK_DGRAM, 0));
    T(bind(d1, (struct sockaddr *)&abs, alen));
    struct sockaddr_un dpath = {AF_UNIX, "dgram"};
    T(bind(d2, (struct sockaddr *)&dpath, sizeof dpath));
    T(sendto(d2, "datagram", 8, 0, (struct sockaddr *)&abs, alen));
    len = sizeof peer;
    T(recvfrom(d1, buf, sizeof buf, 0, (struct sockaddr *)&peer, &len));
    show_un("from", &peer, len);
    T(sendto(d1, "back", 4, 0, (struct sockaddr *)&peer, len));
    T(recvfrom(d2, buf, 2, MSG_TRUNC, 0, 0));
    T(sendto(d1, "x", 1, 0, (struct sockaddr *)&(struct sockaddr_un){AF_UNIX, "none"}, sizeof un));

    /* descriptors and credentials */
    T(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
    int on = 1;
    T(setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    int p[2];
    T(pipe(p));
    struct iovec iov[2] = {{"one", 3}, {"two", 3}}, riov[2] = {{buf, 2}, {buf + 100, 100}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2, .msg_control = cbuf, .msg_controllen = CMSG_SPACE(8)};
    struct cmsghdr *cm = CMSG_FIRSTHDR(&m);
    cm->cmsg_level = SOL_SOCKET;
    cm->cmsg_type = SCM_RIGHTS;
    cm->cmsg_len = CMSG_LEN(8);
    memcpy(CMSG_DATA(cm), p, 8);
    T(sendmsg(sv[0], &m, 0));
    struct msghdr r = {.msg_iov = riov, .msg_iovlen = 2, .msg_control = cbuf, .msg_controllen = sizeof cbuf};
    memset(cbuf, 0, sizeof cbuf);
    T(recvmsg(sv[1], &r, 0));
    printf("%.2s %.4s flags %x control %d\n", buf, buf + 100, r.msg_flags, (int)r.msg_controllen);
    for (cm = CMSG_FIRSTHDR(&r); cm; cm = CMSG_NXTHDR(&r, cm)) {
        printf("level %d type %d len %d\n", cm->cmsg_level, cm->cmsg_type, (int)cm->cmsg_len);
        if (cm->cmsg_type == SCM_RIGHTS) {
            int got[2];
            memcpy(got, CMSG_DATA(cm), 8);
            T(write(got[1], "through", 7));
            T(read(p[0], buf, 10));
        } else if (cm->cmsg_type == SCM_CREDENTIALS) {
            struct ucred *u = (void *)CMSG_DATA(cm);
            YES(u->pid == getpid() && u->uid == getuid());
        }
    }
    int badfd = 9999;
    m.msg_controllen = CMSG_SPACE(4);
    cm = CMSG_FIRSTHDR(&m);
    cm->cmsg_level = SOL_SOCKET;
    cm->cmsg_type = SCM_RIGHTS;
    cm->cmsg_len = CMSG_LEN(4);
    memcpy(CMSG_DATA(cm), &badfd, 4);
    T(sendmsg(sv[0], &m, 0));
    /* many messages */
    struct mmsghdr mm[3] = {0};
    for (int i = 0; i < 3; i++) {
        mm[i].msg_hdr.msg_iov = &iov[i & 1];
        mm[i].msg_hdr.msg_iovlen = 1;
    }
    T(sendmmsg(sv[0], mm, 3, 0));
    printf("%d %d %d\n", mm[0].msg_len, mm[1].msg_len, mm[2].msg_len);
    char many[4][16];
    struct iovec miov[4];
    struct mmsghdr rm[4] = {0};
    for (int i = 0; i < 4; i++) {
        miov[i] = (struct iovec){many[i], 16};
        rm[i].msg_hdr.msg_iov = &miov[i];
        rm[i].msg_hdr.msg_iovlen = 1;
    }
    struct timespec ts = {1, 0};
    T(recvmmsg(sv[1], rm, 4, MSG_WAITFORONE, &ts));
    printf("%d %d %d\n", rm[0].msg_len, rm[1].msg_len, rm[2].msg_len);
    YES(ts.tv_sec == 0);
    T(recvmmsg(sv[1], rm, 4, MSG_DONTWAIT, 0));
    m.msg_iovlen = 5000;
    T(sendmsg(sv[0], &m, 0));

    /* internet */
    int s = T(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}, got;
    T(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    T(bind(s, (struct sockaddr *)&in, sizeof in));
    T(listen(s, 1));
    len = sizeof got;
    T(getsockname(s, (struct sockaddr *)&got, &len));
    printf("%d %s %d\n", (int)len, inet_ntoa(got.sin_addr), got.sin_port != 0);
    c = T(socket(AF_INET, SOCK_STREAM, 0));
    T(connect(c, (struct sockaddr *)&got, sizeof got));
    len = sizeof in;
    a = T(accept(s, (struct sockaddr *)&in, &len));
    YES(in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    T(accept4(s, 0, 0, 0x5));
    T(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    int v = 0;
    len = sizeof v;
    T(getsockopt(c, IPPROTO_TCP, TCP_NODELAY, &v, &len));
    printf("%d %d\n", v, (int)len);
    len = 1;
    T(getsockopt(c, SOL_SOCKET, SO_TYPE, &v, &len));
    len = 100;
    T(getsockopt(c, SOL_SOCKET, SO_ERROR, &v, &len));
    printf("%d\n", (int)len);
    struct timeval tv = {0, 20000};
    T(setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    T(recv(c, buf, 1, 0));
    struct linger lg = {1, 0};
    T(setsockopt(c, SOL_SOCKET, SO_LINGER, &lg, sizeof lg));
    len = sizeof lg;
    T(getsockopt(c, SOL_SOCKET, SO_LINGER, &lg, &len));
    printf("%d %d\n", lg.l_onoff, lg.l_linger);
    T(write(c, "abcdef", 6));
    usleep(10000);
    T(ioctl(a, FIONREAD, &v));
    printf("%d\n", v);
    T(ioctl(a, FIONBIO, &on));
    T(fcntl(a, F_GETFL) & O_NONBLOCK);
    /* a filter: pointers inside an option */
    int f = T(socket(AF_UNIX, SOCK_DGRAM, 0));
    struct sock_filter code[2] = {{BPF_RET | BPF_K, 0, 0, 0}, {BPF_RET | BPF_K, 0, 0, 3}};
    struct sock_fprog prog = {1, code + 1};
    T(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
    T(setsockopt(sv[1], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog));
    T(send(sv[0], "filtered", 8, 0));
    T(recv(sv[1], buf, 100, MSG_DONTWAIT));
    prog.filter = (void *)16;
    T(setsockopt(sv[1], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog));
    T(setsockopt(sv[1], SOL_SOCKET, SO_DETACH_FILTER, &prog, 0));
    /* interfaces: pointers inside a request */
    struct ifreq ifr[20];
    struct ifconf ic = {.ifc_len = sizeof ifr};
    ic.ifc_req = ifr;
    T(ioctl(c, SIOCGIFCONF, &ic));
    int found = 0;
    for (int i = 0; i < ic.ifc_len / (int)sizeof *ifr; i++)
        found |= strcmp(ifr[i].ifr_name, "lo") == 0;
    printf("lo: %d\n", found);
    strcpy(ifr[0].ifr_name, "lo");
    T(ioctl(c, SIOCGIFFLAGS, ifr));
    printf("loopback: %d\n", !!(ifr[0].ifr_flags & IFF_LOOPBACK));
    T(ioctl(c, SIOCGIFADDR, ifr));
    T(ioctl(c, SIOCGIFINDEX, ifr));
    int nl = T(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
    struct sockaddr_nl snl = {AF_NETLINK};
    T(bind(nl, (struct sockaddr *)&snl, sizeof snl));
    len = sizeof snl;
    T(getsockname(nl, (struct sockaddr *)&snl, &len));
    printf("%d %d\n", snl.nl_family, (int)len);
    leave_work_dir();
    return 0;
}
