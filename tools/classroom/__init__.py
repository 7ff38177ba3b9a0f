"""./course classroom: a room of learners on one machine, by JupyterHub.

    install         the hub's packages and its proxy
    room            the folder of a room: what is where, and what the instructor chose
    certificate     the certificate that a browser sees
    config          JupyterHub's configuration
    authenticator   sign-up with the room's code
    spawner         a learner's server, confined; confine.sh is its inner half
    containers      the same in a container; seccomp makes the filter in front of it
    limits          its share of memory and processes
    learner         what starts there, as the learner
    ready           a process that has read what a server needs, and forks itself into each
    quick           starts hub, servers and board without what nobody needs
    clearing        all of it away again
    needs           what it takes of this machine

Laboratory equipment. JupyterHub does the work; what is here says how.
"""
