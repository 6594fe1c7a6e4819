/** Map Faces: the faces as thumbnails; a click on a donor and then on a target pairs them. */

import { api } from "/scripts/api.js";
import { app } from "/scripts/app.js";
import { following } from "./following.js";
import { clicked, pairsOf, textsOf } from "./pairs.js";

const NODE = "MFS_IndexMap";
const LISTS = ["input_faces_index", "source_faces_index"];
const COLOURS = ["#4ea1f3", "#f3a14e", "#6cc56c", "#d46cc5", "#e5d04e", "#5ecfcf", "#e56b6b", "#9c8cf0"];
const SIDE = 52;
/** Thumbnails are temporary files: what another page load has seen may be gone. */
const PAGE = String(performance.timeOrigin);
const WAITING = "Run once to see the faces here.";
const HELP = "Click a donor, then the faces that get it; click again to part them.";
const LINKED = "The lists come over links: they are set there.";
const UNREADABLE = "The lists can't be shown as pairs; a click starts from the pairs of the last run.";
const LAST = "One pair must stay.";
const NO_DONOR = "Click a donor first.";
const NO_FACES = "One side has no face: the report says why.";
const STYLE = `
.mfs-picker { box-sizing: border-box; display: flex; flex-direction: column; gap: 4px; padding: 4px; overflow: auto;
  font: 11px/1.3 sans-serif; color: var(--input-text, #ddd); background: var(--comfy-input-bg, #222);
  border-radius: 6px; width: 100%; height: 100%; }
.mfs-picker div { display: flex; flex-wrap: wrap; gap: 4px; }
.mfs-picker p { margin: 0; color: var(--descrip-text, #999); }
.mfs-picker button { position: relative; padding: 0; width: ${SIDE}px; height: ${SIDE}px; cursor: pointer;
  border: 3px solid var(--border-color, #4e4e4e); border-radius: 6px; background: #3a3a3a no-repeat; color: #fff; }
.mfs-picker button[aria-pressed="true"] { outline: 2px solid #fff; }
.mfs-picker button:disabled { cursor: default; }
.mfs-picker span { position: absolute; padding: 0 3px; border-radius: 3px; background: #000b; font-weight: bold; }
.mfs-picker .number { left: 0; top: 0; }
.mfs-picker .donor { right: 0; bottom: 0; color: #000; }
`;

class Picker {
  constructor(node) {
    this.node = node;
    this.faces = null;
    this.chosen = null;
    this.said = "";
    this.element = document.createElement("div");
    this.element.className = "mfs-picker";
    this.render();
  }

  list(which) {
    return this.node.widgets?.find((widget) => widget.name === LISTS[which]);
  }

  value(name) {
    return String(this.node.widgets?.find((widget) => widget.name === name)?.value ?? "");
  }

  get linked() {
    const inputs = this.node.inputs ?? [];
    return inputs.some((input, slot) => LISTS.includes(input.name) && this.node.isInputConnected(slot));
  }

  /** What a run found: `{targets, sources, pairs, sheet}`. */
  show(faces) {
    this.faces = faces;
    this.chosen = onlyOne(faces);
    this.said = "";
    this.node.properties.mfs_faces = { ...faces, page: PAGE };
    this.render();
  }

  /** After an undo, a copy or a reload: the faces as last seen, by numbers alone where their pictures may be gone. */
  restore() {
    const { page, ...faces } = this.node.properties.mfs_faces ?? {};
    this.faces = page ? { ...faces, sheet: page === PAGE ? faces.sheet : null } : null;
    this.chosen = onlyOne(this.faces);
    this.render();
  }

  /** By target number: what the lists say, or the last run's where they can't be read. */
  pairs() {
    const { targets, sources, pairs } = this.faces;
    const written = pairsOf(this.value(LISTS[0]), this.value(LISTS[1]), this.value("pairing"), targets, sources);
    return { readable: written !== null && !this.linked, pairs: this.linked || !written ? new Map(pairs) : written };
  }

  choose(donor) {
    this.chosen = this.chosen === donor ? null : donor;
    this.said = "";
    this.render();
  }

  pick(target) {
    const before = this.pairs().pairs;
    const changed = clicked(before, target, this.chosen);
    const noDonor = this.chosen === null && !before.has(target);
    this.said = noDonor ? NO_DONOR : changed.size ? "" : LAST;
    if (changed.size && !noDonor) {
      textsOf(changed).forEach((text, which) => {
        const widget = this.list(which);
        widget.value = text;
        widget.callback?.(text);
      });
      this.node.graph?.setDirtyCanvas?.(true, true);
    }
    this.render();
  }

