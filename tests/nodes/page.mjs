/** As much of a page as the scripts of the nodes need, to run them in Node.js: elements, nodes, and a log of both. */

class Element {
  constructor() {
    Object.assign(this, { children: [], listeners: {}, attributes: {}, style: {}, textContent: "" });
  }
  append(...parts) {
    this.children.push(...parts);
  }
  replaceChildren(...parts) {
    this.children = parts;
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  addEventListener(name, listener) {
    this.listeners[name] = listener;
  }
  focus() {}
  querySelectorAll(name) {
    return this.children.flatMap((child) => [...(child.type === "button" ? [child] : []), ...(child.querySelectorAll?.(name) ?? [])]);
  }
  press() {
    this.listeners.pointerdown({ button: 0 });
  }
  get lines() {
    return this.children.flatMap((child) => (child instanceof Element ? child.lines : [child])).concat(this.textContent || []);
  }
}

globalThis.document = { createElement: () => new Element(), createTextNode: (text) => text, activeElement: null };
const extensions = [];
export const app = { registerExtension: (extension) => extensions.push(extension) };
export const api = { apiURL: (path) => path };

/** A Map Faces, as the page makes one before it is put into a graph. */
export function mapFaces(lists = ["*", "0"]) {
  const names = ["input_faces_index", "source_faces_index"];
  const node = {
    isInputConnected: () => false,
    constructor: { comfyClass: "MFS_IndexMap" },
    properties: {},
    outputs: [{ name: "report" }],
    inputs: [],
    widgets: names.map((name, place) => ({ name, value: lists[place] })),
    addDOMWidget(name, type, element) {
      this.widgets.push({ name, element });
      return this.widgets.at(-1);
    },
  };
  extensions.forEach((extension) => extension.nodeCreated(node));
  return node;
}

/** What undo, a copy and a subgraph make of it: another node of the same properties and lists. */
export function again(node) {
  const made = mapFaces(node.widgets.slice(0, 2).map((widget) => widget.value));
  made.properties = JSON.parse(JSON.stringify(node.properties));
  made.onConfigure?.();
  return made;
}
