# %% 1 all_rates -> not as an array or None
def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    return protocols.name(rates.argmax()), rates

# %% 1 largest_total -> totals do not tell
def busiest(before, after, seconds):
    number = after.argmax()
    return protocols.name(number), (after[number] - before[number]) / seconds

# %% 1 not_per_second -> how many is that per second
def busiest(before, after, seconds):
    grown = after - before
    return protocols.name(grown.argmax()), grown.max()

# %% 1 number_not_name -> turns a number into one
def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    return rates.argmax(), rates.max()

# %% 1 rate_first -> The name comes first
def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    number = rates.argmax()
    return rates[number], protocols.name(number)

# %% 1 subtracted_the_wrong_way -> It says
def busiest(before, after, seconds):
    rates = rate(after, before, seconds)
    return protocols.name(rates.argmax()), rates.max()

# %% 1 always_udp -> ICMP grew most this time
def busiest(before, after, seconds):
    return "UDP", rate(before, after, seconds).max()

# %% 1 names_of_three -> a protocol without a name has its number
def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    names = {1: "ICMP", 6: "TCP", 17: "UDP"}
    return names.get(int(rates.argmax()), "unknown"), rates.max()

# %% 1 in_bits -> bytes per second, not
def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    return protocols.name(rates.argmax()), 8 * rates.max()

# %% 1 a_complex_rate -> not as an array or None
def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    return protocols.name(rates.argmax()), complex(rates.max())

# %% 1 only_the_name -> two things are wanted: the name
def busiest(before, after, seconds):
    return protocols.name(rate(before, after, seconds).argmax())

# %% 1 right: without numpy
def busiest(before, after, seconds):
    grown = [int(b) - int(a) for a, b in zip(before, after)]
    number = max(range(256), key=grown.__getitem__)
    return [protocols.name(number), grown[number] / seconds]

# %% 2 a_little_faster -> one reading falls between two bursts, or none
seconds_between_readings = 0.7

# %% 2 as_fast_as_possible -> take a longer interval
seconds_between_readings = 0.01

# %% 2 as_often_as_the_bursts -> one reading falls between two bursts, or none
seconds_between_readings = 1.0

# %% 2 on_paper -> it depends on when
seconds_between_readings = 0.5

# %% 2 readings_per_second -> it depends on when
seconds_between_readings = 10

# %% 2 a_text -> without quotes and brackets
seconds_between_readings = "0.25"

# %% 2 right: a fraction
from fractions import Fraction

seconds_between_readings = Fraction(1, 3)

# %% 2 right: as often as allowed
seconds_between_readings = 0.1

# %% 3 both -> nothing moved for
moving = ["HOPOPT", "ICMPv6"]

# %% 3 its_true_protocol -> nothing moved for
moving = ["ICMPv6"]

# %% 3 no_list -> A list is wanted, even of one name
moving = "HOPOPT"

# %% 3 other -> have boxes of their own
moving = ["other"]

# %% 3 the_ping_of_ipv4 -> nothing moved for
moving = ["ICMP"]

# %% 3 its_number -> There is no box
moving = [0]

# %% 3 a_class_of_chapter_12 -> There is no box
moving = ["not IP"]

# %% 3 right: a set, in small letters
moving = {"hopopt"}
