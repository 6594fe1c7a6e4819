/** Shows the report of a node in the node itself. */

import { app } from "/scripts/app.js";
import { following } from "./following.js";
// Scripts come in any order: the thumbnails are to stand above the report in every page load.
import "./picker.js";

const PREFIX = "MFS_";
const STYLE = `
.mfs-report { box-sizing: border-box; width: 100%; height: 100%; padding: 6px; overflow: auto; white-space: pre-wrap;
  font: 11px/1.4 sans-serif; color: var(--input-text, #ddd); background: var(--comfy-input-bg, #222);
  border-radius: 6px; user-select: text; overflow-wrap: anywhere; }
`;
const HEIGHT = 120;
/** A saved report is that of another run: only undo, copies and subgraphs show it again. */
const PAGE = String(performance.timeOrigin);
const WAITING = "Run to see the report here.";

function elementOf() {
  const element = document.createElement("div");
  element.className = "mfs-report";
  show(element, WAITING);
  return element;
}

function show(element, text) {
  const style = document.createElement("style");
  style.textContent = STYLE;
  element.replaceChildren(style, document.createTextNode(text));
}

app.registerExtension({
  name: "multifaceswap.report",
  nodeCreated(node) {
    const reports = (node.outputs ?? []).some((output) => output.name === "report");
    if (!node.constructor.comfyClass?.startsWith(PREFIX) || !reports || !node.addDOMWidget) return;
    const element = elementOf();
    const widget = node.addDOMWidget("mfs_report", "mfs_report", element, {
      serialize: false,
      getMinHeight: () => HEIGHT,
      getValue: () => "",
      setValue: () => {},
    });
    widget.serialize = false;
    following(node, "onExecuted", (message) => {
      const text = message?.mfs_report?.[0];
      if (typeof text !== "string") return;
      node.properties.mfs_report = { text, page: PAGE };
      show(element, text);
    });
    following(node, "onConfigure", () => {
      const { text, page } = node.properties.mfs_report ?? {};
      show(element, page === PAGE ? text : WAITING);
    });
  },
});
