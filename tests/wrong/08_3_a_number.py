case = "second_argument"
program = clinic.code("key_size", mended=True).replace("skb->len", "98")
