# Writes COUNT numbered lines at RATE a second from the time START on, while the server answers.
use strict;
use warnings;
use Config;

# perl-base has no Time::HiRes: gettimeofday(2) by its number
my $gettimeofday = $Config{archname} =~ /^aarch64/ ? 169 : 96;

sub now {
    my $time = pack 'qq', 0, 0;
    syscall $gettimeofday, $time, 0;
    my ($seconds, $microseconds) = unpack 'qq', $time;
    return $seconds + $microseconds / 1e6;
}

if (!fork) {
    $| = 1;
    my ($start, $rate, $count) = @ENV{qw(START RATE COUNT)};
    for my $number (0 .. $count - 1) {
        my $wait = $start + $number / $rate - now;
        select undef, undef, undef, $wait if $wait > 0;
        printf "%d %.6f GET /products/%d 200 in 12 ms, for a visitor from somewhere\n", $number, now, $number;
    }
    exit 0;
}
exec 'perl', '/server.pl';
