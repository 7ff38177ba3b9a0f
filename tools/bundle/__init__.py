"""./course bundle: one file with all that ./course lab would fetch, for a room without internet.

    make        gathers it: packages of Debian for the releases tested, wheels for their Pythons,
                the site and the container image, where they are there
    __main__    the verb
    use.sh      ./course lab --from FILE: checks it, unpacks it, and has apt and pip look there
    tried       tries it in a bare Debian without a network, and writes down what it took

Laboratory equipment. Source: apt's sources.list(5), "trusted"; pip's "--find-links"; sha256sum(1).
"""
