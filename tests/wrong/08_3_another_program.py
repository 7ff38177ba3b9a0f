case = "pointer"
program = clinic.code("null_check", mended=True)
