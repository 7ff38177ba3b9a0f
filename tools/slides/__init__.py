"""./course slides: slides of chapters 00 to 04 and 12, of their own pictures and predictions.

    deck        the slides of one chapter, from what is stored in it
    __main__    the verb: reveal.js from its package, the pages beside it
    page.html   a page around them; slides.css how they look, light and dark

Laboratory equipment. Source: reveal.js's documentation, "Markup" and "Config Options".
"""
