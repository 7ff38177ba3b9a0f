#!/usr/bin/env bash
# In ipywidgets the press on a button overtakes the line that was written before it.
#
# Versions: @jupyter-widgets/controls 5.0.12 and base 6.0.12, which ipywidgets 8.1 shows in a page.
# Behaviour: a widget's new value is kept back until the kernel has been idle after the one before; a
#   button's click is sent at once. So while the kernel is busy, of "a value, a click, another value,
#   another click" the kernel gets the second click before the second value, and a callback of the
#   button reads the first value twice. Only then comes the second value.
# Needs: node with npm, the npm registry. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @jupyter-widgets/controls@5.0.12 \
    @jupyter-widgets/base@6.0.12 esbuild@0.21.5 jsdom@22.1.0

echo 'export { TextModel, TextView, ButtonModel, ButtonView } from "@jupyter-widgets/controls";' > entry.mjs
npx esbuild entry.mjs --bundle --format=cjs --platform=browser --log-level=error \
    --loader:.css=empty --loader:.svg=empty --outfile=bundle.js
cat > page.js <<'PAGE'
const { JSDOM } = require("jsdom");
const { window } = new JSDOM("<!doctype html>", { runScripts: "outside-only", pretendToBeVisual: true });
window.DragEvent = class extends window.Event {}; // jsdom has none; nothing is dragged here
window.module = { exports: {} };
window.eval("var exports = module.exports;" + require("fs").readFileSync("bundle.js", "utf8"));
const { TextModel, TextView, ButtonModel, ButtonView } = window.module.exports;
const sent = [];
let idle = () => {}; // what the page does once the kernel has been idle after the last value

function widget(Model, View, state) {
  const comm = { on_close() {}, on_msg() {} };
  comm.send = (data, callbacks) => {
    sent.push(data.method === "update" ? `value ${data.state.value}` : data.content.event);
    if (data.method === "update") {
      idle = () => callbacks.iopub.status({ content: { execution_state: "idle" } });
    }
    return String(sent.length);
  };
  const widget_manager = { callbacks: () => ({}) };
  const blank = { layout: null, style: null };
  const model = new Model({ ...state, ...blank }, { widget_manager, model_id: "1", comm });
  return new View({ model, options: {} });
}

(async () => {
  const text = widget(TextModel, TextView, { value: "", continuous_update: false });
  const button = widget(ButtonModel, ButtonView, { description: "Count", icon: "" });
  await text.render();
  await button.render();
  const line = text.el.querySelector("input");
  for (const name of ["first", "second"]) {
    line.value = name;
    line.dispatchEvent(new window.Event("change", { bubbles: true }));
    button.el.click();
  }
  idle();
  console.log(sent.join(", "));
})();
PAGE
node page.js | tee seen
diff seen - <<'EXPECTED'
value first, click, click, value second
EXPECTED
