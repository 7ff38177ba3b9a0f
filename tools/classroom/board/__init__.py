"""The room's board: who has done what, who is stuck and why; what the room predicted.

    sender    in each learner's server: the page with the switch, and what sends
    service   of the hub: takes what comes, and shows it to the instructor
    store     its data base
    page.html what the instructor sees; room.html what the learner does

Laboratory equipment. Source: JupyterHub's "Services"; jupyter_server's "Server Extensions".
"""
