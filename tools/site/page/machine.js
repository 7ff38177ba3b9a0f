// The Linux in a page: loads a guest's memory, whole and checked, and goes on where it stood.
// Both pages use it: the first one, with "Run", and the notebooks.
export const SENTENCES = {
    noWebAssembly: "This browser has no WebAssembly, in which the kernel runs: use a current Firefox, "
        + "Chrome, Edge or Safari, with its protection by \"lockdown\" or \"strict\" mode off for this page.",
    noManifest: "The list of this site's files could not be loaded: look whether you are online, then load the page again.",
    noServer: "The kernel's memory could not be loaded: look whether you are online, then press Run again.",
    half: "Only a part of the kernel's memory arrived: press Run again.",
    broken: "The kernel's memory arrived damaged: press Run again, and if that does not help, the site has to be built anew.",
    noStorage: "This browser keeps nothing for this page, so your work is lost with it: take it out before you leave.",
    narrow: "Notebooks want a wider screen than this one: turn it, or read the chapters in the book.",
    noMachine: "The machine in this page did not start, most likely for lack of memory: close other tabs, then load the page again.",
};
export const megabytes = bytes => `${(bytes / 1e6).toFixed(1)} MB`;

const MEMORY = /\/[a-z]+-[0-9a-f]+\.zst$/;

export class Missing extends Error {}

const hex = buffer => Array.from(new Uint8Array(buffer), byte => byte.toString(16).padStart(2, "0")).join("");

// Over plain http from another machine a page has neither: then the length alone is looked at.
export const storage = async () => ("caches" in self ? caches.open("machine").catch(() => null) : null);
export const hasStorage = async () => await storage() !== null;
const digest = async data => (crypto.subtle ? hex(await crypto.subtle.digest("SHA-256", data)) : null);

export async function loadManifest(root) {
    try {
        const response = await fetch(new URL("manifest.json", root));
        if (response.ok) return await response.json();
    } catch (error) {
        console.warn(error);
    }
    throw new Missing(SENTENCES.noManifest);
}

// Whether a guest's memory is in this browser already.
export const isKept = async (root, name) => await (await storage())?.match(new URL(name, root).href) !== undefined;

// A guest's memory. root: the site's first folder; known: its length and sum; say(bytes there).
export async function load(root, name, known, say) {
    const address = new URL(name, root).href;
    const kept = await (await storage())?.match(address);
    if (kept) return kept.arrayBuffer();
    let response;
    try {
        response = await fetch(address);
    } catch {
        throw new Missing(SENTENCES.noServer);
    }
    if (!response.ok) throw new Missing(SENTENCES.noServer);
    const data = new Uint8Array(known.bytes);
    let at = 0;
    const reader = response.body.getReader();
    try {
        for (let part; !(part = await reader.read()).done; at += part.value.length) {
            if (at + part.value.length > data.length) throw new Missing(SENTENCES.broken);
            data.set(part.value, at);
            say(at + part.value.length, data.length);
        }
    } catch (error) {
        throw error instanceof Missing ? error : new Missing(SENTENCES.half);
    }
    if (at < data.length) throw new Missing(SENTENCES.half);
    const sum = await digest(data);
    if (sum !== null && sum !== known.sha256) throw new Missing(SENTENCES.broken);
    await keep(address, data);
    return data.buffer;
}

// Whole and checked data is kept for the next time, and for a page without a network; an older
// build's goes, which begins like it.
async function keep(address, data) {
    const kept = await storage();
    if (!kept) return;
    const kind = address.slice(0, address.lastIndexOf("-"));
    try {
        for (const older of await kept.keys()) if (older.url.startsWith(kind)) await kept.delete(older);
        await kept.put(address, new Response(data));
    } catch (error) {
        console.warn(`The browser keeps nothing (${error.message}); the page works all the same.`);
    }
}

// Start what a manifest says of a guest: state, memory_megabytes, vga_memory_megabytes, and, if its
// files come over 9p, the folder that they are in (the index of them is in the state). Result: the running machine.
export async function start(root, manifest, guest, say) {
    const buffer = await load(root, guest.state, manifest.files[guest.state], say);
    const { V86 } = await import(new URL("v86/libv86.mjs", root).href);
    const at = name => new URL(name, root).href;
    const machine = new V86({
        wasm_path: at("v86/v86.wasm"),
        memory_size: guest.memory_megabytes << 20,
        vga_memory_size: guest.vga_memory_megabytes << 20,
        ...(guest.files ? { filesystem: { baseurl: at(guest.files) }, virtio_console: true } : {}),
        disable_keyboard: true,
        disable_mouse: true,
        disable_speaker: true,
        autostart: false,
    });
    await new Promise(ready => machine.add_listener("emulator-ready", ready));
    await machine.restore_state(buffer);
    await machine.run();
    return machine;
}

// From here on the page opens without a network, too: what it has loaded is kept, and what it will.
// Not before a start, for it loads all that it keeps. Result: whether something is kept.
export async function keepPage(root) {
    if (!navigator.serviceWorker || !await hasStorage()) return false;
    try {
        await navigator.serviceWorker.register(new URL("service.js", root).href);
        const kept = await caches.open("page");
        const there = performance.getEntriesByType("resource").filter(entry => (entry.responseStatus ?? 200) < 400);
        const loaded = there.map(entry => entry.name);
        const mine = [location.href.split("#")[0], ...loaded].filter(url => url.startsWith(root) && !MEMORY.test(url));
        await Promise.allSettled([...new Set(mine)].map(async url => await kept.match(url) || kept.add(url)));
        return true;
    } catch (error) {
        console.warn(`Without a network the page will not open (${error.message}).`);
        return false;
    }
}
