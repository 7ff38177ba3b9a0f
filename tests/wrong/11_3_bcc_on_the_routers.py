choices = {
    "Only DNS packets shall reach a Python program that reads each of them anyway.": "classic BPF",
    "A counter for small routers without a compiler, maintained by people who read C.": "bcc",
    "One question, tonight, on a server that has bcc; tomorrow another.": "bcc",
    "A test shall show what the kernel answers to one single wrong instruction.": "bpf(2)",
}
