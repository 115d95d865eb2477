{ n += NF; for (i = 1; i <= NF; i++) c[$i]++; if ($0 ~ /[aeiou][^aeiou ]+ing/) m++; sub(/e/, "E"); l += length($0) }
END { for (i = 1; i <= 300000; i++) s = (s * 31 + i) % 1000003; for (w in c) k++; print n, m, l, k, s }
