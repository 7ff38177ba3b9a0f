// Boots a guest in v86, waits until its agent is ready, and writes the machine's memory to a file.
// node snapshot.mjs FOLDER STATE: FOLDER has v86, the BIOS, the kernel (bzimage), its first file
// system (initrd), and machine.json: the memory in megabytes, the kernel's command line, and, for a
// guest whose files come over 9p, the folder that they are in (its index is index.json of FOLDER).
// What the guest's serial line says goes to standard output. Source: v86.d.ts of the npm package.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [folder, state] = process.argv.slice(2);
const READY = "agent: ready";
const file = name => path.join(folder, name);
const image = name => {
    const data = fs.readFileSync(file(name));
    return { buffer: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) };
};
const told = JSON.parse(fs.readFileSync(file("machine.json")));
const { V86 } = await import(pathToFileURL(file("libv86.mjs")));
const machine = new V86({
    wasm_path: file("v86.wasm"),
    memory_size: told.megabytes << 20,
    vga_memory_size: told.vga_megabytes << 20,
    bios: image("bios.bin"),
    vga_bios: image("vgabios.bin"),
    bzimage: image("bzimage"),
    initrd: image("initrd"),
    cmdline: told.cmdline,
    ...(told.files ? { filesystem: { basefs: file("index.json"), baseurl: told.files }, virtio_console: true } : {}),
    disable_keyboard: true,
    disable_mouse: true,
    autostart: true,
});
let line = "";
machine.add_listener("serial0-output-byte", byte => {
    if (byte === 13) return;
    if (byte !== 10) {
        line += String.fromCharCode(byte);
        return;
    }
    const whole = line;
    line = "";
    process.stdout.write(`${whole}\n`);
    if (whole.includes("Kernel panic") || whole.startsWith("agent: failed")) process.exit(1);
    if (whole === READY) save();
});

async function save() {
    await machine.stop();
    fs.writeFileSync(state, new Uint8Array(await machine.save_state()));
    process.exit(0);
}
