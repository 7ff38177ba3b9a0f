least = {"loader": {"CAP_SYS_ADMIN"}, "listener": {"CAP_NET_RAW"}, "reader": set()}
