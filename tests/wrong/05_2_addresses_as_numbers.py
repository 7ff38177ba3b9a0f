def top(table, count):
    def text(number):
        return number

    rows = [(text(k.source), text(k.destination), v.value) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[2], reverse=True)[:count]
