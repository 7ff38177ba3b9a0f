# %% 1 any_protocol -> these are not counted right yet
from chapters.ch14 import packed

monitor = packed.wrong()["any_protocol"].source

# %% 1 a_function -> A program is wanted
monitor = len

# %% 1 the_generator -> no other file
from chapters.ch14 import packed

monitor = packed.references()["socket"] + '#include "../chapters/ch14/traffic.py"\n'

# %% 1 right: each CPU counts for itself
from chapters.ch14 import packed

monitor = packed.references()["socket"].replace("MAP_TYPE_HASH", "MAP_TYPE_PERCPU_HASH")

# %% 2 one_test -> A list of two pairs is wanted
tests = [([bytes(60)], {})]

# %% 2 nothing_in_them -> wrong monitors pass both tests
tests = [([bytes(60)], {}), ([bytes(60)], {})]

# %% 2 a_wrong_table -> something else than a right monitor counts
tests = [([bytes(60)], {}), ([bytes(60)], {("192.0.2.1", "192.0.2.2"): (1, 60, 0, 0)})]

# %% 2 right: the generator's own frames
from chapters.ch14 import traffic

made = [traffic.made("tests", number, 3) for number in (1, 2)]
tests = [([f for each in one for f in each.frames], traffic.whole(one)) for one in made]

# %% 3 segments -> count bytes, not segments
def sent_again(segments):
    seen, again = set(), 0
    for number, length in segments:
        again += length if number in seen else 0
        seen.add(number)
    return again

# %% 3 the_highest -> into a gap, is new
def sent_again(segments):
    highest, again = 0, 0
    for number, length in segments:
        again += max(0, min(highest, number + length) - number)
        highest = max(highest, number + length)
    return again

# %% 3 without_the_end -> What lies across the end can come twice, too
def sent_again(segments):
    seen, again = set(), 0
    for number, length in segments:
        for at in range(number, min(number + length, 2**32)):
            again += at in seen
            seen.add(at)
    return again

# %% 3 all_of_it -> Nothing was sent twice
def sent_again(segments):
    return sum(length for _, length in segments)

# %% 3 right: whole stretches
def sent_again(segments):
    start, again, known = segments[0][0], 0, []
    for number, length in segments:
        new = {(number - start + each) % 2**32 for each in range(length)}
        again += length - len(new.difference(*known)) if known else 0
        known.append(new)
    return again

# %% 4 the_busiest -> The busiest interface is not the one
def leaves(silent, busy, sent):
    return max(busy, key=busy.get)

# %% 4 the_vpn -> What leaves wrapped up by a tunnel passes two
def leaves(silent, busy, sent):
    return "wg0"

# %% 4 always_one -> it does not leak
def leaves(silent, busy, sent):
    return max(busy, key=lambda name: busy[name] - silent[name])

# %% 4 right: from the largest down
def leaves(silent, busy, sent):
    by_growth = sorted(busy, key=lambda name: silent[name] - busy[name])
    return next((name for name in by_growth if busy[name] - silent[name] >= sent), None)
