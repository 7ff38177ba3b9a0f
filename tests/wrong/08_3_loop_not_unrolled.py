case = "loop"
program = clinic.code("loop").replace("at < skb->len", "at < 34")
