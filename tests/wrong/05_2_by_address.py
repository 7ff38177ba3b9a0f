def top(table, count):
    def text(number):
        return socket.inet_ntoa(number.to_bytes(4, "big"))

    rows = [(text(k.source), text(k.destination), v.value) for k, v in table.items()]
    return sorted(rows, reverse=True)[:count]
