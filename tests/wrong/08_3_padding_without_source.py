case = "padding"
program = clinic.code("padding", mended=True).replace("key.source = load_word(skb, SOURCE);", "")
