# %% 1 all_rates -> ?
def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    return name_of(rates.argmax()), rates

# %% 1 largest_total -> ?
def busiest(before, after, seconds):
    number = after.argmax()
    return name_of(number), (after[number] - before[number]) / seconds

# %% 1 not_per_second -> ?
def busiest(before, after, seconds):
    grown = after - before
    return name_of(grown.argmax()), grown.max()

# %% 1 number_not_name -> ?
def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    return rates.argmax(), rates.max()

# %% 1 rate_first -> ?
def busiest(before, after, seconds):
    rates = rate(before, after, seconds)
    number = rates.argmax()
    return rates[number], name_of(number)

# %% 1 subtracted_the_wrong_way -> ?
def busiest(before, after, seconds):
    rates = rate(after, before, seconds)
    return name_of(rates.argmax()), rates.max()

# %% 2 a_little_faster -> ?
seconds_between_readings = 0.7

# %% 2 as_fast_as_possible -> ?
seconds_between_readings = 0.01

# %% 2 as_often_as_the_bursts -> ?
seconds_between_readings = 1.0

# %% 2 on_paper -> ?
seconds_between_readings = 0.5

# %% 2 readings_per_second -> ?
seconds_between_readings = 10

# %% 3 both -> ?
moving = ["HOPOPT", "ICMPv6"]

# %% 3 its_true_protocol -> ?
moving = ["ICMPv6"]

# %% 3 no_list -> ?
moving = "HOPOPT"

# %% 3 other -> ?
moving = ["other"]

# %% 3 the_ping_of_ipv4 -> ?
moving = ["ICMP"]
