# Builtins only: loops, arithmetic, arrays, pattern matching, string surgery.
s=0 a=() h=
declare -A m
for ((i = 0; i < 60000; i++)); do ((s = (s * 31 + i) % 1000003)); done
for ((i = 0; i < 8000; i++)); do a[i]=$((i * 7919 % 8009)); m[k$((i % 97))]+=x; done
for w in "${a[@]}"; do case $w in *7*) h=${h:0:50}${w#?} ;; 1?2) h=${h/1/2} ;; esac; done
f() { local n=$1; ((n < 2)) && { r=$n; return; }; f $((n - 1)); local x=$r; f $((n - 2)); ((r += x)); }
f 17
echo "$s ${#a[@]} ${#m[k5]} $h $r"
