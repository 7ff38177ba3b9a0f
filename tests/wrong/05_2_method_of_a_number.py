def top(table, count):
    rows = [(k.source, k.destination, v) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2], reverse=True)[:count]
