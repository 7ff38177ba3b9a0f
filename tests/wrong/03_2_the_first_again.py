second = sock
