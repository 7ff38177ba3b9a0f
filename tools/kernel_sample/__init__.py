"""./course kernel-sample: the kernel tree's own sockex1, fetched, built, run, compared with ours.

Laboratory equipment for the last part of chapter 02. `source` fetches and unpacks the source,
`build` compiles it in one of two ways, `run` runs it in a private network, `compare` shows its
instructions beside ours.
"""
