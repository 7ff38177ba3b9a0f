# %% 1 by_address_alone -> After consume_skb the address
def by_packet(events):
    found = {}
    for event in events:
        found.setdefault(event.skb, []).append(event)
    return list(found.values())

# %% 1 all_in_one -> Two packets that are under way at once
def by_packet(events):
    return [events]

# %% 1 only_those_that_end -> whose end was not seen
def by_packet(events):
    under_way, found = {}, []
    for event in events:
        under_way.setdefault(event.skb, []).append(event)
        if event.station in ("consume_skb", "kfree_skb"):
            found.append(under_way.pop(event.skb))
    return found

# %% 1 drops_do_not_count -> ends at kfree_skb, too
def by_packet(events):
    under_way, found = {}, []
    for event in events:
        if event.skb not in under_way:
            under_way[event.skb] = []
            found.append(under_way[event.skb])
        under_way[event.skb].append(event)
        if event.station == "consume_skb":
            del under_way[event.skb]
    return found

# %% 1 one_list_an_event -> passes four stations
def by_packet(events):
    return [[event] for event in events]

# %% 1 names_only -> list of lists of events
def by_packet(events):
    return {event.skb: event.station for event in events}

# %% 1 no_such_field -> It stops with AttributeError
def by_packet(events):
    return [event.address for event in events]

# %% 1 right: from the end, and in another order
def by_packet(events):
    found, last = [], {}
    for event in events:
        if event.skb not in last or last[event.skb][-1].station.startswith(("kfree", "consume")):
            last[event.skb] = []
            found.insert(0, last[event.skb])
        last[event.skb] += [event]
    return tuple(found)

# %% 2 all_closed -> whose host is meant
lost = dict.fromkeys(lost, "closed port")

# %% 2 no_such_way -> is none of the names
lost = dict.fromkeys(lost, "gremlins")

# %% 2 the_buffer -> what did that have too little of
lost = {"packet A": "wrong machine", "packet B": "socket filter", "packet C": "closed port", "packet D": "wrong checksum"}

# %% 2 the_answer -> what did it answer
lost = {"packet A": "wrong machine", "packet B": "full buffer", "packet C": "firewall", "packet D": "wrong checksum"}

# %% 2 half_done -> There is still a None
lost = {"packet A": "wrong machine", "packet B": None, "packet C": "closed port", "packet D": None}

# %% 2 the_other_checksum -> whose checksum is it
lost = {"packet A": "wrong machine", "packet B": "full buffer", "packet C": "closed port", "packet D": "broken header"}

# %% 2 right: in capitals
lost = {"packet A": "Wrong machine", "packet B": "FULL BUFFER", "packet C": "closed port.", "packet D": "Wrong  checksum"}
