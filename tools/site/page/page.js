// The first page: loads its guest's memory, goes on where it stood, and shows what it counts.
import { Missing, SENTENCES, keepPage, megabytes, start as startGuest, storage } from "./machine.js";

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
        manifest = await (await fetch("manifest.json")).json();
    } catch {
        element("size").textContent = SENTENCES.noManifest;
        return;
    }
    const bytes = ["v86/libv86.mjs", "v86/v86.wasm", manifest.guests.run.state].reduce((sum, name) => sum + manifest.files[name].bytes, 0);
    const there = await (await storage())?.match(new URL(manifest.guests.run.state, root).href);
    element("size").textContent = there
        ? `Run starts ${manifest.kernel}, which is in this browser already.`
        : `Run loads ${megabytes(bytes)} once and starts ${manifest.kernel}.`;
    element("run").addEventListener("click", () => run(manifest));
    element("run").disabled = false;
}

open();
