"""The kernel's tables of sockets, read."""

from controller.runtime.docker.ports import listening

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 0B00007F:A1B2 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1
   3: 020012AC:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4 1
   4: 00000000:0051 0100A8C0:1234 01 00000000:00000000 00:00000000 00000000     0        0 5 1
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:0BB9 00000000000000000000000000000000:0000 0A x x x 0 0 6
   1: 00000000000000000000000001000000:0BBA 00000000000000000000000000000000:0000 0A x x x 0 0 7
   2: 0000000000000000FFFF00000100007F:0BBB 00000000000000000000000000000000:0000 0A x x x 0 0 8
cat: /proc/net/tcp6: No such file or directory
"""


def test_only_listeners_beyond_loopback_count() -> None:
    assert listening(TABLE.splitlines()) == {80, 3000, 3001}