  render() {
    const focused = this.buttons().indexOf(document.activeElement);
    const style = document.createElement("style");
    style.textContent = STYLE;
    this.element.replaceChildren(style, ...(this.faces ? this.lines() : [line(WAITING)]));
    this.buttons()[focused]?.focus();
  }

  buttons() {
    return [...this.element.querySelectorAll("button")];
  }

  lines() {
    const { pairs, readable } = this.pairs();
    const { targets, sources } = this.faces;
    const help = this.linked ? LINKED : readable ? HELP : UNREADABLE;
    const note = this.said || (targets && sources ? help : NO_FACES);
    const donors = row(sources, (donor) => this.face(donor, targets + donor, donor, () => this.choose(donor)));
    const people = row(targets, (target) => this.face(target, target, pairs.get(target), () => this.pick(target), true));
    return [line("Donors"), donors, line("Targets"), people, line(note)];
  }

  face(number, place, donor, act, isTarget = false) {
    const button = document.createElement("button");
    button.type = "button";
    button.disabled = this.linked;
    const { sheet, across } = this.faces;
    if (sheet) {
      const query = new URLSearchParams({ filename: sheet.filename, subfolder: sheet.subfolder, type: sheet.type });
      button.style.backgroundImage = `url("${api.apiURL(`/view?${query}`)}")`;
      button.style.backgroundSize = `${across * 100}% auto`;
      const last = Math.max(across - 1, 1);
      const rows = Math.max(this.faces.down - 1, 1);
      button.style.backgroundPosition = `${((place % across) / last) * 100}% ${(Math.floor(place / across) / rows) * 100}%`;
    }
    if (donor !== undefined) button.style.borderColor = COLOURS[donor % COLOURS.length];
    button.append(badge("number", number));
    if (isTarget) {
      button.title = donor === undefined ? `Target face ${number}` : `Target face ${number} gets source face ${donor}`;
      if (donor !== undefined) button.append(badge("donor", donor, COLOURS[donor % COLOURS.length]));
    } else {
      button.title = `Source face ${number}`;
      button.setAttribute("aria-pressed", String(this.chosen === number));
    }
    // Undo is recorded as the button comes up: what a pointer does must be done by then. A key's click has detail 0.
    button.addEventListener("pointerdown", (event) => {
      if (event.button === 0) act();
    });
    button.addEventListener("click", (event) => {
      if (event.detail === 0) act();
    });
    return button;
  }
}

/** Of the texts and both rows of buttons in a node of the least width; more rows than shown are scrolled to. */
function heightOf({ targets, sources }) {
  const rows = [targets, sources].map((count) => Math.min(Math.max(Math.ceil(count / 4), 1), 3));
  return 92 + (SIDE + 4) * (rows[0] + rows[1]);
}

/** The donor that needs no choice, if there is just one. */
function onlyOne(faces) {
  return faces?.sources === 1 ? 0 : null;
}

function row(count, made) {
  const element = document.createElement("div");
  element.append(...Array.from({ length: count }, (_, number) => made(number)));
  return element;
}

function line(text) {
  const element = document.createElement("p");
  element.textContent = text;
  return element;
}

function badge(name, number, colour) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = number;
  if (colour) element.style.background = colour;
  return element;
}

app.registerExtension({
  name: "multifaceswap.picker",
  nodeCreated(node) {
    if (node.constructor.comfyClass !== NODE || !node.addDOMWidget) return;
    const picker = new Picker(node);
    const height = () => (picker.faces ? heightOf(picker.faces) : 40);
    const widget = node.addDOMWidget("faces", "mfs_faces", picker.element, {
      serialize: false,
      getMinHeight: height,
      getValue: () => "",
      setValue: () => {},
    });
    widget.serialize = false;
    following(node, "onExecuted", (message) => {
      if (message?.mfs_faces?.length) picker.show(message.mfs_faces[0]);
    });
    following(node, "onConfigure", () => picker.restore());
    following(node, "onConnectionsChange", () => picker.render());
    for (const name of [...LISTS, "pairing"]) {
      const list = node.widgets?.find((one) => one.name === name);
      if (list) following(list, "callback", () => picker.render());
    }
  },
});
