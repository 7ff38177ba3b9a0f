"""What the chapters share: the road from C to a picture that moves, and what it is built on.

A line is a name that two chapters use, or one that shows what a module is for. Nothing is imported
here: `from helpers import loader` opens one door, and little else comes through it.

1 What this kernel can do
    kernel.version                its version, configuration and settings, read
    probes.access                 whether this process may use BPF, tried
    features.FEATURES             what came with which version of Linux, each tried
    rights.refusal                why this process may not: what a thing wants, what is lacking
    capabilities.held             the parts of root's power that this thread holds
    capabilities.with_only        a function, called with no others
    capabilities.without_capabilities    or with none

2 From C to an object file
    toolchain.compile_bpf         clang, and its complaints in a sentence
    complaints.sentence           what clang says, and which line of yours it is about
    toolchain.SOURCES             the folder of the C files
    toolchain.BUILD               the folder of what is made of them
    objfile.read                  what is in an object file
    btf.Types                     the types in it
    asm.decode                    the instructions in it
    asm.listing                   those as text
    asm.text                      one as text

3 Into the kernel
    loader.load                   programs and maps of an object file, in the kernel until close()
    loader.LoadError              why not, with the verifier's log
    refusals.explain              why not, around the verifier: tried out where it can be
    libbpf.library                the C library that does it

4 Onto a socket
    sockets.packet_socket         a socket that shows every frame to a program
    tc.Place                      or, cheaper, in traffic control: on an interface's way in or out
    links.of_device               what stands before the IP header on an interface
    links.network                 and in a frame of a capture file: its EtherType, where IP begins

5 Numbers
    loader.Map.lookup             one value of a map, asked for through libbpf
    loader.Map.counter            one as a number
    syscall.Map.lookup            one value, asked for by bpf(2)
    syscall.Map.batch             all keys and values at once
    counters.Counters             all values of an array, read as memory, without a call
    (a frame gets the number of its protocol in C: bpf/sockex1_kern.c, bpf/protocols.h)
    protocols.NUMBERS             protocols by name
    protocols.name                the name of a protocol's number: 17 is "UDP"
    flows.Flows                   who talks to whom
    tracepoints.reasons           why packets were dropped, by the kernel's own names

6 A picture that moves
    live.LivePlot                 the plot with its controls
    live.interfaces               where it can listen
    page.sentence                 what a widget says, and what the page says without its kernel
    pictures.show                 a figure on the page, with its text
    pictures.style                the look of a protocol
    pictures.frame_picture        a frame as a grid of bytes

The laboratory
    netlab.open_network           a private network to experiment in
    netlab.NetworkError           why there is none
    traffic.echo                  so many pings
    traffic.udp                   so many datagrams
    traffic.tcp                   so many bytes
    frames.ethernet               a frame made by hand, header by header

Under the road
    syscall.bpf                   the system call bpf(2) itself
    syscall.ARRAY                 a type of map
    syscall.create_map            a map, made by it
    syscall.load_program          a program, loaded by it
    syscall.test_run              a program, run on a packet that never was on a wire
    syscall.frame_for_test_run    what to give it so that the program sees a whole frame
    syscall.SyscallError          what an error number means
    cbpf.decode                   classic BPF, the older language: its instructions
    cbpf.listing                  those as text
    cbpf.run                      a filter, run in Python
    libpcap.library               the C library that compiles filter expressions
    machine.load                  an object file, run in Python
    stepper.Stepper               a run, one instruction at a time
    stepper.text.written          the same as text
    bcc.headers.use               kernel headers for bcc
    uapi                          numbers of the kernel's headers
    places.trouble                why nothing can be written to a folder: the cause, looked at

The page
    check.compare                 a prediction beside what happened
    source.show                   lines of a C file
    table.Table                   a table that reads well here and in a terminal
    errors.CourseError            a failure, with its cause and its cure
    progress.exercises            the exercises of a chapter, as its notebook has them
    board.note                    what leaves a notebook for a room's board, if the learner agreed
    moved.MODULES                 where things went that an old copy of a chapter imports
"""

from helpers import moved

moved.install()  # an old copy of a chapter is told where its imports went
