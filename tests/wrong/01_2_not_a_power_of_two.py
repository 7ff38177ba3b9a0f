ring_buffer = (0, 0, 3 * 65536)
