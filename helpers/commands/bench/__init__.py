"""./course bench: what counting in the kernel costs, in one markdown table from one run.

Laboratory equipment. One module for each part of the table: counting (with flood and readers, the
processes beside it), lookups, drawing, stages, with_bcc, playground; rows puts numbers into words.
"""
