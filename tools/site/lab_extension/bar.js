// What the page says of its machine, at its foot, and what can be done with the work in it.
const STYLE = `#linux-in-this-page { position: fixed; bottom: 0; right: 0; z-index: 10000; max-width: 100%;
    box-sizing: border-box; padding: 3px 10px; font: 13px/1.5 sans-serif; background: #123; color: #fff; border-radius: 6px 0 0 0; }
#linux-in-this-page button { font: inherit; margin: 0 0 0 8px; padding: 1px 8px; }
#linux-in-this-page progress { width: 8em; margin-left: 8px; vertical-align: middle; }`;

export class Bar {
    constructor() {
        const style = document.createElement("style");
        style.textContent = STYLE;
        this.box = document.createElement("section");
        this.box.id = "linux-in-this-page";
        this.box.setAttribute("aria-label", "Linux in this page");
        this.text = document.createElement("span");
        this.text.setAttribute("role", "status");
        this.progress = document.createElement("progress");
        this.progress.setAttribute("aria-label", "Loading");
        this.progress.hidden = true;
        this.box.append(this.text, this.progress);
        document.head.append(style);
        document.body.append(this.box);
    }

    // share: of what is loaded, if something is.
    say(text, share) {
        this.text.textContent = text;
        this.progress.hidden = share === undefined;
        if (share !== undefined) this.progress.value = share;
    }

    button(name, pressed) {
        const made = document.createElement("button");
        made.type = "button";
        made.textContent = name;
        made.addEventListener("click", () => pressed(made));
        this.box.append(made);
        return made;
    }

    // Says it, and goes on when the button is pressed.
    ask(text, name) {
        this.say(text);
        return new Promise(pressed => this.button(name, made => { made.remove(); pressed(); }));
    }
}
