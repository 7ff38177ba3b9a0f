// The first page: loads its guest's memory, goes on where it stood, and shows what it counts.
import { Missing, SENTENCES, hasStorage, isKept, keepPage, loadManifest, megabytes, start as startGuest } from "./machine.js";

const root = new URL("./", location.href).href;
const element = id => document.getElementById(id);
const say = text => { element("status").textContent = text; };

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
    machine = await startGuest(root, manifest, manifest.guests.run, (there, all) => {
        element("progress").value = there / all;
        say(there < all ? `Loading: ${megabytes(there)} of ${megabytes(all)}.` : "Starting the kernel.");
    });
    next = lines(machine);
    await keepPage(root);
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
        manifest = await loadManifest(root);
    } catch (error) {
        element("size").textContent = error.message;
        return;
    }
    const size = name => manifest.files[name].bytes;
    const state = manifest.guests.run.state;
    const bytes = size("v86/libv86.mjs") + size("v86/v86.wasm") + size(state);
    const storage = await hasStorage();
    element("size").textContent = await isKept(root, state)
        ? `Run starts ${manifest.kernel}, which is in this browser already.`
        : `Run loads ${megabytes(bytes)} ${storage ? "once" : "each time, for this browser keeps nothing here,"} and starts ${manifest.kernel}.`;
    const { notebooks } = manifest.guests;
    if (notebooks) {
        element("lab-size").textContent = await isKept(root, notebooks.state)
            ? "it is in this browser already."
            : `it asks before it loads its ${megabytes(size(notebooks.state))}, beside about 10 MB for the notebooks' page.`;
        element("chapters").hidden = false;
    }
    element("run").addEventListener("click", () => run(manifest));
    element("run").disabled = false;
}

open();
