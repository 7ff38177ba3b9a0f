"""./course bench: what counting in the kernel costs, in one markdown table from one run.

Laboratory equipment. One module for each part of the table: counting, two_senders, places, reading,
drawing, stages, with_bcc, classes, machines, playground, files, doors, logs; rows puts numbers into
words. What sends and what reads packets is in chapters/ch11/flood, the stopwatch in
chapters/ch11/measuring.
"""
