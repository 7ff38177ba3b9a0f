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
