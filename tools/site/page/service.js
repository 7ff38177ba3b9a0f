// Keeps the page's small files, so that it opens without a network; the newest come first where
// there is one. The kernel's memory is kept by page.js, which has looked whether it is whole.
const FILES = ["./", "style.css", "page.js", "manifest.json", "v86/libv86.mjs", "v86/v86.wasm"];

self.addEventListener("install", event => {
    event.waitUntil(caches.open("page").then(kept => kept.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", event => event.waitUntil(self.clients.claim()));

async function answer(request) {
    const kept = await caches.open("page");
    try {
        const response = await fetch(request);
        if (response.ok) await kept.put(request, response.clone());
        return response;
    } catch (error) {
        const found = await kept.match(request);
        if (found) return found;
        throw error;
    }
}

self.addEventListener("fetch", event => {
    const { pathname } = new URL(event.request.url);
    if (event.request.method === "GET" && !pathname.endsWith(".zst")) event.respondWith(answer(event.request));
});
