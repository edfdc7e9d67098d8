"""The application that most tests of this folder deploy: a few lines of Perl, and what makes it break."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.integration.images import BASE_IMAGE, build, tagged

SERVER = r"""
use strict; use warnings; use IO::Socket::INET;
my $port = $ARGV[0] || 8080;
my $ending = 0;
$SIG{CHLD} = "IGNORE";
$SIG{TERM} = sub { exit 0 };
my $listener = IO::Socket::INET->new(LocalPort => $port, Listen => 128, ReuseAddr => 1) or die "listen: $!";
print STDERR "listening on $port\n";
$SIG{TERM} = sub { $ending = 1; close $listener };
until ($ending) {
    my $connection = $listener->accept or next;
    my $child = fork // next;
    if ($child) { close $connection; next }
    answer($connection);
    exit 0;
}
sleep 1;

sub answer {
    my ($connection) = @_;
    my $request = <$connection> // return;
    while (my $line = <$connection>) { last if $line eq "\r\n" }
    my (undef, $path) = split / /, $request;
    my $body = "$ENV{SERVICE_NAME} $ENV{COMMIT_SHA}";
    $body = $ENV{$1} // "" if $path =~ m{^/env/(\w+)$};
    $body = ask($1) if $path =~ m{^/ask/([\w.-]+:\d+)$};
    my $length = length $body;
    print $connection "HTTP/1.1 200 OK\r\nContent-Length: $length\r\nConnection: close\r\n\r\n$body";
    close $connection;
}

sub ask {
    my $sibling = IO::Socket::INET->new(PeerAddr => $_[0], Timeout => 3) or return "no answer";
    print $sibling "GET / HTTP/1.0\r\n\r\n";
    local $/;
    my $answer = <$sibling>;
    return $answer =~ s/.*?\r\n\r\n//sr;
}
"""
CMD = 'CMD ["perl", "/server.pl"]'


def dockerfile(command: str = CMD, *more: str) -> str:
    """The Dockerfile of the application, with lines of the test's own before its command."""
    lines = [f"FROM {BASE_IMAGE}", "COPY server.pl /server.pl", "EXPOSE 8080", *more, command]
    return "\n".join(lines) + "\n"


def image() -> str:
    """The application as a ready image on the engine; shared by all runs."""
    files = {"server.pl": SERVER}
    return build(tagged("previewcloud-test/app", dockerfile(), files), dockerfile(), files)


def service(name: str = "web", **more: Any) -> dict[str, Any]:
    """A service that runs the ready image, as the resource has it."""
    small = {"cpu": "250m", "memory": "64Mi"}
    return {"name": name, "image": image(), "port": 8080, "resources": small, **more}


def files(
    command: str = CMD, lines: tuple[str, ...] = (), database: bool = False, **more: Any
) -> Mapping[str, bytes]:
    """A repository with the application as service `web`; `more` goes into the service."""
    web = {"port": 8080, "resources": {"cpu": "250m", "memory": "64Mi"}, **more}
    preview: dict[str, Any] = {"services": {"web": web}}
    scripts = {}
    if database:
        preview["database"] = {"type": "postgres", "migrations": "migrations"}
        scripts["migrations/001.sql"] = b"CREATE TABLE item (name text);\n"
    return {
        "preview.yaml": json.dumps(preview).encode(),
        "Dockerfile": dockerfile(command, *lines).encode(),
        "server.pl": SERVER.encode(),
        **scripts,
    }
