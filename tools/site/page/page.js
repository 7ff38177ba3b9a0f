// The first page: loads the guest's memory, goes on where it stood, and shows what it counts.
// The sentences that a visitor may meet when something is missing stand in SENTENCES.
const SENTENCES = {
    noWebAssembly: "This browser has no WebAssembly, in which the kernel runs: use a current Firefox, "
        + "Chrome, Edge or Safari, with its protection by \"lockdown\" or \"strict\" mode off for this page.",
    noManifest: "The list of this site's files could not be loaded: look whether you are online, then load the page again.",
    noServer: "The kernel's memory could not be loaded: look whether you are online, then press Run again.",
    half: "Only a part of the kernel's memory arrived: press Run again.",
    broken: "The kernel's memory arrived damaged: press Run again, and if that does not help, the site has to be built anew.",
    noMachine: "The machine in this page did not start, most likely for lack of memory: close other tabs, then load the page again.",
};
const element = id => document.getElementById(id);
const say = text => { element("status").textContent = text; };
const megabytes = bytes => `${(bytes / 1e6).toFixed(1)} MB`;

class Missing extends Error {}

const hex = buffer => Array.from(new Uint8Array(buffer), byte => byte.toString(16).padStart(2, "0")).join("");

// Over plain http from another machine a page has neither: then the length alone is looked at.
const storage = async () => ("caches" in self ? caches.open("machine") : null);
const digest = async data => (crypto.subtle ? hex(await crypto.subtle.digest("SHA-256", data)) : null);

async function load(name, known) {
    const kept = await (await storage())?.match(name);
    if (kept) return kept.arrayBuffer();
    let response;
    try {
        response = await fetch(name);
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
            element("progress").value = (at + part.value.length) / data.length;
            say(`Loading: ${megabytes(at + part.value.length)} of ${megabytes(data.length)}.`);
        }
    } catch (error) {
        throw error instanceof Missing ? error : new Missing(SENTENCES.half);
    }
    if (at < data.length) throw new Missing(SENTENCES.half);
    const sum = await digest(data);
    if (sum !== null && sum !== known.sha256) throw new Missing(SENTENCES.broken);
    await keep(name, data);
    return data.buffer;
}

// Whole and checked data is kept for the next time, and for a page without a network.
async function keep(name, data) {
    const kept = await storage();
    if (!kept) return;
    try {
        for (const older of await kept.keys()) await kept.delete(older);
        await kept.put(name, new Response(data));
    } catch (error) {
        console.warn(`The browser keeps nothing (${error.message}); the page works all the same.`);
    }
}

// The guest's first serial line, as an iterator of whole lines.
function lines(machine) {
    let line = "";
    const waiting = [], found = [];
    machine.add_listener("serial0-output-byte", byte => {
        if (byte === 13) return;
        if (byte !== 10) {
            line += String.fromCharCode(byte);
            return;
        }
        if (waiting.length) waiting.shift()(line);
        else found.push(line);
        line = "";
    });
    return () => found.length ? Promise.resolve(found.shift()) : new Promise(done => waiting.push(done));
}

let machine = null, next = null;

async function start(manifest) {
    const buffer = await load(manifest.state, manifest.files[manifest.state]);
    say("Starting the kernel.");
    const { V86 } = await import("./v86/libv86.mjs");
    const made = new V86({
        wasm_path: "v86/v86.wasm",
        memory_size: manifest.memory_megabytes << 20,
        vga_memory_size: manifest.vga_memory_megabytes << 20,
        disable_keyboard: true,
        disable_mouse: true,
        disable_speaker: true,
        autostart: false,
    });
    await new Promise(ready => made.add_listener("emulator-ready", ready));
    await made.restore_state(buffer);
    next = lines(made);
    await made.run();
    machine = made;
    await keepPage();
}

// From here on the page opens without a network, too. Not before Run: it loads all that it keeps.
async function keepPage() {
    try {
        await navigator.serviceWorker?.register("service.js");
    } catch (error) {
        console.warn(`Without a network the page will not open (${error.message}).`);
    }
}

async function run(manifest) {
    element("run").disabled = true;
    element("lines").textContent = "";
    try {
        element("progress").hidden = false;
        if (!machine) await start(manifest);
        element("progress").hidden = true;
        say("Counting, in the kernel.");
        machine.serial0_send("run\n");
        for (let line; (line = await next()) !== "agent: done";) element("lines").textContent += `${line}\n`;
        say(`Counted by ${manifest.kernel}, in this page.`);
    } catch (error) {
        console.error(error);
        say(error instanceof Missing ? error.message : SENTENCES.noMachine);
    }
    element("progress").hidden = true;
    element("run").disabled = false;
}

async function open() {
    if (typeof WebAssembly !== "object") {
        element("size").textContent = SENTENCES.noWebAssembly;
        return;
    }
    let manifest;
    try {
        manifest = await (await fetch("manifest.json")).json();
    } catch {
        element("size").textContent = SENTENCES.noManifest;
        return;
    }
    const bytes = ["v86/libv86.mjs", "v86/v86.wasm", manifest.state].reduce((sum, name) => sum + manifest.files[name].bytes, 0);
    const there = await (await storage())?.match(manifest.state);
    element("size").textContent = there
        ? `Run starts ${manifest.kernel}, which is in this browser already.`
        : `Run loads ${megabytes(bytes)} once and starts ${manifest.kernel}.`;
    element("run").addEventListener("click", () => run(manifest));
    element("run").disabled = false;
}

open();
