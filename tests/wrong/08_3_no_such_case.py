case = "keysize"
program = clinic.code("key_size", mended=True)
