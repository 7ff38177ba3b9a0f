#!/usr/bin/env bash
# What is being written into an ipywidgets Combobox is lost when other options are offered.
#
# Versions: @jupyter-widgets/controls 5.0.12 and base 6.0.12, which ipywidgets 8.1 shows in a page.
# Behaviour: a Text or Combobox with continuous_update=False gives the line to its model when it is
#   left or Enter is pressed. Any change that the kernel makes to another attribute meanwhile, such as
#   Combobox.options, draws the widget anew from the model: in the place of what is being written
#   stands what was there before. The same line with continuous_update=True stays.
# Needs: node with npm, the npm registry. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @jupyter-widgets/controls@5.0.12 \
    @jupyter-widgets/base@6.0.12 esbuild@0.21.5 jsdom@22.1.0

echo 'export { ComboboxModel, ComboboxView } from "@jupyter-widgets/controls";' > entry.mjs
npx esbuild entry.mjs --bundle --format=cjs --platform=browser --log-level=error \
    --loader:.css=empty --loader:.svg=empty --outfile=bundle.js
cat > page.js <<'PAGE'
const { JSDOM } = require("jsdom");
const { window } = new JSDOM("<!doctype html>", { runScripts: "outside-only", pretendToBeVisual: true });
window.DragEvent = class extends window.Event {}; // jsdom has none; nothing is dragged here
window.module = { exports: {} };
window.eval("var exports = module.exports;" + require("fs").readFileSync("bundle.js", "utf8"));
const { ComboboxModel, ComboboxView } = window.module.exports;

async function written(continuous_update) {
  const comm = { on_close() {}, on_msg() {}, send: () => "1" };
  const state = { value: "first", options: ["first"], continuous_update, layout: null, style: null };
  const widget_manager = { callbacks: () => ({}) };
  const model = new ComboboxModel(state, { widget_manager, model_id: "1", comm });
  const view = new ComboboxView({ model, options: {} });
  await view.render();
  const line = view.el.querySelector("input");
  line.value = "second";
  line.dispatchEvent(new window.Event("input", { bubbles: true }));
  model.set_state({ options: ["first", "third"] }); // as a message of the kernel's does
  return line.value;
}

(async () => {
  console.log("continuous_update=False:", await written(false));
  console.log("continuous_update=True:", await written(true));
})();
PAGE
node page.js | tee seen
diff seen - <<'EXPECTED'
continuous_update=False: first
continuous_update=True: second
EXPECTED
