// Keeps the pages' files, so that they open without a network; the newest come first where there is
// one. What is named by its sum never changes. A guest's memory is kept by machine.js, which has
// looked whether it is whole.
const FILES = ["./", "style.css", "page.js", "machine.js", "manifest.json", "v86/libv86.mjs", "v86/v86.wasm"];
const UNCHANGING = /\/files\/[0-9a-f]{20}\.zst$/;

self.addEventListener("install", event => {
    event.waitUntil(caches.open("page").then(kept => kept.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", event => event.waitUntil(self.clients.claim()));

async function answer(request) {
    const kept = await caches.open("page");
    if (UNCHANGING.test(new URL(request.url).pathname)) {
        const found = await kept.match(request);
        if (found) return found;
    }
    try {
        const response = await fetch(request);
        if (response.ok) await kept.put(request, response.clone());
        return response;
    } catch (error) {
        const found = await kept.match(request, { ignoreSearch: request.mode === "navigate" });
        if (found) return found;
        throw error;
    }
}

self.addEventListener("fetch", event => {
    const { origin, pathname } = new URL(event.request.url);
    const memory = pathname.endsWith(".zst") && !UNCHANGING.test(pathname);
    if (event.request.method === "GET" && origin === location.origin && !memory) event.respondWith(answer(event.request));
});
