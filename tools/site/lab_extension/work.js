// A learner's work in one file, out of the page and in again: the notebooks that were changed, as they
// are, and what the checks kept. ./course progress --out and --in write and read the same (tools/carry.py).
const WHAT = "work in Packet tracing with BPF";
const NAME = /^[\w-][\w.-]*\.ipynb$/;
const RANK = ["not attempted", "not yet", "right"];
const KEPT = "progress in Packet tracing with BPF";

export class NoWork extends Error {}

// What was reached, kept by the browser, if it keeps anything.
export function progress() {
    try {
        return JSON.parse(localStorage.getItem(KEPT)) ?? {};
    } catch {
        return {};
    }
}

// Never less than before. Result: all that was reached.
export function addProgress(more) {
    const all = progress();
    for (const [chapter, reached] of Object.entries(more)) {
        for (const [number, status] of Object.entries(reached)) {
            const mine = (all[chapter] ??= {});
            if (RANK.indexOf(status) > RANK.indexOf(mine[number] ?? RANK[0])) mine[number] = status;
        }
    }
    try {
        localStorage.setItem(KEPT, JSON.stringify(all));
    } catch (error) {
        console.warn(`The browser keeps nothing (${error.message}).`);
    }
    return all;
}

const source = cell => Array.isArray(cell.source) ? cell.source.join("") : cell.source;
const said = notebook => JSON.stringify(notebook.cells.map(cell => [cell.cell_type, source(cell)]).filter(cell => cell[1].trim()));

// The course's own notebook of that name, or null. base: of JupyterLite.
async function courses(base, name) {
    const response = await fetch(new URL(`files/${name}`, base));
    return response.ok ? response.json() : null;
}

async function notebooks(contents) {
    const { content } = await contents.get("", { content: true });
    return content.filter(file => file.type === "notebook" && NAME.test(file.name)).map(file => file.name).sort();
}

const read = async (contents, name) => (await contents.get(name, { content: true, type: "notebook" })).content;

async function changed(contents, base, name) {
    const mine = await read(contents, name), theirs = await courses(base, name);
    return theirs && said(mine) === said(theirs) ? null : mine;
}

// The text of the file. contents: of JupyterLab.
export async function takeOut(contents, base) {
    const found = {};
    for (const name of await notebooks(contents)) {
        const mine = await changed(contents, base, name);
        if (mine) found[name] = mine;
    }
    return JSON.stringify({ what: WHAT, version: 1, progress: progress(), notebooks: found }) + "\n";
}

// Takes a file in; nothing of the learner's is overwritten. Result: what is said of it.
export async function bringIn(contents, base, text) {
    let whole;
    try {
        whole = JSON.parse(text);
    } catch {
        whole = null;
    }
    const sound = whole?.what === WHAT && whole.version === 1
        && Object.entries(whole.notebooks).every(([name, notebook]) => NAME.test(name) && Array.isArray(notebook.cells));
    if (!sound) throw new NoWork("This is no work of this course: take it out once more, here or by ./course progress --out FILE.");
    const there = await notebooks(contents), aside = [];
    for (const [name, notebook] of Object.entries(whole.notebooks)) {
        const mine = there.includes(name) ? await changed(contents, base, name) : null;
        if (mine && said(mine) !== said(notebook)) {
            let number = 1;
            while (there.includes(name.replace(".ipynb", `.old-${number}.ipynb`))) number++;
            const other = name.replace(".ipynb", `.old-${number}.ipynb`);
            await contents.save(other, { type: "notebook", format: "json", content: mine });
            aside.push(`your own ${name} is now ${other}`);
        }
        await contents.save(name, { type: "notebook", format: "json", content: notebook });
    }
    addProgress(whole.progress);
    const names = Object.keys(whole.notebooks).join(", ") || "none";
    return `Taken in; notebooks: ${[names, ...aside].join("; ")}. If one of them is open, close it and open it again.`;
}
