# For busybox sh: a static program, its shell and its applets.
export PATH=
b=/usr/bin/busybox
$b | $b head -1 | $b grep -c BusyBox
$b seq 1 5000 | $b awk '{ s += $1 * $1 } END { print s }'
$b seq 1 300 | $b sort -r | $b md5sum
$b printf 'b\na\nc\n' >f; $b sort f | $b tr a-z A-Z; $b sed -n '2p' f; $b od -c f; $b hexdump -C f
$b gzip -c f | $b gunzip -c | $b cmp - f && echo same; $b bzip2 -c f | $b bunzip2 -c | $b sha256sum; $b xz -dc </dev/null 2>&1 | $b wc -l
$b mkdir -p d/e; $b touch d/e/x; $b find d | $b sort; $b tar -cf t.tar d f; $b tar -tf t.tar; $b cpio -t </dev/null 2>&1 | $b tail -1
$b expr 6 \* 7; $b factor 1234567891011 2>&1; echo '3 4 + p' | $b dc 2>&1; echo '2^64' | $b bc 2>&1
$b date -u -d @86400 +%F; $b cal 2 2024; $b uname -s; $b id -u; $b env -i X=1 $b env
for i in 1 2 3; do ( $b sleep 0.$((i * 3)); echo $i ) & done; wait; i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done; echo $i
$b timeout 1 $b sleep 5; echo "t $?"; $b sh -c 'kill -9 $$'; echo "k $?"; trap 'echo trap' USR1; kill -USR1 $$
$b ash -c 'echo nested $0 $1' a b; $b xargs -n 2 $b echo <f; $b cut -c1 f; $b diff f f && echo equal; $b stat -c %s f; $b nohup $b true; $b which sh
$b httpd -h . -p 127.0.0.1:0 2>&1 | $b wc -l; $b vi --help 2>&1 | $b grep -c Usage; $b dd if=/dev/zero bs=1k count=64 2>/dev/null | $b wc -c
$b nosuchapplet; echo "s $?"
