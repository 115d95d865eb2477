#!/usr/bin/perl
# Regular expressions, hashes, sorting, packing, big numbers, closures, processes, signals, sockets, sprintf.
use strict; use warnings;
use List::Util qw(sum reduce shuffle max); use POSIX qw(floor strftime :sys_wait_h); use Digest::SHA qw(sha256_hex); use Digest::MD5 qw(md5_hex);
use Math::BigInt; use Data::Dumper; use Socket; use Time::HiRes qw(usleep); use Storable qw(dclone freeze thaw); use Encode; use File::Temp; use IO::Select;
$Data::Dumper::Sortkeys = 1; $Data::Dumper::Indent = 1; $| = 1;
my %count; my $text = join ' ', map { chr(97 + $_ * 7 % 26) x (1 + $_ % 5) } 0 .. 20000;
$count{$_}++ for split / /, $text;
print "$_ $count{$_}\n" for (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 4];
my $n = () = $text =~ /(a+|(?<=b)c|d{2,3}?)\b/g; print "$n\n";
(my $t = $text) =~ s/([aeiou]+)/<\U$1>/g; print md5_hex($t), "\n";
print sha256_hex($text), "\n";
print Math::BigInt->new(2)->bpow(521)->bsub(1), "\n"; print Math::BigInt->new(60)->bfac, "\n";
print unpack('H*', pack('NnCa4d>q<', 0xdeadbeef, 513, 7, 'abc', 3.25, -2)), "\n";
printf "%.15g %e %x %b %s %03d %vd\n", 1 / 3, 12345.678, 255, 10, "x" x 3, 7, "1.22.333";
print join(',', sort { $a <=> $b } map { $_ ** 2 % 101 } 1 .. 30), "\n";
my @m = map { my $i = $_; sub { $i++ } } 1 .. 3; $_->() for @m; print join(' ', map { $_->() } @m), "\n";
print Dumper({ a => [1, 2, { b => undef }], c => \'x' }); print reduce { $a * $b } 1 .. 15; print "\n";
sub ack { my ($m, $n) = @_; no warnings 'recursion'; $m == 0 ? $n + 1 : $n == 0 ? ack($m - 1, 1) : ack($m - 1, ack($m, $n - 1)) } print ack(2, 60), "\n";
my @sieve = (1) x 50000; for my $i (2 .. 223) { next unless $sieve[$i]; for (my $j = $i * $i; $j < 50000; $j += $i) { $sieve[$j] = 0 } } print sum(@sieve[2 .. 49999]), "\n";
my $d = dclone({ x => [1 .. 5] }); print "@{thaw(freeze($d))->{x}}\n"; print length(encode('UTF-8', "\x{263a}\x{1f600}")), ' ', lc("\x{c4}") eq "\x{e4}" ? 1 : 0, "\n";
pipe(my $r, my $w); my $pid = fork; if (!$pid) { close $r; print $w "child $_\n" for 1 .. 3; close $w; exit 7 } close $w; print while <$r>; waitpid $pid, 0; print $? >> 8, "\n";
my $hits = 0; $SIG{USR1} = sub { $hits++ }; kill USR1 => $$ for 1 .. 10; print "$hits\n"; $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select undef, undef, undef, 5; alarm 0 }; print $@;
socketpair(my $s1, my $s2, AF_UNIX, SOCK_STREAM, PF_UNSPEC); syswrite $s1, "over socket\n"; sysread $s2, my $buf, 100; print $buf;
print strftime('%Y-%m-%d %H:%M:%S', gmtime 1234567890), "\n"; print `echo backtick; exit 3`, $? >> 8, "\n"; eval { die { code => 42 } }; print $@->{code}, "\n";
print join(' ', map { sprintf '%.10f', $_ } sin 1, cos 1, exp 1, log 10, sqrt 2, atan2(1, 2), 2 ** 0.5), "\n"; print 9**9**9, ' ', -9**9**9, ' ', 0 + 'inf' == 9**9**9 ? 1 : 0, "\n";
local $_ = 'x=1,y=2'; my %h = /(\w)=(\d)/g; print join(',', map { "$_$h{$_}" } sort keys %h), "\n"; my $re = qr/^(?<y>\d+)-(?<m>\d+)$/; '2024-05' =~ $re and print "$+{y} $+{m}\n";
my $s = 0; for my $i (1 .. 300000) { $s = ($s * 31 + $i) % 1000003 } print "$s\n"; exit 5;
