"""The process that floods: python sender.py DESCRIPTOR SIZE, with a connected UDP socket.

Laboratory equipment, started by Sender of this package. Each line of its input is a number of
datagrams; it sends so many of SIZE bytes of data, as fast as it can, and answers with the
nanoseconds that took. It ends when its input ends.
"""

import socket
import sys
import time

data = bytes(int(sys.argv[2]))
with socket.socket(fileno=int(sys.argv[1])) as sender:
    send = sender.send
    for line in sys.stdin:
        datagrams = range(int(line))
        began = time.perf_counter_ns()
        for _ in datagrams:
            send(data)
        print(time.perf_counter_ns() - began, flush=True)
