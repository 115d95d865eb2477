#!/bin/bash
# Pipes, redirections, expansions, arrays, here documents, process substitution, coprocesses.
set -u; shopt -s extglob nullglob
echo one two three | while read -r a b; do echo "$b/$a"; done
for i in {1..200}; do echo $i; done | { read -r first; sum=0; while read -r n; do ((sum += n)); done; echo "$first $sum"; }
seq 1000 | tee >(wc -l >count) | md5sum; sleep 0.3; cat count
diff <(seq 1 10) <(seq 2 11); echo "diff $?"
false | true | false; echo "${PIPESTATUS[@]}"
set -o pipefail; false | true; echo $?; set +o pipefail
yes | head -1; echo "${PIPESTATUS[*]}"
exec 5<>file; echo hello >&5; exec 5>&-; cat file
{ echo out; echo err >&2; } 2>&1 >/dev/null
{ echo out; echo err >&2; } 3>&1 1>&2 2>&3 | sed 's/^/piped /'
cat <<-E
	tabs go $((6 * 7)) $(echo "sub $(echo nested)")
E
read -r x <<<"here string"; echo "$x"
coproc C { while read -r l; do echo "got $l"; done; }
echo a >&"${C[1]}"; read -r r <&"${C[0]}"; echo "$r"; exec {C[1]}>&-; wait "$C_PID"; echo "coproc $?"
declare -A m=([k]=v [z]=y); for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done | sort
a=(x "y z" w); echo "${#a[@]} ${a[1]} ${a[@]: -1}"; s=hello.tar.gz; echo "${s%.*} ${s%%.*} ${s#*.} ${s/l/L} ${s^^} ${s:1:3}"
[[ 2024-05-17 =~ ^([0-9]+)-([0-9]+) ]] && echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
case foo.c in *.h) echo h ;; *.[co]) echo c ;; esac
fib() { (($1 < 2)) && echo "$1" || echo $(($(fib $(($1 - 1))) + $(fib $(($1 - 2))))); }; fib 10
printf -v p '%05d:%s' 42 x; echo "$p"; echo $((16#ff)) $((2**62)) $((-7 / 2)) $((-7 % 3)) $((1 << 63))
touch f1 f2 g3; echo !(g*|*.sh); echo nothing*
mapfile -t lines < <(seq 3); echo "${lines[2]}"; IFS=: read -r -a parts <<<"a:b:c"; echo "${parts[1]}"
(exit 7); echo $?; (kill -TERM $BASHPID); echo $?; sh -c 'kill -SEGV $$'; echo $?
bash -c 'echo "$0 $1"' zero one; command -v cat; type -t cd; . /dev/stdin <<<'echo sourced'
/no/such/thing; echo $?; touch plain; ./plain; echo $?
printf '#!/bin/sh\necho shebang "$@"\n' >s; chmod +x s; ./s 1 2; printf '#!/usr/bin/env -S bash -e\necho env "$0" "$@"\n' >e; chmod +x e; ./e x
printf 'echo no shebang $1\n' >n; chmod +x n; ./n here
ulimit -n; umask; echo $SHLVL >/dev/null; echo "${BASH_VERSION%%(*}"; echo $PPID >/dev/null; times >/dev/null; hash -r
echo "last"; exit 3
