frame_length = 14 + 20 + 8
