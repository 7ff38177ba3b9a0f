case = "stack"
program = "return 0;"
