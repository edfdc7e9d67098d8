# Exits with 0 when the service answers 200; Compose's health check.
use IO::Socket::INET;

my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => 8080, Timeout => 2) or exit 1;
print $server "GET / HTTP/1.0\r\n\r\n";
exit((<$server> // '') =~ / 200 / ? 0 : 1);
