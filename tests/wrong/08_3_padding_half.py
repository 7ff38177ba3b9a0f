case = "padding"
program = clinic.code("padding").replace("struct pair key;", "struct pair key = {key.protocol};")
