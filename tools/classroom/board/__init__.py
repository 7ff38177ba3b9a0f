"""The room's board: who has done what, who is stuck and why; what the room predicted.

    sender    in each learner's server: the page with the switch, and what sends, with
              to_hub, or join, which checks whose the board at an address is
    address   what learners type, where there is no hub
    pages     what the instructor sees
    service   the hub's; takes what comes, and knows who somebody is
    alone     the same without a hub
    store     the data base
    page.html what the instructor sees; room.html what the learner does

Laboratory equipment. Source: JupyterHub's "Services"; jupyter_server's "Server Extensions".
"""
