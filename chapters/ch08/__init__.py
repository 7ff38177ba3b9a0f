"""What chapter 08, the_verifier, alone uses. Its programs in C are in bpf/clinic/.

helpers/refusals is something else: what is refused around the verifier, in any chapter.
"""
