# A small HTTP/1.1 server with keep-alive, one process per connection, that needs no more than Perl itself.
# Environment: NAME (what it says), PORT, DELAY (seconds before it listens; negative: never),
# GRACE (1: on SIGTERM open requests are finished; 0: it dies at once).
use strict;
use warnings;
use IO::Socket::INET;

my ($name, $port, $delay, $grace) = @ENV{qw(NAME PORT DELAY GRACE)};
my $ending = 0;
$SIG{TERM} = sub { exit 0 };
$SIG{CHLD} = "IGNORE";
sleep 1 while $delay < 0;
select(undef, undef, undef, $delay);
my $listener = IO::Socket::INET->new(LocalPort => $port, Listen => 128, ReuseAddr => 1) or die "listen: $!";
$SIG{TERM} = sub { $ending = 1; close $listener } if $grace;

until ($ending) {
    my $connection = $listener->accept or next;
    my $child = fork // next;
    if ($child) { close $connection; next }
    close $listener;
    $SIG{TERM} = sub { $ending = 1 };
    serve($connection);
    exit 0;
}
sleep 1;

sub serve {
    my ($connection) = @_;
    $connection->autoflush(1);
    until ($ending) {
        my $head = "";
        while (defined(my $line = <$connection>)) {
            last if $line eq "\r\n";
            $head .= $line;
        }
        last if $head eq "";
        my $sent = "";
        read($connection, $sent, $1) if $head =~ /^content-length: *(\d+)/im;
        answer($connection, $head, $sent);
    }
}

sub answer {
    my ($connection, $head, $sent) = @_;
    my ($method, $path) = split / /, $head;
    my ($status, $body, $extra) = (200, $name, "");
    if ($path =~ m{^/status/(\d+)}) { $status = $1; $body = $1 == 502 ? "the application's own" : "status $1" }
    if ($path eq "/head")  { $body = $head }
    if ($path =~ m{^/echo}) { $status = 207; $body = "$head\n$sent"; $extra = "X-Name: $name\r\n" }
    if ($path eq "/forge") { $extra = "X-Preview-Instance: somebody-else\r\nSet-Cookie: a=b\r\n" }
    if ($path eq "/moved") { $status = 302; $extra = "Location: http://127.0.0.1:1/\r\n" }
    if ($path eq "/hang")  { sleep 3600 }
    if ($path eq "/cut")   { close $connection; exit 0 }
    if ($path eq "/long")  { $extra = "X-Long: " . ("a" x 30000) . "\r\n" }
    my $length = length $body;
    my $rest = $method eq "HEAD" ? "" : $body;
    print $connection "HTTP/1.1 $status Here\r\n${extra}Content-Length: $length\r\n\r\n$rest";
}
