choices = {
    "tonight, on my laptop: which ports does this game talk to?": "libbpf",
    "a traffic monitor for 500 routers with 128 MB of memory each": "libbpf",
    "a question that changes every five minutes, and my C with it": "libbpf",
    "a counter that starts with each container, thousands of times a day": "libbpf",
}
