ring_buffer = 65536
