/** The page to try the server with: two pictures, faces to click, the result. */

const MODEL = "faceswap-v3-multifaceswap";
const COLOURS = ["#4ea1f3", "#f3a14e", "#6cc56c", "#d46cc5", "#e5d04e", "#5ecfcf", "#e56b6b", "#9c8cf0"];
const HELP = "Click a source face, then the target faces that get it; click one again to part them.";
const POLL = 500;

const at = (id) => document.getElementById(id);
const pictures = { source: null, target: null };
/** The source face that was clicked last, and by target face the source face that it gets. */
let chosen = 0;
let pairs = new Map();

async function ask(method, path, body) {
  const headers = { "x-api-key": at("key").value, ...(body && { "Content-Type": "application/json" }) };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error ?? `HTTP ${answer.status}`);
  return content;
}

function say(text, isError = false) {
  at("said").textContent = text;
  at("said").classList.toggle("error", isError);
}

/** Run something, and say what goes wrong with it. */
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    say(error.message, true);
  }
}

function read(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error("the file can't be read"));
    reader.readAsDataURL(file);
  });
}

async function choose(side) {
  const [file] = at(side).files;
  if (!file) return;
  pictures[side] = null;
  say("Looking for faces …");
  render();
  const data = await read(file);
  const found = await ask("POST", "faces", { image: data });
  pictures[side] = { data, ...found };
  chosen = 0;
  pairs = new Map([[0, 0]]);
  const missing = ["source", "target"].filter((one) => pictures[one]?.faces.length === 0);
  say(missing.length ? `No face found in the ${missing.join(" and the ")}.` : ready() ? HELP : "Choose the other picture.");
  render();
}

/** With another key: the pictures that weren't looked at. */
async function again() {
  for (const side of ["source", "target"]) if (!pictures[side]) await choose(side);
}

function ready() {
  return Boolean(pictures.source?.faces.length && pictures.target?.faces.length && pairs.size);
}

function render() {
  for (const side of ["source", "target"]) {
    at(`${side}-picture`).replaceChildren(...(pictures[side] ? drawn(side) : []));
  }
  at("swap").disabled = !ready();
}

function drawn(side) {
  const { data, width, height, faces } = pictures[side];
  const image = document.createElement("img");
  image.src = data;
  image.alt = `${side} picture`;
  return [image, ...faces.map((face) => button(side, face, width, height))];
}

function button(side, { index, box }, width, height) {
  const [left, top, right, bottom] = box;
  const made = document.createElement("button");
  const donor = side === "source" ? index : pairs.get(index);
  made.type = "button";
  made.style.left = `${(100 * left) / width}%`;
  made.style.top = `${(100 * top) / height}%`;
  made.style.width = `${(100 * (right - left)) / width}%`;
  made.style.height = `${(100 * (bottom - top)) / height}%`;
  if (donor !== undefined) made.style.borderColor = COLOURS[donor % COLOURS.length];
  const label = document.createElement("span");
  label.textContent = side === "source" ? `${index}` : donor === undefined ? `${index}` : `${index} ← ${donor}`;
  made.append(label);
  made.setAttribute("aria-label", `${side} face ${label.textContent}`);
  made.setAttribute("aria-pressed", String(side === "source" && index === chosen));
  made.addEventListener("click", () => clicked(side, index));
  return made;
}

function clicked(side, index) {
  if (side === "source") chosen = index;
  else if (pairs.get(index) === chosen) pairs.delete(index);
  else pairs.set(index, chosen);
  render();
}

async function swap() {
  const targets = [...pairs.keys()];
  const body = {
    source_img: pictures.source.data,
    target_img: pictures.target.data,
    input_faces_index: targets.join(","),
    source_faces_index: targets.map((one) => pairs.get(one)).join(","),
    image_format: "png",
    base64: true,
    swap_model: at("swap_model").value,
    face_restore: at("face_restore").value,
  };
  at("swap").disabled = true;
  at("result").replaceChildren();
  at("report").replaceChildren();
  const { request_id } = await ask("POST", `v2/${MODEL}`, body);
  let result = { status: "QUEUED" };
  while (result.status === "QUEUED" || result.status === "PROCESSING") {
    say(result.status === "QUEUED" ? "Waiting …" : "Swapping …");
    await new Promise((resolve) => setTimeout(resolve, POLL));
    result = await ask("GET", `v2/requests/${request_id}`);
  }
  show(result);
}

function show(result) {
  const image = document.createElement("img");
  image.src = `data:image/png;base64,${result.output}`;
  image.alt = "result";
  at("result").replaceChildren(image);
  say(`${result.summary}. ${result.metrics.inference_time.toFixed(2)} s. ${result.licence}`);
  at("report").replaceChildren(
    ...result.report.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }),
  );
}

/** The engines and restorers that this server has. */
async function fill() {
  const schema = await (await fetch("openapi.json")).json();
  const content = schema.paths[`/v2/${MODEL}`].post.requestBody.content["application/json"];
  for (const name of ["swap_model", "face_restore"]) {
    const { enum: values, default: own } = content.schema.properties[name];
    for (const value of values.filter(Boolean)) at(name).add(new Option(value, value, value === own, value === own));
  }
}

for (const side of ["source", "target"]) at(side).addEventListener("change", () => attempt(() => choose(side)));
// Browsers say nothing where the same file is chosen again.
at("key").addEventListener("change", () => attempt(again));
at("swap").addEventListener("click", () => attempt(swap).finally(render));
attempt(fill);
