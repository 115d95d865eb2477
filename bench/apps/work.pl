use strict; use warnings;
my (%h, @l); my $s = 0;
for my $i (1 .. 250000) { $h{"k" . $i * 7919 % 5003} += $i; $s = ($s * 31 + $i) % 1000003 }
for my $k (sort keys %h) { push @l, $k if $k =~ /^k(\d)\d*\1$/ }
my $t = join ' ', map { "w$_" } 1 .. 30000; my $n = 0; $n += length $1 while $t =~ /w(\d+?)(?= |$)/g; (my $u = $t) =~ tr/0-9/a-j/;
my @sorted = sort { $a <=> $b } map { $_ * 7919 % 30011 } 1 .. 30000; print "$s @l[0..3] $n $sorted[777] ", length $u, "\n";
