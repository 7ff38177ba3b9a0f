def top(table, count):
    rows = {}
    for k, v in table.items():
        source = socket.inet_ntoa(k.source.to_bytes(4, "big"))
        rows[source] = rows.get(source, 0) + v.value
    return sorted(rows.items(), key=lambda row: row[1], reverse=True)[:count]
