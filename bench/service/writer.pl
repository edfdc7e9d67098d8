# Writes COUNT numbered lines at RATE a second from the time START on, while the server answers.
use strict;
use warnings;
use Time::HiRes qw(time sleep);

if (!fork) {
    $| = 1;
    my ($start, $rate, $count) = @ENV{qw(START RATE COUNT)};
    for my $number (0 .. $count - 1) {
        my $wait = $start + $number / $rate - time;
        sleep $wait if $wait > 0;
        printf "%d %.6f GET /products/%d 200 in 12 ms, for a visitor from somewhere\n", $number, time, $number;
    }
    exit 0;
}
exec 'perl', '/server.pl';
