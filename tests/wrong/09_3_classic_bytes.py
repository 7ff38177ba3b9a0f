def scratch(i):
    return row(i.code, 0, 0, i.k)
