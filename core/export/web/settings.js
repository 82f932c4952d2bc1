// What a person has chosen, read from the controls.

import { Failure } from "./words.js";

const element = (id) => document.getElementById(id);
const SIZES = [128, 160, 192, 224, 256, 320, 384, 512]; // pixels of the longer side
const FIRST_SIZE = 256;
const NEEDS_ONE_CLASS = ["cutout", "blur", "background"];
// What was trained on parts of photos knows things at the photos' own size.
const firstSize = (about) => about.window ? about.long_side : Math.min(FIRST_SIZE, about.long_side);
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

export class Settings {
  #about = null;
  #picture = null;

  constructor() {
    element("settings").addEventListener("input", () => this.#arrange());
    element("colour").addEventListener("input", () => { this.#picture = null; });
  }

  /** Take a file as the background. Rejects with a Failure. */
  async chooseBackdrop(file) {
    try {
      this.#picture = await createImageBitmap(file);
    } catch (error) {
      throw new Failure("no-picture", String(error));
    }
  }

  /** Offer what this model has. `first`: start from its defaults. */
  show(about, first) {
    this.#about = about;
    if (first) {
      element("threshold").value = about.threshold;
      this.#choices("size", this.#sizes(), String(firstSize(about)));
      this.#choices("class", about.classes.map((name, i) => [String(i), name]), about.task === "multiclass" ? "1" : "0");
      this.#choices("precision", about.files.map((file, i) => [String(i), `${file.precision}, ${megabytes(file.bytes)}`]), "0");
    }
    this.#legend();
    this.#card();
    this.#arrange();
  }

  #choices(id, pairs, chosen) {
    element(id).replaceChildren(...pairs.map(([value, words]) => new Option(words, value, false, value === chosen)));
  }

  #sizes() {
    const { long_side: own, smallest_side: least } = this.#about;
    const sizes = [...new Set([...SIZES.filter((side) => side >= least), own])].sort((a, b) => a - b);
    return sizes.map((side) => [String(side), `${side} pixels${side === own ? ", as trained" : ""}`]);
  }

  #legend() {
    element("legend").replaceChildren(...this.#about.classes.map((name, i) => {
      const item = document.createElement("li"), colour = document.createElement("i");
      colour.style.background = this.#about.colours[i];
      item.append(colour, name);
      return item;
    }));
  }

  #card() {
    document.querySelector("#card dl").replaceChildren(...this.#about.card.flatMap(([label, value]) => {
      const [term, text] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = label;
      text.textContent = value;
      return [term, text];
    }));
  }

  #arrange() {
    const { task, size, files } = this.#about ?? { files: [] }, view = this.view;
    element("background").hidden = view !== "background";
    element("class-row").hidden = task === "binary" || !NEEDS_ONE_CLASS.includes(view);
    element("threshold-row").hidden = task === "multiclass" && !NEEDS_ONE_CLASS.includes(view);
    element("legend").hidden = task === "binary" || NEEDS_ONE_CLASS.includes(view);
    element("size-row").hidden = Boolean(size);
    element("precision-row").hidden = files.length < 2;
    element("threshold-value").textContent = Number(element("threshold").value).toFixed(2);
    element("stage").classList.toggle("checkered", view === "cutout");
  }

  get view() { return document.querySelector("[name=view]:checked").value; }
  get file() { return this.#about.files[Number(element("precision").value)]; }
  set mirror(value) { element("mirror").checked = value; }

  get forModel() {
    return {
      side: Number(element("size").value), smooth: element("smooth").checked,
      chosen: Number(element("class").value), threshold: Number(element("threshold").value),
    };
  }

  get forDrawing() {
    return {
      view: this.view, mirror: element("mirror").checked, threshold: Number(element("threshold").value),
      colour: element("colour").value, picture: this.#picture, colours: this.#about.colours,
    };
  }
}
