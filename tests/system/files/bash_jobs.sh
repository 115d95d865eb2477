#!/bin/bash
# Job control and traps.
set -m
sleep 30 & jobs | sed 's/[0-9]\{3,\}/PID/'
kill -STOP %1; sleep 0.3; jobs; kill -CONT %1; sleep 0.2; jobs; kill %1; wait %1; echo "wait $?"
sleep 0.2 & wait -n; echo "n $?"
(exit 3) & (sleep 0.1; exit 4) & wait -n; a=$?; wait -n; b=$?; echo $((a + b))
sleep 5 & p=$!; disown; kill -9 $p; echo disowned
trap 'echo usr1' USR1; kill -USR1 $$; echo after
trap 'echo int' INT; kill -INT $$; trap - INT
trap '' TERM; kill -TERM $$; echo "ignored term"; trap - TERM
n=0; trap 'n=1' CHLD; (exit 0); sleep 0.1 & wait; echo "chld $n"; trap - CHLD
trap 'echo debug >/dev/null' DEBUG; :; trap - DEBUG
trap 'echo "err $?"' ERR; false; trap - ERR
( trap 'echo "exit in subshell $?"' EXIT; exit 5 ); echo $?
bash -c 'trap "echo got term; exit 9" TERM; sleep 10 >/dev/null 2>&1 & wait' & p=$!; sleep 0.4; kill -TERM $p; wait $p; echo "child $?"
bash -c 'kill -ABRT $$' 2>/dev/null; echo "abrt $?"
for s in HUP QUIT ALRM USR2 XCPU; do sh -c "kill -$s \$\$" 2>/dev/null; echo "$s $?"; done
sh -c 'trap "" HUP; sh -c "kill -HUP \$\$; echo survived"'
f() { trap 'echo return' RETURN; }; f
i=0; trap '((i++))' USR1; for k in 1 2 3 4 5; do kill -USR1 $$; done; echo $i
( sleep 0.3; kill -USR2 $$ ) & trap 'echo woken' USR2; read -t 5 x < <(sleep 1); echo "read $?"
wait; coproc exec sleep 20; kill $COPROC_PID; wait $COPROC_PID 2>/dev/null; echo "co $?"
timeout 0.3 bash -c 'trap "echo late; exit" TERM; while :; do sleep 0.1; done'; echo "timeout $?"
trap 'echo bye' EXIT
kill -l 9 15; kill -0 $$ && echo alive
