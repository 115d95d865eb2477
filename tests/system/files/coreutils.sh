#!/bin/sh
# A walk through coreutils, findutils, sed, grep, tar and compressors. Prints nothing that depends on time or machine.
set -u
seq 1 20000 | sort -R --random-source=/bin/ls >/dev/null 2>&1 || true
seq 1 20000 | awk '{ print ($1 * 7919) % 20011, $1 }' >table
sort -n table | head -3
sort -k2,2nr table | sed -n '1p;$p'
sort -u -k1,1n table | wc
cut -d' ' -f1 table | sort | uniq -c | sort -rn | head -2
paste -d, table table | tail -1 | tr ' ,' '\t;'
sort -n table >a; sort -n -r table >b
cmp a b; comm -12 a a | wc -l
sha256sum table a | sed 's/ .*//'
md5sum table; cksum table; b2sum table | cut -c1-32; sha512sum table | cut -c1-32
od -A d -t x1z -N 48 table
printf '%5d|%-8s|%08.3f|%x\n' 42 left 3.14159 255
factor 18446744073709551557 1234567890123456789
numfmt --to=iec 1048576 123456789; date -u -d @1700000000 +%FT%T; date -u -d '2024-02-29 +1 year' +%F
expr 12345 \* 6789; echo '2^200 % 97; scale=30; 4*a(1)' | bc -l
base64 -w 40 table | tail -2; base64 table | base64 -d | cmp - table && echo same
split -n l/3 -d table part. ; wc -l part.*; cat part.* | cmp - table && echo joined
mkdir -p tree/x/y tree/z && touch tree/x/1 tree/x/y/2 && ln -s ../x/1 tree/z/link && ln tree/x/1 tree/x/hard
find tree -printf '%P %y %n %l\n' | sort
chmod 640 tree/x/1; stat -c '%a %h %s %F %N' tree/x/1 tree/z/link
cp -a tree copy && diff -r tree copy && echo copied
tar -cf - --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner tree | sha1sum
for z in gzip bzip2 xz; do $z -k -9 -c table | $z -dc | cmp - table && echo $z; done
grep -c '7' table; grep -oE '^[0-9]+ 19[0-9]{3}$' table | head -2; grep -rl . tree || echo none
sed -E 's/^([0-9]+) ([0-9]+)$/\2:\1/; 3q' table
dd if=table of=d bs=1000 count=7 skip=3 conv=notrunc 2>/dev/null; wc -c <d; tail -c +101 d | head -c 20; echo
truncate -s 123456 sparse; stat -c %s sparse; fallocate -l 8192 space && stat -c %s space
seq 10 | xargs -n 3 -P 4 sh -c 'echo "$#"' x | sort | uniq -c
seq 1 100 | tee one two | tail -1; cmp one two && echo tee
timeout 0.2 sleep 5; echo "timeout $?"
timeout -s KILL 0.2 sleep 5; echo "killed $?"
nohup true </dev/null >/dev/null 2>&1; echo "nohup $?"; nice -n 5 nice; env -i A=1 env; basename /a/b.c .c; dirname /a/b.c
readlink -f tree/z/link | sed "s:^$PWD::"; realpath --relative-to=tree tree/z; pwd | sed 's/t-[0-9]*/T/'
test -e nothing || echo missing; [ 3 -lt 12 ] && echo less; ls -1 --group-directories-first tree
mkfifo pipe; (echo through >pipe &) ; cat pipe; mktemp -u XXX | wc -c
yes | head -100000 | wc -l; tac table | head -1; nl -ba two | sed -n 50p; fold -w 10 table | wc -l; expand -t 4 table | md5sum
shuf -i 1-5 --random-source=/usr/share/common-licenses/GPL-3 | tr '\n' ' '; echo; join a a | wc -l; tsort <<E
c b
b a
E
id -u; whoami; groups; uname -s; nproc >/dev/null && echo nproc; stty -a 2>&1 </dev/null | head -1
cat /no/such; echo "status $?"; ls --no-such-option >/dev/null 2>&1; echo "status $?"
